"""Files that lines are appended to: rotated by one of several processes, made anew, readable by their owner alone."""

import os
import resource
import stat

import pytest

from filtered_websocket.filters.audit_log.files import Output, RotatingFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def test_a_file_is_its_owners_alone_and_is_appended_to(path):
    path.write_text("before\n")
    path.chmod(0o640)
    file = RotatingFile(str(path), 1 << 20, 1)
    file.write([b"one\n"])
    file.close()
    assert path.read_text() == "before\none\n"
    path.unlink()
    file.write([b"two\n"])
    file.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_so_many_files_of_such_a_size_are_kept(path):
    file = RotatingFile(str(path), 10, 2)
    for number in range(7):
        file.write([b"%d2345\n" % number])
    file.close()
    assert [each.name for each in sorted(path.parent.iterdir())] == [path.name, f"{path.name}.1", f"{path.name}.2"]
    assert (path.read_text(), path.with_name(f"{path.name}.1").read_text()) == ("62345\n", "52345\n")


def test_lines_that_come_together_fill_one_file_after_another(path):
    file = RotatingFile(str(path), 10, 9)
    file.write([b"1\n"])
    lines = [b"23\n", b"456\n", b"7\n", b"is longer than a file\n", b"8\n", b"9\n"]
    while lines:
        del lines[: file.write(lines)]
    file.close()
    kept = sorted(path.parent.iterdir(), reverse=True)
    assert [each.read_text() for each in kept] == ["1\n23\n456\n", "7\n", "is longer than a file\n", "8\n9\n"]


def test_none_is_kept(path):
    file = RotatingFile(str(path), 10, 0)
    file.write([b"12345678\n"])
    file.write([b"next\n"])
    file.close()
    assert [each.read_text() for each in path.parent.iterdir()] == ["next\n"]


def test_one_that_was_moved_or_deleted_is_made_anew(path):
    file = RotatingFile(str(path), 1 << 20, 1)
    file.write([b"one\n"])
    moved = path.rename(path.with_name("moved"))
    file.write([b"two\n"])
    path.unlink()
    file.write([b"three\n"])
    file.close()
    assert (moved.read_text(), path.read_text()) == ("one\n", "three\n")


def test_what_two_have_open_is_put_aside_once(path):
    one, two = (RotatingFile(str(path), 10, 5) for _ in range(2))
    for file in (one, two):
        file.write([b"1234\n"])
    for file in (one, two):
        file.write([b"5678\n"])
    one.close()
    two.close()
    assert path.read_text() == "5678\n5678\n"
    assert path.with_name(f"{path.name}.1").read_text() == "1234\n1234\n"
    assert len(list(path.parent.iterdir())) == 2


def test_a_line_that_was_cut_off_is_not_mixed_with_the_next(path, tmp_path):
    file = RotatingFile(str(path), 1 << 20, 1)
    file.write([b"one\n"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (7, before[1]))  # as a full disk: some fits
    try:
        with pytest.raises(OSError, match="too large"):
            file.write([b"two is long\n"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    file.write([b"three\n"])
    file.close()
    assert path.read_text().splitlines() == ["one", "two", "three"]


def test_a_descriptor_that_is_open_stays_so():
    read, write = os.pipe()
    output = Output(write)
    output.write([b"one\n"])
    output.close()
    os.close(write)
    assert os.read(read, 9) == b"one\n"
    os.close(read)
