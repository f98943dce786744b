"""The hub's commands, a module for each noun; ``hub.cli`` says which word runs which function."""
