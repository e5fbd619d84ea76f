"""A generation of the user's own modules, in this process: what chains and imports hold before, meanwhile and after.

tests/end_to_end/test_generations.py reloads the real server.
"""

import sys

import pytest

from filtered_websocket.chain.events import WebSocketMessageFilter
from filtered_websocket.errors import ConfigError
from filtered_websocket.pipeline.generation import Generation, own_modules
from filtered_websocket.pipeline.importing import IMPORTER, install

CHAT = """
    import {p}helper

    class First(WebSocketMessageFilter):
        VALUE = {p}helper.VALUE

    class Second(WebSocketMessageFilter):
        VALUE = {p}helper.VALUE
"""


@pytest.fixture
def chat(files):
    """Two filters that use a helper, and what they see of it."""
    install()
    before = list(WebSocketMessageFilter._filters)
    files.write(chat=CHAT, helper="VALUE = 1").load("chat")
    yield files
    sys.meta_path.remove(IMPORTER)
    IMPORTER.names.difference_update([name for name in IMPORTER.names if name.startswith(files.prefix)])
    WebSocketMessageFilter._filters[:] = before
    for name in [name for name in sys.modules if name.startswith(files.prefix)]:
        del sys.modules[name]


def chain(files):
    """The filters of these modules that the chain holds now, and the helper each has seen."""
    own = [each for each in WebSocketMessageFilter._filters if each.__module__.startswith(files.prefix)]
    return [(each.__name__, each.VALUE) for each in own]


def imported(files, name):
    return sys.modules[files.prefix + name]


def begin(files, **sources):
    """The next generation, imported and complete."""
    generation = Generation(own_modules([f"{files.prefix}chat"]))
    generation.take_out()
    files.write(**sources)
    try:
        files.load("chat")
        generation.complete()
    except ConfigError:
        generation.restore()
        raise
    return generation


def test_a_generation_is_the_filter_modules_and_what_they_import_of_the_users_own(chat):
    chat.write(chat=CHAT + "    import json\n    import filtered_websocket.errors\n")
    names = own_modules([f"{chat.prefix}chat"])
    assert [name.removeprefix(chat.prefix) for name in names] == ["chat", "helper"]
    assert own_modules([f"{chat.prefix}chat"], stay=[f"{chat.prefix}helper"]) == [f"{chat.prefix}chat"]


def test_the_new_is_complete_while_the_old_serves_and_then_takes_its_place(chat):
    old = imported(chat, "chat").First
    generation = begin(chat, helper="VALUE = 2")
    assert chain(chat) == [("First", 2), ("Second", 2)]
    generation.wait()
    assert chain(chat) == [("First", 1), ("Second", 1)]
    assert imported(chat, "helper").VALUE == 2
    generation.replace()
    assert chain(chat) == [("First", 2), ("Second", 2)]
    assert old not in WebSocketMessageFilter._filters


def test_what_is_given_up_leaves_the_old_modules_and_filters_as_they_were(chat):
    old, before = imported(chat, "chat"), list(WebSocketMessageFilter._filters)
    generation = begin(chat, helper="VALUE = 2", chat=CHAT + "\n    class Third(First): pass\n")
    assert [name for name, _ in chain(chat)] == ["First", "Second", "Third"]
    generation.restore()
    assert imported(chat, "chat") is old
    assert imported(chat, "helper").VALUE == 1
    assert WebSocketMessageFilter._filters == before


@pytest.mark.parametrize(
    ("name", "source", "fault"),
    [("chat", "import {p}nowhere", "nowhere"), ("helper", "raise ValueError('no')", "ValueError: no"),
     ("chat", "def broken(:", "SyntaxError")],
)  # fmt: skip
def test_what_cannot_be_imported_is_a_fault_and_changes_nothing(chat, name, source, fault):
    before, old = list(WebSocketMessageFilter._filters), imported(chat, "helper")
    with pytest.raises(ConfigError, match=fault):
        begin(chat, **{name: source})
    assert WebSocketMessageFilter._filters == before
    assert imported(chat, "helper") is old


def test_filters_keep_their_places_whatever_order_they_are_imported_in(chat):
    class OfTheTest(WebSocketMessageFilter):
        VALUE = 0

    turned = CHAT.replace("First", "Last").replace("Second", "First").replace("Last", "Second")
    generation = begin(chat, chat=turned + "\n    class Third(WebSocketMessageFilter):\n        VALUE = 3\n")
    generation.replace()
    assert [name for name, _ in chain(chat)] == ["First", "Second", "Third"]
    filters = WebSocketMessageFilter._filters
    # Other tests have filters of such names too.
    second, third = (imported(chat, "chat").__dict__[name] for name in ("Second", "Third"))
    assert filters.index(second) < filters.index(OfTheTest) < filters.index(third)


def test_what_joins_while_the_new_waits_stays(chat):
    generation = begin(chat, helper="VALUE = 2")
    generation.wait()

    class Meanwhile(WebSocketMessageFilter):
        pass

    generation.replace()
    assert WebSocketMessageFilter._filters[-1] is Meanwhile
    assert chain(chat) == [("First", 2), ("Second", 2)]
