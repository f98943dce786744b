"""Pixels and keys become captures."""
