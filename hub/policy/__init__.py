"""Policy: its versions, and what a draft would mean in plain words."""
