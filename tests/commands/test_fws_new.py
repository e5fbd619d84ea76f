"""What fws_new writes runs at once."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fws_server import FwsServer, command
from tests.support.programs import environment, run, run_unread

BIN = Path(sys.executable).parent


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_the_next_two_commands_run_as_printed(tmp_path: Path) -> None:
    made = run("fws_new", "my_chat", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert set(contents(tmp_path)) == {"my_chat/my_chat.py", "my_chat/test_my_chat.py", "my_chat/config.json"}
    tests, serve = made.stdout.splitlines()
    strict = environment(PATH=f"{BIN}:/usr/bin:/bin", PYTHONWARNINGS="error")
    ran = subprocess.run(tests, shell=True, cwd=tmp_path, env=strict, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout
    ran = subprocess.run(
        f"{serve} --check", shell=True, cwd=tmp_path, env=strict, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_server_that_it_writes_serves(tmp_path: Path) -> None:
    run("fws_new", "my_chat", cwd=tmp_path)
    with FwsServer("-c", "config.json", "-p", "0", "--host", "127.0.0.1", cwd=tmp_path / "my_chat") as server:
        a = server.open()
        assert a.text() == "welcome, you are 1"
        b = server.open()
        assert b.text() == "welcome, you are 2"
        for text in ("hello", " ", "I AM LOUD"):
            a.send(text)
        assert (b.text(), b.text()) == ("hello", "I am loud")
        said = server.log.splitlines()
        comment = (tmp_path / "my_chat" / "config.json").read_text().splitlines()[0].removeprefix("# ")
        assert any(line.strip().endswith(comment) for line in said), (comment, said)


def test_what_is_written_is_in_good_form(tmp_path: Path) -> None:
    run("fws_new", "my_chat", cwd=tmp_path)
    for check in (["check", "--select", "E,F,I,N,UP,B,RET,RUF"], ["format", "--check"]):
        ran = subprocess.run(
            [BIN / "ruff", *check, "--isolated", "my_chat"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, ran.stdout


def test_a_point_means_this_folder_whatever_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "My chat-server"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    made = run("fws_new", ".", cwd=folder)
    assert (made.returncode, made.stdout) == (0, "pytest\nfws_server -c config.json\n")
    names = {"README.md", "my_chat_server.py", "test_my_chat_server.py", "config.json"}
    assert set(contents(folder)) == names
    assert command("-c", "config.json", "--check", cwd=folder).returncode == 0


@pytest.mark.parametrize("there", ["my_chat.py", "test_my_chat.py", "config.json"])
def test_nothing_is_overwritten_and_nothing_written_beside_it(tmp_path: Path, there: str) -> None:
    (tmp_path / "my_chat").mkdir()
    (tmp_path / "my_chat" / there).write_text("mine")
    made = run("fws_new", "my_chat", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr == f"fws_new: my_chat/{there} is there already: nothing was written\n"
    assert contents(tmp_path) == {f"my_chat/{there}": "mine"}


@pytest.mark.parametrize("name", ["json", "twisted", "class", "2go", "a-b", "é", "a b", "/"])
def test_a_name_that_no_module_of_ours_can_have_is_refused(tmp_path: Path, name: str) -> None:
    made = run("fws_new", name, cwd=tmp_path)
    assert (made.returncode, made.stdout, made.stderr.count("\n")) == (1, "", 1)
    assert made.stderr.startswith("fws_new: ")
    assert contents(tmp_path) == {}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = run("fws_new", "file/my_chat", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (1, "fws_new: file/my_chat: Not a directory\n")


def test_help_has_an_example_and_bad_usage_is_2() -> None:
    shown = run("fws_new", "--help")
    assert shown.returncode == 0
    assert "example:\n  fws_new my_chat" in shown.stdout
    assert run("fws_new").returncode == run("fws_new", "a", "b").returncode == 2


def test_it_is_quiet_when_nobody_reads_its_output(tmp_path: Path) -> None:
    assert run_unread("fws_new", "a_name", cwd=tmp_path) == (-signal.SIGPIPE, "")
    assert "a_name/a_name.py" in contents(tmp_path)


def test_a_package_that_is_installed_is_on_the_shelf(tmp_path: Path) -> None:
    made = run("fws_new", "--package", "my_geo", cwd=tmp_path)
    assert made.returncode == 0
    assert "my_geo/pyproject.toml" in contents(tmp_path)
    words = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--target", str(tmp_path / "site")]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, *words, str(tmp_path / "my_geo")], check=True, timeout=180)
    listed = command("--list-filters", cwd=tmp_path, environment={"PYTHONPATH": str(tmp_path / "site")})
    assert re.search(r"(?m)^my_geo +What this server does with messages; .* \[my_geo\]$", listed.stdout), listed.stdout
