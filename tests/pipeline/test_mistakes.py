"""Filter modules that can be imported and are wrong: what is said of them, by a start, `--check` and the kit alike."""

import json

import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.socketio import SocketIOConnectFilter
from filtered_websocket.testing import Server

FILTER = "\n    @classmethod\n    def {}(cls, web_socket_instance, data):\n        return data\n"
MISTAKES = {
    "misspelt": ("class Chat(WebSocketMessageFilter):" + FILTER.format("fliter"), "Chat has no filter: is fliter", 3),
    "longer": ("class Chat(WebSocketMessageFilter):" + FILTER.format("filter_message"), "is filter_message meant", 3),
    "empty": ("\n\nclass Chat(WebSocketMessageFilter):\n    pass\n", "Chat has no filter: a classmethod", 4),
    "unbound": ("class Chat(WebSocketMessageFilter):\n    def filter(self, data):\n        pass", "@classmethod", 3),
    "options": ("OPTIONS = (5,)\nclass Chat(WebSocketMessageFilter):" + FILTER.format("filter"), "holds 5", 2),
    "number": ("OPTIONS = 5\nclass Chat(WebSocketMessageFilter):" + FILTER.format("filter"), "and is 5", 2),
    "comma": (
        "from filtered_websocket.config import Option, text\nOPTIONS = (Option('comma', text, '', 'x'))\n"
        "class Chat(WebSocketMessageFilter):" + FILTER.format("filter"),
        "and is an Option: a comma behind it makes it one",
        3,
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_with_file_and_line_number_wherever_the_module_is_loaded(files, name):
    source, told, line = MISTAKES[name]
    module = files.prefix + name
    files.write(**{name: source})
    assembly = Assembly(["-f", module], {})
    assembly.load()
    with pytest.raises(ConfigError) as raised:
        assembly.options()
    (fault,) = raised.value.faults
    assert told in fault
    assert fault.endswith(f"{module}.py, line {line})"), fault
    with pytest.raises(ConfigError) as raised:
        Server(module).__enter__()
    (fault,) = raised.value.faults
    assert told in fault


def test_a_class_without_a_filter_may_be_the_base_of_others(files):
    files.write(
        base="class Base(WebSocketMessageFilter):\n    pass\n",
        user="from {p}base import Base\nclass User(Base):" + FILTER.format("filter"),
    )
    assembly = Assembly(["-f", files.prefix + "base", files.prefix + "user"], {})
    assembly.load()
    assembly.options()


def test_an_endpoint_that_no_request_of_its_pipeline_reaches_is_refused(files):
    files.write(
        page="from filtered_websocket.web.base import Endpoint\nclass Page(Endpoint):\n    path = '/page'\n",
    )
    module = files.prefix + "page"
    for patterns, says in (("/chat", True), ("/chat /page", False), ("/live/*", False)):
        assembly = Assembly(["--pipelines", json.dumps({patterns: [module]})], {})
        assembly.load()
        if says:
            with pytest.raises(ConfigError, match=r'no request reaches "/page" .* "/chat /page" \(.*page.py, line 3\)'):
                assembly.options()
        else:
            assembly.options()


def test_a_class_that_only_sets_what_its_root_has_says_something_too():
    class Chat(SocketIOConnectFilter):
        namespace = "/chat"

    with Server("filtered_websocket.filters.socketio", Chat) as server:
        server.socketio("/chat")


def test_a_class_that_is_given_to_the_kit_has_a_filter():
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Chat(WebSocketMessageFilter, abstract=True):
        @classmethod
        def filters(cls, web_socket_instance, data):
            return data

    with pytest.raises(ConfigError, match=r"Chat has no filter: is filters meant to be it\? \(.*, line \d+\)"):
        Server(Chat).__enter__()
