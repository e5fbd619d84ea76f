"""A filter as one chain uses it: a class of its own, made of the filter's, with the options of that use."""

from typing import Any

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.chain.registry import FilterMeta, as_step


def used(filter_class: FilterMeta, options: Options, suffix: str, state: dict[str, Any]) -> FilterMeta:
    """A subclass that joins no chain: ``options`` is what its filter reads as ``cls.options``.

    :param suffix: stands behind its name, so that what is told of the use names it
    :param state: what all filters of the use have as ``cls.state``
    """
    namespace = {
        "__doc__": filter_class.__doc__,
        "__module__": filter_class.__module__,
        "__qualname__": filter_class.__qualname__ + suffix,
        # Not as a keyword: a metaclass of a user's own may take none.
        "_abstract": True,
        "options": options,
        "use": suffix,
        "state": state,
    }
    use = type(filter_class)(filter_class.__name__ + suffix, (filter_class,), namespace)
    use.step = as_step(use)
    return use
