"""Laravel Echo, unmodified, with the settings that the documentation gives."""

import json
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.channel_servers import running
from tests.support.lines import TESTS, Lines

DOCUMENTATION = TESTS.parent / "docs" / "migrating-from-pusher.md"
APP = {"id": "1001", "key": "app-key", "secret": "app-secret", "client_events": True}
ANN, BOB = {"id": 3, "name": "ann"}, {"id": 4, "name": "bobo"}
"""user_info; the ids are numbers, as those of Laravel's users are."""


class Echo(Lines):
    """
    :param where: ``host``, ``port`` and ``useTLS``
    """

    def __init__(self, broadcaster: str, where: dict[str, Any], user: str, root: str) -> None:
        assert (TESTS / "node" / "node_modules" / "laravel-echo").is_dir(), "not installed: make test-tools"
        scheme = "https" if where["useTLS"] else "http"
        env = {"KEY": "app-key", "HOST": where["host"], "PORT": str(where["port"]), "SCHEME": scheme}
        app = {"appId": "1001", "key": "app-key", "secret": "app-secret", **where}
        app["env"] = {f"VITE_PUSHER_APP_{name}" if name == "KEY" else f"VITE_PUSHER_{name}": env[name] for name in env}
        arguments = (script().replace('broadcaster: "pusher"', f'broadcaster: "{broadcaster}"'), json.dumps(app), user)
        super().__init__("node", str(TESTS / "node" / "echo.js"), *arguments, NODE_EXTRA_CA_CERTS=root)
        self.id = self.wait("connected")["id"]

    def enter(self, kind: str, name: str) -> None:
        self.do("enter", kind, name)
        self.wait("subscribed", name=name)

    def trigger(self, *arguments: Any) -> None:
        """Publish as the backend."""
        self.do("trigger", *arguments)
        assert self.wait("answer")["status"] == 200


def script() -> str:
    """What the documentation tells pages to run; imports are for bundlers, and so is import.meta.env."""
    page = DOCUMENTATION.read_text()
    _, _, rest = page.partition("\nLaravel Echo:\n\n")
    block, _, _ = rest.partition("\n\n`broadcaster:")
    lines = textwrap.dedent(block).splitlines()
    return "\n".join(line for line in lines if not line.startswith("import ")).replace("import.meta.env", "env")


@pytest.fixture(params=[("pusher", "http"), ("reverb", "https")], ids=lambda param: "-".join(param))
def both(request: Any, tmp_path: Path) -> Iterator[tuple[Echo, Echo]]:
    broadcaster, scheme = request.param
    tls = scheme == "https"
    with ExitStack() as stack:
        options = {"filters": ["filtered_websocket.filters.pusher"], "pusher_apps": [APP]}
        server = stack.enter_context(running(tmp_path, tls, **options))
        where = {"host": "localhost" if tls else "127.0.0.1", "port": server.port, "useTLS": tls}
        root = str(tmp_path / "root.pem") if tls else ""
        ann, bob = (stack.enter_context(Echo(broadcaster, where, user["name"], root)) for user in (ANN, BOB))
        yield ann, bob


def test_laravel_echo_works_with_the_settings_of_the_documentation(both: tuple[Echo, Echo]) -> None:
    ann, bob = both
    # Events, public, private and encrypted; a backend that has the page's X-Socket-ID sends to the others.
    for kind, name, sent in (
        ("channel", "orders", "orders"),
        ("private", "orders.1", "private-orders.1"),
        ("encryptedPrivate", "orders.2", "private-encrypted-orders.2"),
    ):
        for echo in both:
            echo.enter(kind, name)
            echo.do("listen", name, "OrderShipped")
        ann.trigger(sent, r"App\Events\OrderShipped", {"order": name}, {"socket_id": ann.id})
        assert bob.wait("event")["data"] == {"order": name}
        bob.trigger(sent, r"App\Events\OrderShipped", {"to": "all"})
        assert ann.wait("event")["data"] == bob.wait("event")["data"] == {"to": "all"}
        assert ann.heard("event") == []
    # A subscription that the backend signed wrongly.
    ann.do("enter", "private", "forged")
    assert ann.wait("failed", name="forged")["status"] == 401
    # Notifications.
    bob.enter("private", "App.Models.User.4")
    bob.do("notified", "App.Models.User.4")
    notification = r"Illuminate\Notifications\Events\BroadcastNotificationCreated"
    ann.trigger("private-App.Models.User.4", notification, {"type": "InvoicePaid", "id": "x"})
    assert bob.wait("notified")["data"] == {"type": "InvoicePaid", "id": "x"}
    # Presence, and whispers in it and in a private channel.
    ann.enter("join", "room.1")
    assert ann.wait("here")["members"] == [ANN]
    bob.enter("join", "room.1")
    assert sorted(bob.wait("here")["members"], key=lambda info: info["id"]) == [ANN, BOB]
    assert ann.wait("joining")["info"] == BOB
    for name in ("room.1", "orders.1"):
        ann.do("heed", name, "typing")
        bob.do("heed", name, "typing")
        bob.do("whisper", name, "typing", {"in": name})
        assert ann.wait("whisper")["data"] == {"in": name}
    bob.do("leave", "room.1")
    assert ann.wait("leaving")["info"] == BOB
    assert bob.heard("whisper") == bob.heard("leaving") == bob.heard("error") == []
