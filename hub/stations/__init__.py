"""Stations: who they are, their alarms, what is wrong with one, orders to them."""
