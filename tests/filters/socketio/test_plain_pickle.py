import copyreg
import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.socketio import plain_pickle
from filtered_websocket.filters.socketio.plain_pickle import NotPlain
from tests.support.malicious_pickle import Malicious

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
PROTOCOLS = st.integers(0, pickle.HIGHEST_PROTOCOL)


def values(leaves: Any, keys: Any) -> Any:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.lists(inner).map(tuple),
        max_leaves=20,
    )


@given(values(LEAVES | st.binary() | st.binary().map(bytearray), st.text()), PROTOCOLS)
def test_plain_values_of_every_protocol_are_read_as_pickle_reads_them(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert plain_pickle.loads(data) == pickle.loads(data) == value


FINITE = st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.text() | st.integers(-(2**200), 2**200) | st.booleans() | st.none() | FINITE


@given(values(LEAVES, KEYS), PROTOCOLS)
def test_keys_are_text_as_json_has_them(value: Any, protocol: int) -> None:
    written = json.dumps(value, allow_nan=True)
    assert plain_pickle.loads(pickle.dumps(value, protocol)) == with_tuples(value)
    assert json.loads(json.dumps(plain_pickle.loads(pickle.dumps(value, protocol)))) == json.loads(written)


def with_tuples(value: Any) -> Any:
    """What JSON makes of the keys, and of nothing else."""
    if isinstance(value, dict):
        return {next(iter(json.loads(json.dumps({key: 0})))): with_tuples(each) for key, each in value.items()}
    return type(value)(map(with_tuples, value)) if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("value", [b"", b"x\xff", bytearray(b""), bytearray(b"x\xff")])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_bytes_that_a_protocol_writes_as_a_call_are_bytes_and_nothing_is_called(value: Any, protocol: int) -> None:
    data = pickle.dumps({"data": [value, value]}, protocol)
    read = plain_pickle.loads(data)
    assert read == {"data": [value, value]}
    assert {type(each) for each in read["data"]} == {bytes}


@pytest.mark.parametrize("name", ["Emit", "emit2", "bytes"])
def test_the_bytes_of_python_2_and_what_it_calls_them(name: str) -> None:
    text = name.encode()
    assert (
        plain_pickle.loads(b"\x80\x02c__builtin__\nbytearray\nX%c\0\0\0%bU\x07latin-1\x86R." % (len(text), text))
        == text
    )
    assert plain_pickle.loads(b"c__builtin__\nbytearray\n(V%b\nS'latin-1'\ntR." % text) == text


@pytest.mark.parametrize(
    "data",
    [
        b"cbuiltins\nbytes\n.",
        b"(cbuiltins\nbytes\nl.",
        b"(cbuiltins\nbytes\nNd.",
        b"cbuiltins\nbytes\n(I1000000000\ntR.",
        b"cbuiltins\nbytes\n((I1\nI2\nltR.",
        b"c_codecs\nencode\n(Vx\nVrot13\ntR.",
        b"c_codecs\nencode\n(Vx\nVlatin1\nVstrict\ntR.",
        b"c_codecs\nencode\n(V\\u20ac\nVlatin1\ntR.",
        b"N(tR.",
        b"(N(tR.",
        b"((tR.",
        b"]c_codecs\nencode\na.",
    ],
)
def test_a_call_that_no_pickler_writes_makes_nothing(data: bytes) -> None:
    with pytest.raises(NotPlain):
        plain_pickle.loads(data)


ALIKE = 2**61 - 1
"""Python's hash of an integer is its remainder by this."""


@pytest.mark.quiet
@pytest.mark.parametrize(
    "made",
    [
        lambda: pickle.dumps({ALIKE * number: None for number in range(20_000)}),
        lambda: b"N" + b"".join(b"p%d\n" % (ALIKE * number) for number in range(20_000)) + b".",
        lambda: pickle.dumps([9**4_000] * 2_000),
        lambda: b"I" + b"9" * 4_000 + b"\np0\n(" + b"g0\n" * 90_000 + b"l.",
        lambda: b"I" + b"9" * 4_000 + b"\np0\n(" + b"g0\nN" * 90_000 + b"d.",
    ],
    ids=["keys", "memo", "numbers", "one number", "keys that are numbers"],
)
def test_no_small_pickle_takes_much_work(made: Callable[[], bytes]) -> None:
    data = made()  # not where tests are collected: making it is much work too
    begun = time.process_time()
    try:
        json.dumps(plain_pickle.loads(data))
    except NotPlain:
        pass
    assert time.process_time() - begun < 0.5


class Built:
    def __setstate__(self, state: Any) -> None:
        os.system(f"touch {state}")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_a_program_runs_none(tmp_path: Path, protocol: int) -> None:
    built = Built()
    built.__dict__["x"] = 1
    for value in (Malicious(tmp_path / "ran"), {"method": "emit", "data": Malicious(tmp_path / "ran")}, built, Built):
        with pytest.raises(NotPlain):
            plain_pickle.loads(pickle.dumps(value, protocol))
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Malicious(tmp_path / "ran"), protocol))
    assert (tmp_path / "ran").exists()  # it would have


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",
        b"(cos\nsystem\nS'true'\no.",
        b"\x80\x02cos\nsystem\n)\x81.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x02N}b.",
        b"Pid\n.",
        b"\x80\x02NQ.",
        b"\x80\x05\x97.",
        b"\x80\x04\x8f.",
    ],
)
def test_opcodes_of_more_than_plain_values_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(NotPlain, match="which plain values do not need"):
        plain_pickle.loads(data)


def test_an_extension_that_python_knows_already_is_not_called() -> None:
    copyreg.add_extension("os", "system", 77)
    try:
        with pytest.raises(NotPlain, match="EXT1"):
            plain_pickle.loads(b"\x80\x02\x82M(S'true'\ntR.")
    finally:
        copyreg.remove_extension("os", "system", 77)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"N",
        b"NN.",
        b"N.N",
        b"(.",
        b"(N.",
        b"a.",
        b"Na.",
        b"NNNs.",
        b"0.",
        b"h\0.",
        b"((ld.",
        b"]}.s.",
        b"(]Nd.",
        b"t.",
        b"]]\x85(\x86.",
        b"{}",
        b"\x80\xff.",
        b"I1" + b"0" * 5000 + b"\n.",
        b"r\xff\xff\xff\xff.",
    ],
)
def test_what_is_no_whole_pickle_is_refused(data: bytes) -> None:
    with pytest.raises(NotPlain):
        plain_pickle.loads(data)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_plain_value_or_refused(data: bytes) -> None:
    try:
        plain_pickle.loads(data)
    except NotPlain:
        pass


def doubling(leaf: Any, times: int) -> Any:
    for _ in range(times):
        leaf = [leaf, leaf]
    return leaf


def test_a_small_pickle_of_a_large_value_is_refused_at_once() -> None:
    itself: list[Any] = []
    itself.append(itself)
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    long = "x" * 1000
    for value in (itself, deep, doubling(1, 40), [[long] * 2000], {"a": doubling("x" * 500_000, 3)}):
        data = pickle.dumps(value)
        assert len(data) < 600_000
        with pytest.raises(NotPlain, match=r"more than|deeper"):
            plain_pickle.loads(data)


def test_a_pickle_may_be_as_large_as_storage_carries_but_not_of_as_many_parts() -> None:
    for value in ("x" * 3 * plain_pickle.MAX_BYTES, b"x" * 3 * plain_pickle.MAX_BYTES):
        assert plain_pickle.loads(pickle.dumps(value)) == value
    with pytest.raises(NotPlain, match="more than can be sent"):
        plain_pickle.loads(b"(" + b"N" * 300_000 + b"l.")
