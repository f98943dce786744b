"""A province that never was, for demonstrations and tests: real communes, invented people."""
