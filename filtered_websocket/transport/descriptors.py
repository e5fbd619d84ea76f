"""How many descriptors, and so connections, this process may have."""

import resource
import sys

SELECT, SELECT_MOST = "SelectReactor", 1024
"""Descriptors that `select` can look at (FD_SETSIZE): 0 to 1,023."""


def descriptors() -> int:
    """How many this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def raise_descriptors(reactor: str) -> None:
    """A connection is a descriptor: take as many as the system lets this process have, and its reactor can look at.

    :param reactor: its class's name
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = hard
    if reactor == SELECT:
        soft = SELECT_MOST if hard == resource.RLIM_INFINITY else min(hard, SELECT_MOST)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
