"""`make soak`: every pack under a mixed load of clients that come and go, for an hour, and what is left of it."""
