"""What a station has recorded: its rows, who went through today, the hub's orders, and the file that holds each."""
