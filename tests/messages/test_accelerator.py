"""The functions in C do what those in Python do, byte by byte, and nothing is read or kept that should not be."""

import gc
import os
import shutil
import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filtered_websocket.messages import accelerator
from tests.messages.test_frames import any_frames, build, payloads
from tests.support.accelerator import SOURCE, compile_to, compiled
from tests.support.ledger.steady import steady
from tests.support.raw_client import DEADLINE

ROOT = SOURCE.parents[2]
PACKAGING = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
read, make = accelerator.references["read"], accelerator.references["make"]
append = accelerator.references["append_unmasked"]
large = st.integers(65_530, 66_000).map(lambda size: build(b"l" * size, 1))
broken = st.builds(
    lambda text, at, wrong: build((text := text.encode())[:at] + wrong + text[at:], 1),
    st.text(max_size=40),
    st.integers(0, 200),
    st.sampled_from([b"", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\0"]),
)
streams = st.lists(any_frames() | broken | large | st.binary(max_size=16), max_size=5).map(b"".join)


def all_read(function, data, limit):
    """What is taken, and how many bytes are left."""
    taken, at = [], 0
    while (frame := function(data, at, limit)) is not None:
        taken.append(frame)
        at = frame[2]
    return taken, len(data) - at


@given(streams, st.integers(0, 70_000), st.sampled_from([0, 1, 125, 300, 65_536, sys.maxsize]))
@example(b"\x82\xff" + b"\xff" * 12, 14, sys.maxsize)
@example(b"\x82\xff\x7f" + b"\xff" * 11, 14, sys.maxsize)
@example(build(b"x" * 125, length_bytes=2), 200, 300)
@example(build(b"x" * 65_535, length_bytes=8), 70_000, 70_000)
def test_the_same_frames_are_read_the_same_are_refused_and_the_same_bytes_left(stream, cut, limit):
    for data in (stream, stream[:cut], stream[cut:]):
        assert all_read(compiled().read, data, limit) == all_read(read, data, limit)


@given(st.binary(max_size=40), st.integers(0, 60), st.integers(0, 300))
def test_any_bytes_are_read_the_same_from_anywhere(data, at, limit):
    assert compiled().read(data, at, limit) == read(data, at, limit)


@pytest.mark.parametrize("opcode", [1, 2])
def test_every_length_and_every_mask_is_unmasked(opcode):
    for size in (*range(300), 65_535, 65_536, 65_543):
        payload = (b"\0\x7f m\n" * (size // 5 + 1))[:size]
        data = b"?" + build(payload, opcode, mask=bytes((size & 255, 1, 0, 255)))
        assert compiled().read(data, 1, size) == (bytearray(payload), opcode == 2, len(data))
        assert compiled().read(data, 1, size - 1) is None


@given(payloads | st.integers(65_534, 65_538).map(bytes), st.booleans())
def test_the_same_frames_are_made(payload, binary):
    wanted = make(payload, binary)
    for each in (payload, bytearray(payload), memoryview(payload)):
        made = compiled().make(each, binary)
        assert made == wanted
        assert type(made) is bytes


pieces = st.lists(st.binary(max_size=40) | st.integers(0, 70_000).map(lambda size: b"ascii" * (size // 5)), max_size=6)


@given(pieces, st.integers(0, 9), st.binary(min_size=4, max_size=4), st.integers(0, 90_000))
def test_the_same_is_appended_to_a_payload_and_nothing_behind_its_end(data, begin, mask, length):
    payloads = bytearray(), bytearray()
    for each in data:
        before = len(payloads[0])
        said = [
            function(payload, each, min(begin, len(each)), mask * 2, length)
            for function, payload in zip((compiled().append_unmasked, append), payloads, strict=True)
        ]
        assert payloads[0] == payloads[1]
        assert said == [payloads[0][before:].isascii(), None]
    payloads[0].extend(b"more")  # it is a bytearray as any other
    assert payloads[0] == payloads[1] + b"more"


def test_what_cannot_be_appended_is_an_error_and_no_crash():
    good = (bytearray(b"x"), b"data", 0, b"maskmask", 9)
    wrongs = (
        (b"x", None, "x"),
        ("text", bytearray(b"x"), None),
        (-1, None),
        ("maskmask", b"mask", b"", None),
        (None, "x", -1, -1 << 62),
    )
    for place, each in enumerate(wrongs):
        for wrong in each:
            with pytest.raises((TypeError, ValueError)):
                compiled().append_unmasked(*good[:place], wrong, *good[place + 1 :])
    for begin, length in ((5, 9), (4, 9), (1 << 62, 9), (0, 0), (9, 0)):
        for payload in (bytearray(b"x"), bytearray()):
            before = bytes(payload)
            assert compiled().append_unmasked(payload, b"data", begin, b"maskmask", length)
            assert payload == before
    with memoryview(good[0]), pytest.raises(BufferError):  # what others look at stays where it is
        compiled().append_unmasked(*good)
    assert good[0] == b"x"


def test_what_is_no_frame_at_all_is_an_error_and_no_crash():
    frame = build(b"x")
    for wrong in (
        *((), (frame,), (frame, 0), ("text", 0, 9), (None, 0, 9), (frame, "0", 9), (frame, 0, 9.5)),
        *((bytearray(frame), 0, 9), (memoryview(frame), 0, 9)),  # which others may change, or take away
    ):
        with pytest.raises(TypeError):
            compiled().read(*wrong)
    for wrong in ((), (b"",), ("text", True), (None, True), (1, True)):
        with pytest.raises(TypeError):
            compiled().make(*wrong)
    for at in (-1, -6, -sys.maxsize - 1, len(frame), sys.maxsize):
        assert compiled().read(frame, at, 9) is None


def test_the_payload_is_nobody_elses():
    payload, _, _ = compiled().read(build(b"abc", 1), 0, 9)
    payload += b"d"
    assert payload == b"abcd"


def test_nothing_is_kept_of_what_is_read_refused_or_made():
    data = b"".join([build(b"x" * 40), build("ä".encode(), 1), build(b"\xff", 1)])
    payload, c = bytearray(b"y" * 200), compiled()

    def use():
        assert len(all_read(c.read, data, 100)[0]) == 2
        c.read(data, 0, 10)
        c.make(payload, False)
        c.append_unmasked(bytearray(), data, 3, b"maskmask", 1 << 20)
        try:
            c.read(data, "", 0)
        except TypeError:
            pass

    gc.collect()  # what garbage holds of None
    counts = sys.getrefcount(data), sys.getrefcount(payload), sys.getrefcount(None)
    steady(use, 2000)
    for each, before in zip((data, payload, None), counts, strict=True):
        assert abs(sys.getrefcount(each) - before) < 100
    payload += b"x"  # what is held cannot change its size


def test_no_byte_beyond_the_end_is_read(tmp_path):
    """An array ends where it ends: bytes have a zero behind them, which would hide one byte too many."""
    if shutil.which("gcc") is None:
        pytest.skip("another compiler keeps its AddressSanitizer elsewhere")
    library = compile_to(tmp_path, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    asan = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True, timeout=DEADLINE
    )
    if not Path(asan.stdout.strip()).is_absolute():
        pytest.skip("this compiler has no AddressSanitizer")
    environment = {
        **os.environ,
        "LD_PRELOAD": asan.stdout.strip(),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": f"{library.parent}{os.pathsep}{ROOT}",
    }
    command = [sys.executable, "-X", "dev", "-c", f"from {__name__} import under_asan; under_asan()"]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout) == (0, "all read\n"), ran.stderr


def under_asan():
    import _accelerator as c

    for size in (0, 1, 7, 8, 9, 125, 126, 300):
        for opcode, text in ((1, b"e"), (1, b"\xc3\xa4"), (1, b"\xff"), (2, b"\xff")):
            whole = build((text * size)[:size], opcode)
            for cut in range(len(whole) + 1):
                for at in (0, cut // 2, cut):
                    assert c.read(whole[:cut], at, 1000) == read(whole[:cut], at, 1000)
                    ours, theirs = bytearray(), bytearray()
                    for end in (cut, len(whole)):
                        given = whole[len(ours) : end], 0, b"maskmask", 200
                        before = len(ours)
                        append(theirs, *given)
                        assert c.append_unmasked(ours, *given) == theirs[before:].isascii()
                        assert ours == theirs
            assert c.make(array("B", whole), False) == make(whole, False)
    print("all read")


SAYS = "from filtered_websocket.messages import accelerator, frames; print(accelerator.loaded is not None, frames.read)"


@pytest.fixture
def install(tmp_path):
    """Installs this checkout by pip, and says what the installed one uses."""

    def install(**environment):
        source, target = tmp_path / "source", tmp_path / "target"
        shutil.copytree(ROOT / "filtered_websocket", source / "filtered_websocket", ignore=_BUILT)
        for name in PACKAGING:
            shutil.copy(ROOT / name, source)
        pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation"]
        _run([*pip, "--target", str(target), str(source)], **environment)
        return lambda **switch: _run([sys.executable, "-c", SAYS], PYTHONPATH=str(target), **switch)

    return install


_BUILT = shutil.ignore_patterns("*.so", "__pycache__")


def _run(command, **environment):
    here = {name: value for name, value in os.environ.items() if name != accelerator.SWITCH}
    environment = {**here, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment}
    ran = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_pip_installs_the_c_and_a_variable_turns_it_off(install):
    compiled()  # or this is skipped
    says = install()
    assert says().startswith("True <built-in")
    assert says(FILTERED_WEBSOCKET_NO_EXTENSIONS="1").startswith("False <function")


def test_pip_installs_without_a_compiler(install):
    assert install(CC="/nowhere/cc")().startswith("False <function")
