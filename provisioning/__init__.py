"""From an empty card to a configured station."""
