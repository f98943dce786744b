"""The doors: HTTP, MQTT, the broker, and what is said through them."""
