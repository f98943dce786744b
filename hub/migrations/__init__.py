"""The schema's history, oldest first in ``versions/``; applied when the hub starts, never undone by itself."""
