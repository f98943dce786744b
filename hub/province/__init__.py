"""A province system that stands behind the hub: asked for a person's standing through a mapping file."""
