"""The options of exec_pipe: what is no command, and what takes no effect."""

from types import SimpleNamespace

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.exec_pipe.options import COMMAND, OPTIONS, check, command, no_effect


def options(**values):
    return SimpleNamespace(**{option.name: option.default for option in OPTIONS} | values)


def test_a_command_is_read_as_a_shell_reads_it_but_runs_without_one():
    assert command(options(exec_pipe="jq -c 'del(.secret)'")) == ["jq", "-c", "del(.secret)"]
    assert command(options(exec_pipe="a | b", exec_shell=True)) == ["/bin/sh", "-c", "a | b"]
    with pytest.raises(ValueError, match="No closing quotation"):
        COMMAND.parse("jq 'open")


def test_a_program_is_there():
    check(options(exec_pipe="cat -u"))
    check(options(exec_pipe="no such | program", exec_shell=True))
    with pytest.raises(ConfigError, match="no program nosuchprogram on the PATH"):
        check(options(exec_pipe="nosuchprogram -x"))
    for empty in ("", " ", "#"):
        with pytest.raises(ConfigError):
            check(options(exec_pipe=empty))


def test_what_takes_no_effect_is_said():
    assert [name for name, _ in no_effect(options())] == ["exec_programs"]
    assert [name for name, _ in no_effect(options(exec_per_connection=True))] == ["exec_in_flight", "exec_timeout"]
