"""Everything with a wire on it, one file a kind; knows colours, tunes and lines of text, never verdicts."""
