"""The arithmetic of a gate, shared by station and hub: no clock, disk, network, thread or log; ``now`` is passed in."""
