"""Snapshots: the province's standings for stations without a network, built at night and fetched piece by piece."""
