"""The uses of filter modules in one pipeline, and the classes that are made for them (`chain.using`)."""

import sys
from collections.abc import Iterable
from typing import Any

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.chain.registry import FilterMeta
from filtered_websocket.chain.using import used
from filtered_websocket.config.uses import Use
from filtered_websocket.pipeline.modules import filters_of, parents_of

_Key = tuple[FilterMeta, str, int]  # the filter, the options of its use, and the how manieth it is with these


_Group = tuple[str, str, int]  # the same of a module: what the filters of one use are


class Uses:
    """What a pipeline's chains are made of.

    :param given: the uses in the order of their chains
    :param options: the pipeline's
    :param former: the uses of the pipeline as it serves now, which is read anew. A class that is wanted again stays,
        and with it what its filter keeps.
    """

    def __init__(self, given: Iterable[Use], options: Options, former: "Uses | None" = None) -> None:
        counts: dict[str, int] = {}
        #: each with a number that tells it from others that are written the same way
        self.given: list[tuple[Use, int]] = []
        for use in given:
            counts[repr(use[:2])] = number = counts.get(repr(use[:2]), 0) + 1
            self.given.append((use, number))
        self._options = options
        self._made: dict[_Key, FilterMeta] = {}
        self._former = {} if former is None else former._made
        self._states: dict[_Group, dict[str, Any]] = {}
        self._renewed: list[tuple[FilterMeta, Options]] = []

    def chain(self, root: FilterMeta) -> tuple[FilterMeta, ...]:
        """The filters of one chain, each use once. A filter without options of its own is there once."""
        found = (self.use_of(each, use, number) for use, number in self.given for each in filters_of(use.module, root))
        return tuple(dict.fromkeys(found))

    def use_of(self, filter_class: FilterMeta, use: Use, number: int = 1) -> FilterMeta:
        """The filter as a chain has it: itself where no option is one of its use."""
        module, declared = _declaring(filter_class.__module__)
        if not declared:
            return filter_class
        own = any(name in declared for name, _ in use.written)
        written, number = (repr(use.written), number) if own else ("", 1)
        key = (filter_class, written, number)
        if key not in self._made:
            options = use.options if own and use.options is not None else self._options
            group = (module, written, number)
            self._made[key] = self._class(key, options, use.suffix if own else "", group)
        return self._made[key]

    def _class(self, key: _Key, options: Options, suffix: str, group: _Group) -> FilterMeta:
        if key in self._former:
            former = self._former[key]
            self._renewed.append((former, options))
            self._states[group] = former.state  # type: ignore[attr-defined]
            return former
        state = self._states.setdefault(group, {})
        return used(key[0], options, suffix + (f" #{key[2]}" if key[2] > 1 else ""), state)

    def settle(self) -> None:
        """They are in force: classes that have stayed get the options that there are now."""
        for use, options in self._renewed:
            use.options = options  # type: ignore[attr-defined]
        self._renewed.clear()
        self._former = {}


def _declaring(module: str) -> tuple[str, set[str]]:
    """The module, or the nearest package it is in, that declares options of a use; and their names."""
    for name in (module, *parents_of(module)):
        options = getattr(sys.modules.get(name), "OPTIONS", ())
        if declared := {option.name for option in options if option.scope == "use"}:
            return name, declared
    return module, set()
