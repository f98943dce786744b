"""The register: people, what they declared, places, and the standing that comes of it."""
