"""The province's sealed standings, for days without a network: brought piece by piece, kept in files, looked up in."""
