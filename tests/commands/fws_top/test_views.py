"""What keys do in the views of connections and channels."""

from collections.abc import Iterator
from typing import Any

import pytest

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_top.views import DOWN, UP, Views
from filtered_websocket.commands.steering import Steered
from filtered_websocket.commands.terminal import console
from tests.support.raw_client import wait_until
from tests.support.reactor_thread import until
from tests.support.serving import Served, serving
from tests.support.steering import Named, Spread


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(Named, Spread, admin_secret="admin") as served:
        yield served


class Screen:
    """A terminal's view of a server, its secret known or not."""

    def __init__(self, served: Served, secret: str = "admin") -> None:
        self.views = Views(Steered(f"http://127.0.0.1:{served.address[1]}/metrics", secret))

    def press(self, *keys: str) -> str:
        """What is seen when these keys were pressed."""
        for key in keys:
            if self.views.press(key):
                self.views.refresh()
        return self.seen

    @property
    def seen(self) -> str:
        screen = console(width=200, color_system=None)
        with screen.capture() as capture:
            screen.print(self.views.show(20))
        return capture.get()


def opened(served: Served, *users: str) -> list[Any]:
    clients = [served.open(f"/?user={user}&id={number}{user[:3]}") for number, user in enumerate(users)]
    until(lambda: len(served.users) == len(users))
    return clients


def test_connections_are_listed_sorted_and_searched(served: Served) -> None:
    opened(served, "ann", "bob", "eve%1b")
    screen = Screen(served)
    seen = screen.press("2")
    assert "3 of 3 connections, oldest first" in seen
    assert "eve\\x1b" in seen
    assert "newest first" in screen.press("s")
    assert "user: bq_" in screen.press("/", "b", "q")
    seen = screen.press("\x7f", "o", "b", "\n")
    assert "1 of 1 connections, newest first, of user bob" in seen
    assert "0ann" not in seen
    assert "3 of 3" in screen.press("/", "\n")
    screen.press("/", "x")
    assert "user:" not in screen.press("\x1b")
    assert not screen.views.types


def test_one_is_chosen_and_ended_when_that_is_confirmed(served: Served) -> None:
    clients = opened(served, "ann", "bob")
    screen = Screen(served)
    screen.press("2", "s")  # the newest first
    seen = screen.press(DOWN, DOWN, UP, DOWN, "x")
    assert "end 0ann? y ends it" in seen
    screen.press("n")
    assert len(served.users) == 2
    assert "1 ended" in screen.press("x", "y")
    assert clients[0].closed() == (1000, "by an operator")
    until(lambda: [*served.users] == ["1bob"])


def test_a_connection_and_a_channel_are_traced_until_a_key_is_pressed(served: Served) -> None:
    (client,) = opened(served, "ann")
    client.send("+room")
    until(lambda: served.server.pipelines[0].hub.channels)
    screen = Screen(served)
    for view in ("2", "3"):
        screen.press(view, "t")
        wait_until(lambda: "tracing 1 connections" in screen.seen)
        client.send("room hello")
        wait_until(lambda: "sent hello" in screen.seen)
        screen.press("q")
        assert "q leaves" in screen.seen
        client.send("room goodbye")  # with which its reader ends
        until(lambda: not served.server.tracing.runs)


def test_channels_are_listed_the_noisiest_first(served: Served) -> None:
    (client,) = opened(served, "ann")
    client.send("+room")
    until(lambda: served.server.pipelines[0].hub.channels)
    seen = Screen(served).press("3")
    assert "1 of 1 channels" in seen
    assert seen.splitlines()[2].split()[:3] == ["room", "*", "1"]


def test_what_may_not_be_seen_or_done_is_told(served: Served) -> None:
    with pytest.raises(Ended, match="admin_secret is wanted"):
        Screen(served, "wrong").press("2")
    opened(served, "ann")
    screen = Screen(served)
    screen.press("2")
    screen.views._server = Steered(f"http://127.0.0.1:{served.address[1]}", "wrong")
    screen.views.press("x")
    screen.views.press("y")
    assert "admin_secret is wanted" in screen.seen
