"""What stands where it asks nobody anything is refused in words, or warned of."""

import sys
from types import ModuleType

import pytest

from filtered_websocket.pipeline.modules import load
from filtered_websocket.pipeline.order import in_vain, out_of_order
from tests.support.small_filters import Echo

SHELF = "filtered_websocket.filters."
PACKS = ("centrifugo", "philote", "pusher", "pushi", "socketio", "ws_emit", "wsps")
REQUESTS, CLIENTS = ("jwt_auth",), ("presence",)
MESSAGES = ("json_schema", "only_json", "only_text", "rewrite", "exec_pipe")


def names(*filters):
    found = [SHELF + each if "." not in each else each for each in filters]
    for each in found:
        load(each)
    return found


def faults(*filters):
    return [str(each) for each in out_of_order(names(*filters))]


@pytest.mark.parametrize("pack", PACKS)
def test_in_front_of_a_pack_of_a_protocol_of_its_own_all_have_a_place_and_behind_it_what_asks_has_none(pack):
    assert not faults("audit_log", *REQUESTS, *MESSAGES, *CLIENTS, "max_rate_per_user", pack)
    assert not faults(pack, *CLIENTS, "audit_log")
    for each in (*REQUESTS, *MESSAGES):
        (fault,) = faults(pack, each)
        assert fault.startswith(f"{SHELF}{each} stands behind {SHELF}{pack}")
        assert fault.endswith("name it in front")


def test_behind_engineio_there_are_messages_and_in_front_of_it_requests():
    assert not faults(*REQUESTS, "engineio", *MESSAGES, *CLIENTS, "history", "broadcast_messages")
    (fault,) = faults("engineio", "jwt_auth", "broadcast_messages")
    assert "stops the chain" in fault
    for each in (*MESSAGES, *CLIENTS, "history"):
        (fault,) = faults(each, "engineio")
        assert fault.endswith("name it behind")


@pytest.mark.parametrize("pack", PACKS)
def test_history_is_for_clients_that_speak_no_protocol_of_a_pack(pack):
    assert not faults("history", "broadcast_messages")
    for both in (("history", pack), (pack, "history")):
        (fault,) = faults(*both)
        assert f"the clients of {SHELF}{pack} speak its protocol" in fault


def test_what_only_looks_at_what_was_sent_already_is_warned_of():
    for each in MESSAGES:
        (warning,) = in_vain(names("broadcast_messages", each, "audit_log"))
        assert warning.startswith(f"{SHELF}{each} stands behind {SHELF}broadcast_messages")
        assert not list(in_vain(names(each, "broadcast_messages")))
    assert not list(in_vain([*names("broadcast_messages", "json_schema"), Echo.__module__]))
    assert not list(in_vain(names("broadcast_messages", "max_rate_per_user", "audit_log", "presence")))


def test_modules_of_ones_own_say_it_likewise_and_a_pack_may_be_brought_by_one():
    mine = ModuleType("a_door_of_mine")
    mine.ASKS = "requests"
    sys.modules["a_door_of_mine"] = mine
    try:
        assert len(list(out_of_order([*names("pusher"), "a_door_of_mine"]))) == 1
        assert not list(out_of_order(["a_door_of_mine", *names("pusher")]))
    finally:
        del sys.modules["a_door_of_mine"]
