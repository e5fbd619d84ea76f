"""The commands of Redis that ours use, a file for each kind of value."""
