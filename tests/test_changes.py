"""Files that change while the server runs."""

import os
from pathlib import Path

from twisted.internet.task import Clock

from filtered_websocket.changes import PERIOD, Changes


def watch(*files: Path) -> tuple[Clock, list[str]]:
    clock, calls = Clock(), list[str]()
    changes = Changes(lambda: map(str, files), lambda: calls.append("changed"), clock)
    changes.start()
    return clock, calls


def touch(file: Path, time: int) -> None:
    os.utime(file, ns=(time, time))


def test_a_file_that_changes_is_told_of_once(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for file in (one, other):
        file.write_text("")
        touch(file, 10**18)
    clock, calls = watch(one, other)
    clock.advance(PERIOD)
    assert calls == []
    for file in (one, other):
        touch(file, 2 * 10**18)
    clock.pump([PERIOD] * 3)
    assert calls == ["changed"]


def test_a_file_that_an_editor_replaces_is_no_change_until_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "one"
    file.write_text("same")
    touch(file, 10**18)
    clock, calls = watch(file)
    file.rename(tmp_path / "away")
    clock.advance(PERIOD)
    (tmp_path / "away").rename(file)
    clock.advance(PERIOD)
    assert calls == []
    file.write_text("longer than it was")
    clock.advance(PERIOD)
    assert calls == ["changed"]
