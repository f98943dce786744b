"""Alarms on their way to people: which are to be told, in which words, by webhook and by e-mail."""
