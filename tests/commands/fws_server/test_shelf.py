"""fws_server --list-filters: what comes with the server, and what installed packages bring."""

import sys
from pathlib import Path

import pytest

from filtered_websocket.commands.fws_server.shelf import UNKNOWN, listed, shelf
from tests.support.fws_server import command


def installed(folder: Path, **modules: str) -> None:
    """A package as pip leaves it."""
    about = folder / "geo-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: geo\nVersion: 1.0\n")
    points = "".join(f"{name} = {name}\n" for name in modules)
    (about / "entry_points.txt").write_text(f"[filtered_websocket.filters]\n{points}")
    for name, source in modules.items():
        if source:
            (folder / f"{name}.py").write_text(source)


def test_the_filters_of_the_server_each_in_a_line() -> None:
    found = {name: summary for name, summary, package in shelf() if not package}
    assert found["filtered_websocket.filters.exec_pipe"].startswith("A program as a filter")
    assert {"filtered_websocket.filters.history", "filtered_websocket.filters.socketio"} <= found.keys()
    assert not any(name.endswith((".base", ".shared")) for name in found)
    assert UNKNOWN not in found.values()
    assert all(line.startswith("filtered_websocket.filters.") for line in listed().splitlines())


def test_what_packages_bring_is_listed_and_nothing_of_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, fws_geo='"""Where clients are.\n\nMore."""\nraise SystemExit(9)\n', fws_none="", fws_bad="def")
    monkeypatch.syspath_prepend(tmp_path)
    found = [each for each in shelf() if each[2]]
    assert found == [("fws_bad", UNKNOWN, "geo"), ("fws_geo", "Where clients are", "geo"), ("fws_none", UNKNOWN, "geo")]
    assert "fws_geo" not in sys.modules
    assert listed().splitlines()[-2].endswith("  Where clients are [geo]")


def test_the_command(tmp_path: Path) -> None:
    ran = command("--list-filters", cwd=tmp_path)
    assert (ran.returncode, ran.stderr, ran.stdout) == (0, "", listed() + "\n")
