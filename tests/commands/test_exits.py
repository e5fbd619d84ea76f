"""How every command behaves towards what it writes to and reads from, as processes of the system are used."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fws_server import STARTING
from tests.support.programs import environment

COMMANDS = ("fws_server", "fws_client", "fws_top", "fws_new", "fws_publish", "fws_spy", "fws_token")


def ended(words: str, redirected: str = "") -> tuple[int, str]:
    """The exit code of a console script with these redirections, and all that it says on standard error."""
    kept = environment(PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    kept.pop("PYTHONUNBUFFERED", None)  # at a terminal it is not set
    ran = subprocess.run(
        ["bash", "-c", f"exec {words} {redirected}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, env=kept, timeout=STARTING, check=False,
    )  # fmt: skip
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_that_nobody_reads_ends_by_sigpipe_without_a_word(command: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    os.set_inheritable(theirs, True)
    kept = environment()
    kept.pop("PYTHONUNBUFFERED", None)
    script = Path(sys.executable).parent / command
    ran = subprocess.run(
        [script, "--help"], stdout=theirs, stderr=subprocess.PIPE, env=kept, timeout=STARTING, check=False
    )
    os.close(theirs)
    assert (ran.returncode, ran.stderr) == (-signal.SIGPIPE, b"")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_it_does_and_gives_an_example(command: str) -> None:
    script = Path(sys.executable).parent / command
    ran = subprocess.run(
        [script, "-h"], capture_output=True, text=True, env=environment(), timeout=STARTING, check=True
    )
    usage, says, *_ = ran.stdout.split("\n\n")
    assert usage.startswith(f"usage: {command} ")
    assert says.endswith(".")
    assert re.search(rf"^examples?:\n +(export .*\n +)?{command} ", ran.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_1_in_one_line(command: str) -> None:
    assert ended(f"{command} --help", ">/dev/full") == (1, f"{command}: cannot write: No space left on device\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_closed_input_and_output_change_no_exit_code_and_bring_no_traceback(command: str) -> None:
    assert ended(f"{command} --help", "<&- >&-") == (0, "")


def test_a_client_whose_input_is_closed_has_nothing_to_say() -> None:
    code, said = ended("fws_client ws://localhost:1/ publish", "<&-")
    assert (code, said) == (1, "fws_client: cannot reach ws://localhost:1/: Connection refused\n")


def test_what_is_missing_is_named_and_nothing_else() -> None:
    code, said = ended("fws_client")
    assert (code, said.splitlines()[-1]) == (2, "fws_client: error: the following arguments are required: URL")


def test_a_name_that_is_no_host_is_told_in_words() -> None:
    code, said = ended("fws_client ws://no.such.host.invalid/ publish x")
    assert code == 1
    assert said.startswith("fws_client: cannot reach ws://no.such.host.invalid/: ")
    assert "Errno" not in said
    assert said.count("\n") == 1
