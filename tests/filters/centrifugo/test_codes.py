import pytest

from filtered_websocket.errors import Close
from filtered_websocket.filters.centrifugo.codes import Disconnect, Error


def test_a_known_error_has_its_words_and_one_of_an_application_its_own():
    assert (Error(103).message, Error(103).temporary) == ("permission denied", False)
    assert (Error(100).message, Error(100).temporary) == ("internal server error", True)
    assert (Error(400, "no such room").message, Error(400).message) == ("no such room", "error 400")
    assert Error(401, temporary=True).temporary


def test_signals_pass_through_an_applications_own_except_exception():
    for signal in (Error(103), Disconnect(3500)):
        assert not isinstance(signal, Exception)
    assert isinstance(Disconnect(3500), Close)


@pytest.mark.parametrize("reason", ["", "{}", ' {"reconnect": true}', "42", '"x"', "null", "[]"])
def test_a_disconnect_never_has_a_reason_that_javascripts_client_would_obey(reason):
    assert Disconnect(3503, reason).reason == "force disconnect"
    assert Disconnect(4500, reason).reason == "disconnect 4500"
    assert Disconnect(4500, "go away").reason == "go away"


def test_which_codes_clients_come_again_after():
    again = [code for code in (3000, 3499, 3500, 3999, 4000, 4499, 4500, 4999) if Disconnect(code).reconnect]
    assert again == [3000, 3499, 4000, 4499]
