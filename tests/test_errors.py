"""The signals and the error of a wrong configuration."""

import pytest

from filtered_websocket.errors import Close, ConfigError, Reject, StopChain, printable


@pytest.mark.parametrize("signal", [StopChain, Reject, Close])
def test_a_signal_passes_a_filters_own_except_exception(signal):
    def careless():
        try:
            raise signal
        except Exception:
            return "eaten"

    with pytest.raises(signal):
        careless()


def test_signals_carry_what_the_client_is_told():
    assert (Reject().status, Reject().reason, Reject().headers) == (403, "Forbidden", ())
    refusal = Reject(401, "Who are you?", [("WWW-Authenticate", "Basic")])
    assert (refusal.status, refusal.reason, refusal.headers) == (401, "Who are you?", (("WWW-Authenticate", "Basic"),))
    assert (Close().code, Close().reason) == (1000, "")
    assert (Close(4001, "bye").code, Close(4001, "bye").reason) == (4001, "bye")


def test_a_configuration_error_is_a_line_for_each_fault():
    error = ConfigError("one is wrong", "so is two")
    assert error.faults == ("one is wrong", "so is two")
    assert str(error) == "one is wrong\nso is two"


def test_a_configuration_error_is_escaped_so_that_each_fault_stays_one_line():
    error = ConfigError("\x1b[2J: a port is wanted,\nnot \u202e9000")
    assert error.faults == (r"\x1b[2J: a port is wanted,\nnot \u202e9000",)
    assert str(error) == error.faults[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("grüße \U0001f600", "grüße \U0001f600"),
        ("back\\slash", "back\\slash"),
        ("line\nend\r", "line\\nend\\r"),
        ("\x1b[2J\x9b\0", "\\x1b[2J\\x9b\\x00"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_steers_a_terminal_is_escaped_and_the_rest_is_left(text, shown):
    assert printable(text) == shown


def test_line_ends_and_tabs_may_stay():
    assert printable("a\tb\nc\x1b", newlines=True) == "a\tb\nc\\x1b"
