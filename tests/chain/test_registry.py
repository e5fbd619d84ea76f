"""Defining a class registers it."""

import importlib
import sys
from dataclasses import dataclass
from textwrap import dedent

import six

from filtered_websocket.chain.events import EVENTS
from filtered_websocket.filters.base import FilterBase, FilterMeta, WebSocketMessageFilter
from tests.support.chains import filter_of, new_chain

# Registration.


def test_filters_run_in_the_order_of_their_definition(chain):
    ran = []

    class Zebra(chain):
        @classmethod
        def filter(cls, web_socket_instance, data):
            ran.append(("zebra", web_socket_instance, data))

    class Ant(chain):
        @classmethod
        def filter(cls, web_socket_instance, data):
            ran.append(("ant", web_socket_instance, data))

    assert chain._filters == [Zebra, Ant]
    assert chain.run("me", "x") == "x"
    assert ran == [("zebra", "me", "x"), ("ant", "me", "x")]


def test_a_chain_may_have_a_metaclass_of_its_own():
    class AFilter(FilterMeta):
        pass

    class A(FilterBase, metaclass=AFilter):
        pass

    class B(A):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + "b"

    assert A._filters == [B]
    assert A.run(None, "") == "b"


def test_six_add_metaclass_which_builds_a_class_twice_registers_a_filter_once():
    class AFilter(FilterMeta):
        pass

    @six.add_metaclass(AFilter)
    class A(FilterBase):
        pass

    class B(A):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + "b"

    @six.add_metaclass(AFilter)
    class C(A):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + "c"

    class CFilter(AFilter):
        pass

    @six.add_metaclass(CFilter)
    class D(A):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + "d"

    assert A._filters == [B, C, D]  # the classes as they are bound, not their former selves
    assert A.run(None, "") == "bcd"


def test_two_chains_with_one_metaclass_share_no_filters():
    class Shared(FilterMeta):
        pass

    class One(FilterBase, metaclass=Shared):
        pass

    @six.add_metaclass(Shared)
    class Other(FilterBase):
        pass

    class OfOne(One):
        pass

    class OfOther(Other):
        pass

    assert (One._filters, Other._filters) == ([OfOne], [OfOther])


def test_a_filter_of_two_chains_is_in_both(chain):
    other = new_chain()

    class Both(chain, other):
        pass

    assert (chain._filters, other._filters) == ([Both], [Both])


def test_a_subclass_of_a_filter_is_one_more_filter_of_the_same_chain(chain):
    class First(chain):
        suffix = "1"

        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + cls.suffix

    class Second(First):
        suffix = "2"

    assert chain._filters == [First, Second]
    assert chain.run(None, "") == "12"


def test_within_one_generation_every_class_joins_also_those_of_one_name(chain):
    for word in ("spam", "eggs", "ham"):

        class Ban(chain):
            banned = word

            @classmethod
            def filter(cls, web_socket_instance, data):
                return data.replace(cls.banned, "-")

    assert [each.banned for each in chain._filters] == ["spam", "eggs", "ham"]
    assert chain.run(None, "eggs, spam and ham") == "-, - and -"


def test_a_class_that_a_decorator_builds_a_second_time_joins_once_in_each_of_its_chains(chain):
    other = new_chain()
    for number in range(2):

        @dataclass(slots=True)
        class Counted(chain, other):
            value: int = number

        assert chain._filters[-1] is other._filters[-1] is Counted
    assert [each.__name__ for each in chain._filters] == [each.__name__ for each in other._filters] == ["Counted"] * 2


def test_a_copy_of_a_filter_under_another_name_is_another_filter(chain):
    original = filter_of(chain, lambda cls, instance, data: data + "x", "Original")
    copy = FilterMeta("Copy", (chain,), dict(vars(original)))
    assert chain._filters == [original, copy]
    assert chain.run(None, "") == "xx"


def test_classes_of_a_loop_take_the_places_of_their_former_selves_when_their_module_is_reloaded(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file = tmp_path / "module_with_a_loop.py"
    source = """
        from filtered_websocket.filters.base import WebSocketMessageFilter
        for each in WORDS:
            class Ban(WebSocketMessageFilter):
                word = each
    """

    def words():
        return [each.word for each in WebSocketMessageFilter._filters if each.__module__ == file.stem]

    file.write_text(dedent(source.replace("WORDS", "'ab'")))
    importlib.invalidate_caches()
    module = importlib.import_module(file.stem)
    assert words() == ["a", "b"]
    for _ in range(2):
        file.write_text(dedent(source.replace("WORDS", "['x', 'y', 'z']")))
        importlib.reload(module)
        assert words() == ["x", "y", "z"]


def test_reloading_a_module_does_not_double_its_filters(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    source = """
        from filtered_websocket.filters.base import WebSocketStartFilter, WebSocketStopFilter
        class Opens(WebSocketStartFilter):
            version = {}
        class Closes(WebSocketStopFilter):
            pass
    """
    file = tmp_path / "module_that_is_reloaded.py"
    file.write_text(dedent(source.format(1)))
    module = importlib.import_module(file.stem)
    file.write_text(dedent(source.format("'the second'")))
    importlib.invalidate_caches()
    importlib.reload(module)
    del sys.modules[file.stem]
    again = importlib.import_module(file.stem)
    mine = [each for root in EVENTS for each in root._filters if each.__module__ == file.stem]
    assert mine == [again.Opens, again.Closes]
    assert mine[0].version == "the second"


def test_a_class_that_a_call_makes_is_of_the_module_that_calls(chain):
    namespace = {"filter": staticmethod(lambda instance, data: data)}
    assert FilterMeta("Made", (chain,), namespace).__module__ == __name__
    assert FilterMeta("Elsewhere", (chain,), {**namespace, "__module__": "elsewhere"}).__module__ == "elsewhere"
    assert "__module__" not in namespace
