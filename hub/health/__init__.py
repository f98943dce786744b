"""The fleet's health: as it is now, and its history."""
