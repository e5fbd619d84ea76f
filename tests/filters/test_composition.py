"""Every filter of the shelf in front of every pack, and all of them together in both orders: clients have their usual
journey, and each filter has its effect.

A filter that is new to the shelf is a line in `SHELF`. `exec_pipe` needs the real reactor, and `history` has a protocol
of its own: tests/end_to_end/test_shelf.py has both.
"""

import json
import time
from collections import Counter

import pytest

from filtered_websocket.errors import Reject, StopChain
from filtered_websocket.filters.base import WebSocketDisconnectFilter
from filtered_websocket.filters.presence import here
from filtered_websocket.testing import Refused
from filtered_websocket.web.response import HTTPError
from tests.filters import composition
from tests.filters.composition import FILTERS, JWT_SECRET, PACKS, PLAIN, journey, serving
from tests.filters.ws_emit.clients import ask
from tests.support.philote_tokens import token

NO_BAD = {
    "$ref": "#/$defs/good",
    "$defs": {
        "good": {
            "not": {"const": "bad"},
            "additionalProperties": {"$ref": "#/$defs/good"},
            "items": {"$ref": "#/$defs/good"},
        }
    },
}
"""Nowhere the text "bad"."""

SHELF = {
    "jwt_auth": {"jwt_secret": JWT_SECRET, "jwt_from": ["query"]},
    "audit_log": {"audit_fields": ["event", "user", "connection"]},
    "max_rate_per_user": {"max_rate_per_user": 1000},
    "only_text": {},
    "only_json": {},
    "json_schema": {},
    "rewrite": {"rewrite": ["s/damn/****/g"]},
    "presence": {},
}
NAMES = [FILTERS + name for name in SHELF]

every_pack = pytest.mark.parametrize("pack", PACKS, ids=str)


def named(*names):
    return [pack for pack in PACKS if str(pack) in names]


@pytest.fixture
def options(tmp_path):
    (tmp_path / "schema.json").write_text(json.dumps(NO_BAD))
    files = {"json_schema": str(tmp_path / "schema.json"), "audit_file": str(tmp_path / "audit.jsonl")}
    return {name: value for its in SHELF.values() for name, value in its.items()} | files


@every_pack
def test_all_of_the_shelf_in_front_of_a_pack(pack, options, tmp_path, monkeypatch):
    with serving(pack, *NAMES, **options) as server:
        ann, bob = journey(pack, server)
        assert {each.user for each in server.pipeline().users.values()} == {"ann", "bob"}
        # presence
        assert here(server.pipeline()).users == ("ann", "bob")
        told = [each for each in ann.texts if "presence" in each and "joined" in each]
        assert [each.startswith(pack.word) for each in told] == [True] * bool(pack.word)
        # rewrite
        pack.says(ann, "damn nice")
        assert any(("**** nice" if pack.speaks else "damn nice") in each for each in bob.texts)
        # json_schema
        if pack.speaks:
            pack.says(ann, "bad")
            assert not any('"bad' in each for each in bob.texts)
            assert server.server.counters.totals["dropped", "json_schema: invalid message"] == 1
            refused = [each for each in ann.texts if "invalid message" in each or '"code":107' in each]
            assert len(refused) == bool(pack.word)
        # jwt_auth
        monkeypatch.setattr(composition, "query", lambda user: "nothing=1")
        with pytest.raises((Refused, HTTPError, Reject, AssertionError), match="token"):
            pack.opens(server, "eve")
        for client, left in ((ann, ("bob",)), (bob, ())):
            client.leave()
            assert here(server.pipeline()) == (left, 0)
        assert not server.pipeline().users
    # audit_log
    lines = [json.loads(each) for each in (tmp_path / "audit.jsonl").read_text().splitlines()]
    events = Counter((each["event"], each["user"]) for each in lines)
    for user in ("ann", "bob"):
        assert events["connect", user] == events["disconnect", user] > 0
        assert events["message", user] > 0 or str(pack).startswith("engineio") or pack in (PLAIN, *named("philote"))


def test_every_two_in_either_order_in_front_of_a_plain_filter(options):
    with serving(PLAIN, *NAMES[::-1], **options) as server:
        ann, bob = journey(PLAIN, server)
        PLAIN.says(ann, "bad")
        PLAIN.says(ann, "damn nice")
        assert any("**** nice" in each for each in bob.texts)
        assert not any("bad" in each for each in bob.texts)
        ann.leave()
        assert here(server.pipeline()).users == ("bob",)


@pytest.mark.parametrize("pack", [PLAIN, *named("http_stream", "socketio polling", "engineio upgraded")], ids=str)
def test_a_user_is_slowed_down_however_messages_come(pack):
    with serving(pack, FILTERS + "jwt_auth", FILTERS + "max_rate_per_user", **SHELF["jwt_auth"], max_rate_per_user=1,
                 filter_timeout=60) as server:  # fmt: skip
        ann, bob = journey(pack, server)
        heard = []
        for number in range(9):
            if str(pack) == "socketio polling":
                # A POST is answered when its packets are obeyed.
                ask(server, "POST", ann.poller.uri, f'42["say","number {number}"]')
            else:
                pack.says(ann, f"number {number}")
        heard = [each for each in bob.texts if "number" in each]
        assert 0 < len(heard) < 9
        for _ in range(15):
            server.advance(1)
        assert "number 8" in "".join(bob.texts)
        ann.leave(), bob.leave()


STREAMS = named("http_stream", "sse", "uni_sse")


@pytest.mark.parametrize("pack", [PLAIN, *STREAMS, *named("pushi", "ws_emit polling")], ids=str)
def test_a_connection_ends_with_its_token(pack, monkeypatch):
    ends = int(time.time()) + 15
    monkeypatch.setattr(composition, "query", lambda user: "token=" + token({"sub": user, "exp": ends}, JWT_SECRET))
    with serving(pack, FILTERS + "jwt_auth", **SHELF["jwt_auth"], jwt_enforce_expiry=True) as server:
        journey(pack, server)
        later = time.time() + 16
        monkeypatch.setattr(time, "time", lambda: later)
        server.advance(16)
        assert not server.pipeline().users
        assert server.server.counters.totals["closed", "token expired"] == 2


class Quiet(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, web_socket_instance):
        raise StopChain


@every_pack
def test_what_is_held_for_a_client_is_taken_back_whatever_stands_in_front(pack, options):
    with serving(pack, Quiet, *NAMES, **options) as server:
        for each in journey(pack, server):
            each.leave()
        assert here(server.pipeline()) == ((), 0)
        assert not server.pipeline().hub.channels
