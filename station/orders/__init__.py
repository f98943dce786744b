"""What the hub orders: noted before it is carried out, carried out once, answered until the hub has heard."""
