"""Chains made by hand, for tests of what chains are."""

from filtered_websocket.filters.base import FilterBase, FilterMeta


def new_chain():
    class Chain(FilterBase, metaclass=FilterMeta):
        pass

    return Chain


def filter_of(chain, function, name="Filter"):
    """A filter of this chain; its name is what tells it from others."""
    return FilterMeta(name, (chain,), {"filter": classmethod(function), "__qualname__": name})


def outcome(deferred):
    """What a Deferred has fired with, a list of it, so that "not yet" is the empty one."""
    fired = []
    deferred.addBoth(fired.append)
    return fired


def results(deferred):
    collected = []
    deferred.addBoth(collected.append)
    return collected
