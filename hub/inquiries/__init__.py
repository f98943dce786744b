"""Officials' questions: checking, searching, tracing, arrivals, how full a place is."""
