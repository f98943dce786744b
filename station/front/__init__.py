"""The front-panel page: an optional extra of the station, and the processes of the demo."""
