import base64
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.socketio import bus
from filtered_websocket.filters.socketio.bus import Callback, ChangeRoom, CloseRoom, Disconnect, Emit
from tests.filters.socketio.test_packets import BINARY

NOTHING: dict[str, Any] = {"namespace": "/", "room": None, "skip_sid": None, "callback": None, "host_id": "0" * 32}


def message(**members: Any) -> dict[str, Any]:
    return NOTHING | {"method": "emit", "event": "update"} | members


def read(pickles: bool = False, **members: Any) -> Any:
    return bus.decode(json.dumps(message(**members)).encode(), pickles)


def unpickle(**members: Any) -> Any:
    return bus.decode(pickle.dumps(message(**members)), True)


@pytest.mark.parametrize(
    ("data", "arguments"),
    [
        ({"a": 1}, ({"a": 1},)),
        ([1, 2], ([1, 2],)),
        ([], ([],)),
        ("x", ("x",)),
        (0, (0,)),
        (False, (False,)),
        (None, ()),
    ],
)
def test_data_without_a_member_binary_is_one_argument(data: Any, arguments: Any) -> None:
    assert read(data=data) == Emit("update", arguments)
    assert unpickle(data=data) == Emit("update", arguments)


@pytest.mark.parametrize(
    ("data", "arguments"),
    [
        ([{"a": 1}], ({"a": 1},)),
        ([1, 2], (1, 2)),
        ([[1, 2]], ([1, 2],)),
        ([], ()),
        ([None], ()),
        ([None, 1], (None, 1)),
        ({"a": 1}, ({"a": 1},)),
        (None, ()),
    ],
)
def test_a_list_beside_a_member_binary_is_a_list_of_arguments(data: Any, arguments: Any) -> None:
    assert read(data=data, binary=False) == Emit("update", arguments)


def test_bytes_travel_as_base64_behind_their_placeholders() -> None:
    placeholder = {"_placeholder": True, "num": 0}
    text = base64.b64encode(b"\0\xff").decode()
    newest = read(data=[[{"a": placeholder}, 1], text], binary=True)
    assert newest == Emit("update", ({"a": b"\0\xff"}, 1))
    assert read(data=[{"a": placeholder}, text], binary=True) == Emit("update", ({"a": b"\0\xff"},))  # 5.15
    assert read(data=[placeholder, text], binary=True) == Emit("update", (b"\0\xff",))


def test_a_pickled_tuple_is_several_arguments_and_bytes_are_bytes() -> None:
    assert unpickle(data=("a", [1], b"\0")) == Emit("update", ("a", [1], b"\0"))
    assert unpickle(data=()) == Emit("update", ())


def test_rooms_and_those_skipped_may_be_one_or_several() -> None:
    assert read(room="a", skip_sid="s").rooms == ("a",)
    assert read(room="").rooms == ("",)
    several = read(room=["a", "b", "a"], skip_sid=["s", "t"])
    assert (several.rooms, several.skip) == (("a", "b"), ("s", "t"))
    assert read(room=[]).rooms == ()
    assert read(namespace="/other").namespace == "/other"


def test_the_other_methods_are_read() -> None:
    assert read(method="close_room", room="a") == CloseRoom("a")
    assert read(method="disconnect", sid="s") == Disconnect("s")
    assert read(method="enter_room", sid="s", room="a") == ChangeRoom("s", "a", True)
    assert read(method="leave_room", sid="s", room="a") == ChangeRoom("s", "a", False)
    assert read(method="callback", sid="s", id=1, args=[]) is None
    assert read(method="dance") is None
    assert bus.decode(b"{}", False) is None


@pytest.mark.parametrize(
    "data",
    [
        b"5",
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b'{"method":[]}',
        b'{"method":"emit"}',
        b'{"method":"emit","event":5}',
        b'{"method":"emit","event":"e","room":5}',
        b'{"method":"emit","event":"e","room":["a",5]}',
        b'{"method":"emit","event":"e","skip_sid":{}}',
        b'{"method":"emit","event":"e","namespace":5}',
        b'{"method":"emit","event":"e","binary":true,"data":5}',
        b'{"method":"emit","event":"e","binary":true,"data":[]}',
        b'{"method":"emit","event":"e","binary":true,"data":[1,5]}',
        b'{"method":"emit","event":"e","binary":true,"data":[1,"!"]}',
        b'{"method":"emit","event":"e","binary":true,"data":[{"_placeholder":true,"num":0}]}',
        b'{"method":"close_room"}',
        b'{"method":"disconnect","sid":null}',
        b'{"method":"enter_room","sid":"s"}',
        b'{"method":"emit","event":"e","data":' + b"[" * 100_000,
    ],
)
def test_what_no_manager_writes_is_refused(data: bytes) -> None:
    for pickles in (False, True):
        with pytest.raises((Malformed, ValueError)) as caught:
            bus.decode(data, pickles)
        assert isinstance(caught.value, Malformed)


def test_pickles_are_read_only_where_the_option_says_so() -> None:
    data = pickle.dumps(message(data=1))
    assert bus.decode(data, True) == Emit("update", (1,))
    with pytest.raises(Malformed, match="pickles are read with socketio_pickle"):
        bus.decode(data, False)
    with pytest.raises(Malformed, match="pickles are read with ws_emit_pickle"):
        bus.decode(data, False, option="ws_emit_pickle")


def test_a_callback_names_a_host_and_what_it_calls_the_event() -> None:
    wanted = Callback("0" * 32, "room", "/", 7)
    assert read(callback=["room", "/", 7]).callback == unpickle(callback=("room", "/", 7)).callback == wanted
    for none in (None, [], ["room", "/"], ["room", "/", "7"], ["room", "/", True], [["room"], "/", 7], "abc", 5):
        assert read(callback=none) == Emit("update", ())
    assert read(callback=["room", "/", 7], host_id=5).callback is None
    answer = {"method": "callback", "host_id": "0" * 32, "sid": "room", "namespace": "/", "id": 7, "args": [1, None]}
    assert json.loads(bus.encode_acknowledgement(wanted, (1, None))) == answer
    with pytest.raises(Malformed):
        bus.encode_acknowledgement(wanted, (b"bytes",))


def test_what_is_written_is_the_newest_form() -> None:
    written = json.loads(bus.encode(Emit("update", ({"a": b"\0"}, 1), ("time",), ("s",)), "/a/*"))
    assert written == {
        "method": "emit",
        "event": "update",
        "data": [[{"a": {"_placeholder": True, "num": 0}}, 1], "AA=="],
        "binary": True,
        "namespace": "/",
        "room": "time",
        "skip_sid": ["s"],
        "callback": None,
        "host_id": bus.HOST_ID,
        "pipeline": "/a/*",
    }
    assert len(bus.HOST_ID) == 32
    nothing = json.loads(bus.encode(Emit("update", ()), ""))
    assert (nothing["data"], nothing["binary"], nothing["room"], nothing["skip_sid"]) == ([None], False, None, None)


@given(
    st.lists(BINARY).map(tuple).filter(lambda arguments: arguments != (None,)),
    st.none() | st.lists(st.text(), max_size=3, unique=True),
)
def test_what_is_written_is_read_as_it_was_meant(arguments: tuple[Any, ...], rooms: Any) -> None:
    emit = Emit("e", arguments, None if rooms is None else tuple(rooms))
    assert bus.decode(bus.encode(emit, ""), False) == emit


@pytest.mark.parametrize(("logged", "ws_emit", "socketio"), [("", False, False), ("ws_emit", True, False)])
def test_what_is_in_the_log_of_one_pack_is_new_to_another(logged: str, ws_emit: bool, socketio: bool) -> None:
    said = bus.read(bus.encode(Emit("e", ()), "", logged), False)
    assert (bus.is_logged(said, "ws_emit"), bus.is_logged(said, "socketio")) == (ws_emit, socketio)
    assert bus.order_of(said) == Emit("e", ())
