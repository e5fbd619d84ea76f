"""Files that change while the server runs."""

import os
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from filtered_websocket.commands.fws_server.watched_files import PERIOD, Changes
from filtered_websocket.pipeline.importing import checksum


def watch(*files: Path) -> tuple[Clock, list[str]]:
    """Files as they are now are as they were read."""
    clock, calls = Clock(), list[str]()
    read = {str(file): checksum(file.read_bytes()) if file.exists() else None for file in files}
    changes = Changes(lambda: read, lambda: calls.append("changed"), clock)
    changes.start()
    return clock, calls


def write(file: Path, text: str, time: int = 10**18) -> None:
    file.write_text(text)
    os.utime(file, ns=(time, time))


def test_what_changes_is_told_of_once_and_when_it_has_come_to_rest(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for file in (one, other):
        write(file, "")
    clock, calls = watch(one, other)
    clock.advance(PERIOD)
    for file in (one, other):
        write(file, "half", 2 * 10**18)
        clock.advance(PERIOD)
        assert calls == []
    clock.pump([PERIOD] * 3)
    assert calls == ["changed"]


@pytest.mark.parametrize("text", ["two", "six"])
def test_a_save_of_equal_length_and_time_is_a_change(tmp_path: Path, text: str) -> None:
    file = tmp_path / "one"
    write(file, "one")
    clock, calls = watch(file)
    clock.advance(PERIOD)
    write(file, text)
    clock.pump([PERIOD] * 2)
    assert calls == ["changed"]


def test_a_save_before_the_first_look_is_a_change(tmp_path: Path) -> None:
    file = tmp_path / "one"
    write(file, "one")
    clock, calls = watch(file)
    write(file, "two")
    clock.pump([PERIOD] * 2)
    assert calls == ["changed"]


def test_what_holds_the_same_has_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "one"
    write(file, "same")
    clock, calls = watch(file)
    clock.advance(PERIOD)
    write(file, "same", 2 * 10**18)
    file.chmod(0o600)
    clock.pump([PERIOD] * 3)
    assert calls == []


def test_a_file_that_an_editor_replaces_is_no_change_until_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "one"
    write(file, "same")
    clock, calls = watch(file)
    clock.advance(PERIOD)
    file.rename(tmp_path / "away")
    clock.advance(PERIOD)
    (tmp_path / "away").rename(file)
    clock.pump([PERIOD] * 2)
    assert calls == []
    write(file, "other")
    clock.pump([PERIOD] * 2)
    assert calls == ["changed"]


def test_a_file_that_was_looked_for_in_vain_is_a_change_when_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "one"
    clock, calls = watch(file)
    clock.pump([PERIOD] * 2)
    assert calls == []
    write(file, "")
    clock.pump([PERIOD] * 3)
    assert calls == ["changed"]
