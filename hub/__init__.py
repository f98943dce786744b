"""The centre: registry, look-ups, check-ins, policy."""
