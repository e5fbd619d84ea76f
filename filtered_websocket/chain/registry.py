"""Registries: lists that classes join by being defined. A chain is one, and so are all endpoints.

Rules:

1. Every class joins, in the order of definition, also where several have one name: a loop may define them.
2. A class takes the place of its former self, and only of that: of the class out of whose namespace it is built
   (`six.add_metaclass` and ``dataclass(slots=True)`` build a class a second time), or of a class of its name that its
   module defined before it was reloaded.
"""

import functools
import sys
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred

from filtered_websocket.chain.definition import arguments_of, check
from filtered_websocket.chain.running import Step, run
from filtered_websocket.errors import StopChain

Class = TypeVar("Class", bound=type)


class _Definition:
    """One execution of a class statement. A class built a second time has its former self's in its namespace."""

    def __init__(self, cls: type) -> None:
        # Python gives a module another one whenever it executes its source.
        self.spec = getattr(sys.modules.get(cls.__module__), "__spec__", None)


class Registry(list[Class], Generic[Class]):
    """The classes that have joined.

    :ivar owner: what they join, such as a chain's root
    """

    def __init__(self, owner: type) -> None:
        super().__init__()
        self.owner = owner
        _registries[id(self)] = self

    def join(self, cls: Class, namespace: dict[str, Any]) -> None:
        """Add a class that is being defined.

        :param namespace: what it is built of
        """
        former: Any = namespace.get("_definition")
        if vars(cls).get("_definition") is former:
            cls._definition = _Definition(cls)  # type: ignore[attr-defined]
        spec = vars(cls)["_definition"].spec
        for index, other in enumerate(self):
            definition = vars(other)["_definition"]
            # Not the qualified names: a decorator may set that of what it builds afterwards.
            again = definition is former and other.__name__ == cls.__name__
            same_name = (other.__module__, other.__qualname__) == (cls.__module__, cls.__qualname__)
            if again or (same_name and definition.spec is not spec):
                self[index] = cls
                return
        self.append(cls)


_registries: WeakValueDictionary[int, Registry[Any]] = WeakValueDictionary()


def registries() -> list[Registry[Any]]:
    """Every registry there is: of all chains, a user's own too, and of endpoints."""
    return list(_registries.values())


class FilterMeta(type):
    """The metaclass of filters: a class registers itself when it is defined. Chains of your own use it too.

    :param abstract: the class is a base of filters, and none itself
    :raises ConfigError: its ``filter`` cannot be called as one
    """

    _filters: "Registry[FilterMeta]"
    _abstract: bool
    any_number: bool
    takes_back: bool
    step: Step

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, abstract: bool = False, **keywords: Any
    ) -> "FilterMeta":
        # What a call makes, and no statement, names no module. Python would take this one's, which all pipelines bring.
        if "__module__" not in namespace:
            namespace = {**namespace, "__module__": sys._getframe(1).f_globals.get("__name__", __name__)}
        return super().__new__(mcs, name, bases, namespace, **keywords)

    def __init__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, abstract: bool = False, **_: Any
    ) -> None:
        super().__init__(name, bases, namespace)
        roots = [base for base in cls.__mro__[1:] if "_filters" in vars(base)]
        if not roots:
            cls._filters = Registry(cls)
            return
        # In the namespace: what builds the class a second time hands on that, and no keywords.
        if abstract or "_abstract" in namespace:
            cls._abstract = True
            return
        cls.step = as_step(cls)
        for root in roots:
            root._filters.join(cls, namespace)  # type: ignore[attr-defined]


def as_step(cls: FilterMeta) -> Step:
    """A filter written with one parameter is called with one, as the original's README writes them."""
    # What a chain of one's own, with a `run` of its own, calls its filters with is its own matter.
    if getattr(getattr(cls, "run", None), "__func__", None) is FilterBase.run.__func__:  # type: ignore[attr-defined]
        check(cls, cls.any_number)
    function: Step = cls.filter  # type: ignore[attr-defined]
    if arguments_of(function) == 2:
        return function
    return functools.wraps(function)(lambda instance, data: function(instance))  # type: ignore[call-arg]


class FilterBase:
    """What every filter is: a class with a classmethod ``filter(web_socket_instance, data)``.

    :cvar any_number: filters of the chain are called with as many arguments as an event has, not with two
    :cvar takes_back: of a disconnect filter: it takes back what is held for the client, and so runs also where a filter
        in front of it has raised StopChain
    :cvar options: the pipeline's, with those of its use in the chain; where its module declares an option of a use. It
        is a class of its own then in each use of each pipeline
    :cvar use: the options that its use has of its own, as its name shows them: ``?name=value``; "" for none
    :cvar state: what the filters of one use keep together, by names of their choice
    """

    any_number: ClassVar[bool] = False
    takes_back: ClassVar[bool] = False
    options: ClassVar[Any]
    use: ClassVar[str] = ""
    state: ClassVar[dict[str, Any]]

    # To type checkers, arguments that end like these are any that a subclass takes: its own names, types and number.
    @classmethod
    def filter(cls, web_socket_instance: Any, /, *data: Any, **_: Any) -> Any:
        """Answer one event. None: the data goes on as it is; a value: it goes on instead."""

    @classmethod
    def run(cls, web_socket_instance: Any, data: Any = None) -> Any:
        """Run every filter registered on this chain.

        :returns: the data as the last filter left it, None after StopChain, or a Deferred of that when a filter waits
        """
        try:
            result = run([each.step for each in cls._filters], web_socket_instance, data)  # type: ignore[attr-defined]
        except StopChain:
            return None
        if isinstance(result, Deferred):
            result.addErrback(lambda failure: failure.trap(StopChain) and None)
        return result
