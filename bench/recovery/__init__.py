"""Clients that are cut off and come back: what each of them gets, what it misses, and whether it is told so."""
