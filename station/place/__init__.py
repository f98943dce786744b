"""The gates of one place among themselves: what they tell each other without the hub, and how many are inside."""
