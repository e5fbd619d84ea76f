"""A class statement that makes no filter is refused where it stands, in one line."""

import dataclasses

import pytest

from filtered_websocket.errors import ConfigError
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

    assert chain.run(None, "") == "sao"


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
    assert filter_of(chain, lambda cls, instance, data: data) in chain._filters
