"""The demo: a hub, a broker and one simulated station as processes of their own, for a browser or a scripted crowd."""
