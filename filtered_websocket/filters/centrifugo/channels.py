"""The hub's channels beside those that clients name: what begins with a control character is the pack's own."""

import hashlib

JOINS = "\x01j"
CLIENTS = "\x01c"
"""All clients are present here while filters want to be told of those that go."""
_LONGEST = 200


def joins_of(channel: str) -> str:
    """Where joins and leaves of a channel are told: apart, since not all that are in the channel want to know."""
    if len(channel) <= _LONGEST:
        return JOINS + channel
    # The core has a limit of its own for names.
    return f"{JOINS}\x01{hashlib.sha256(channel.encode('utf-8', 'surrogatepass')).hexdigest()}"
