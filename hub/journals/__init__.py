"""Stations' rows: taken in, opened, proven, asked again, given out."""
