"""Connection state recovery: what is emitted goes by a log, so a client that comes back gets what it has missed.

    emit, join, leave, disconnect -> `log` (a channel with history) -> every node: `window`, then its clients
    a client's `record` in storage: its rooms, since when, how far it was sent everything
    a client comes with its pid and an `offsets` -> `record` taken -> `restore`: its rooms, what it missed; then live

It knows of clients what a pack tells it: rooms are channels of the hub, events are messages.
"""
