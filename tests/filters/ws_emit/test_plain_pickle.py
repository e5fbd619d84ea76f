import copyreg
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.ws_emit import plain_pickle
from filtered_websocket.filters.ws_emit.plain_pickle import NotPlain

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text() | st.integers() | st.booleans() | st.none()


def values(leaves: Any) -> Any:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.lists(inner).map(tuple),
        max_leaves=20,
    )


@given(values(LEAVES | st.binary()), st.integers(3, pickle.HIGHEST_PROTOCOL))
def test_plain_values_are_read_as_pickle_reads_them(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert plain_pickle.loads(data) == pickle.loads(data) == value


@given(values(LEAVES), st.integers(0, 2))
def test_old_pickles_are_read_too_but_for_bytes_which_they_make_by_a_call(value: Any, protocol: int) -> None:
    assert plain_pickle.loads(pickle.dumps(value, protocol)) == value
    with pytest.raises(NotPlain, match=r"GLOBAL|INST"):
        plain_pickle.loads(pickle.dumps({"data": b"x"}, protocol))


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


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


def test_a_large_pickle_is_refused_before_it_is_read() -> None:
    with pytest.raises(NotPlain, match="bytes"):
        plain_pickle.loads(pickle.dumps("x" * plain_pickle.MAX_BYTES))
    with pytest.raises(NotPlain, match="more than can be sent"):
        plain_pickle.loads(b"(" + b"N" * 300_000 + b"l.")
