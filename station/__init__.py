"""The service on the board: reads codes, decides, records, signals."""

__version__ = "0.1.0"
