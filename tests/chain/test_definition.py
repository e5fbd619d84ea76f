"""A class statement that makes no filter is refused where it stands, in one line."""

import dataclasses
import functools

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import FilterBase, FilterMeta
from tests.support.chains import filter_of


def fault(define):
    with pytest.raises(ConfigError) as raised:
        define()
    (line,) = raised.value.faults
    assert " (tests/chain/test_definition.py, line " in line, line
    return line.removeprefix(f"{__name__}.{define.__qualname__}.<locals>.").rpartition(" (")[0]


def test_a_filter_without_classmethod_is_refused(chain):
    def define():
        class Chat(chain):
            def filter(cls, web_socket_instance, data):
                return data

    assert fault(define) == "Chat.filter needs @classmethod above it"
    assert chain._filters == []


def test_a_filter_that_can_be_called_with_neither_one_nor_two_arguments_is_refused(chain):
    def too_many():
        class Chat(chain):
            @classmethod
            def filter(cls, web_socket_instance, data, more):
                return data

    def by_name():
        class Chat(chain):
            @classmethod
            def filter(cls, web_socket_instance, data, *, more):
                return data

    def none():
        class Chat(chain):
            @classmethod
            def filter(cls):
                return None

    said = "and is called with (cls, instance, data), or without data if it takes none"
    assert fault(too_many) == f"Chat.filter takes (cls, web_socket_instance, data, more), {said}"
    assert fault(by_name).startswith("Chat.filter takes (cls, web_socket_instance, data, more), ")
    assert fault(none) == f"Chat.filter takes (cls), {said}"
    assert chain._filters == []


def test_the_number_of_arguments_is_the_events_where_the_chain_says_so(chain, monkeypatch):
    monkeypatch.setattr(chain, "any_number", True)

    class Say(chain):
        @classmethod
        def filter(cls, socket, room, payload):
            return payload

    assert chain._filters == [Say]
    assert Say.step("socket", "room", "payload") == "payload"


def test_a_filter_that_is_no_function_is_refused(chain):
    def define():
        class Chat(chain):
            filter = "upper"

    assert fault(define) == "Chat.filter is no classmethod but 'upper'"


def test_filters_of_every_form_that_can_be_called_are_taken(chain):
    class Static(chain):
        @staticmethod
        def filter(web_socket_instance, data):
            return data + "s"

    class Any(chain):
        @classmethod
        def filter(cls, *both, flag=True):
            return both[1] + "a"

    class Optional(chain):
        @classmethod
        def filter(cls, instance, data, more="o"):
            return data + more

    def exclaimed(web_socket_instance, data):
        return data + "!"

    class Function(chain):
        filter = exclaimed

    class Builtin(chain):
        filter = max

    assert chain.run("", "") == "sao!"


def with_suffix(function):
    @functools.wraps(function)
    def filtered(cls, web_socket_instance, data):
        return function(cls, web_socket_instance, data, "1")

    return filtered


def with_any(function):
    @functools.wraps(function)
    def filtered(*both):
        return function(*both, "2")

    return filtered


def with_data(function):
    @functools.wraps(function)
    def filtered(cls, web_socket_instance):
        return function(cls, web_socket_instance, "3")

    return filtered


def as_it_is(function):
    @functools.wraps(function)
    def filtered(*both):
        return function(*both)

    return filtered


def test_a_filter_is_called_as_its_decorators_are(chain):
    class Suffix(chain):
        @classmethod
        @with_suffix
        def filter(cls, web_socket_instance, data, suffix):
            return data + suffix

    class Any(chain):
        @classmethod
        @with_any
        def filter(cls, web_socket_instance, data, suffix):
            return data + suffix

    assert chain.run(None, "") == "12"

    class Alone(chain):
        @classmethod
        @as_it_is
        def filter(cls, web_socket_instance):
            return web_socket_instance

    class Data(chain):
        @classmethod
        @with_data
        def filter(cls, web_socket_instance, data):
            return web_socket_instance + data

    assert chain.run("a", "") == "a3"


def test_a_filter_without_classmethod_is_refused_where_it_is_called_with_one_argument_too(chain):
    def define():
        class Chat(chain):
            def filter(self, web_socket_instance):
                return None

    assert fault(define) == "Chat.filter needs @classmethod above it"


def test_a_chain_that_runs_its_filters_itself_calls_them_as_it_likes():
    class Sums(FilterBase, metaclass=FilterMeta):
        @classmethod
        def run(cls, *numbers):
            return [each().filter(*numbers) for each in cls._filters]

    class Plain(metaclass=FilterMeta):
        pass

    class Three(Sums):
        def filter(self, one, two, three):
            return one + two + three

    class Two(Plain):
        @classmethod
        def filter(cls, instance, data):
            return data

    assert Sums.run(1, 2, 3) == [6]
    assert Plain._filters == [Two]


def test_an_abstract_base_is_no_filter_and_those_built_on_it_are(chain):
    @dataclasses.dataclass(slots=True)
    class Suffix(chain, abstract=True):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return data + cls.suffix

    class One(Suffix):
        suffix = "1"

    class Two(Suffix):
        suffix = "2"

    assert chain._filters == [One, Two]
    assert chain.run(None, "") == "12"

    class Helper(chain, abstract=True):
        def filter(self, web_socket_instance, data, more):
            return data + more

    assert chain._filters == [One, Two]
    assert filter_of(chain, lambda cls, instance, data: data) in chain._filters
