"""The fleet wall: every station by trouble, what alarms stand, and a page of each station's own."""
