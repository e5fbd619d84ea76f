import pytest

from filtered_websocket.filters.jwt_auth.places import PLACES, mark, token_in
from filtered_websocket.filters.shared.tokens import BadToken
from filtered_websocket.web.head import Head
from filtered_websocket.web.request import Request


class Options:
    jwt_parameter, jwt_cookie = "auth", "session"

    def __init__(self, *places):
        self.jwt_from = places


def request(target="/", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(Head(b"", "GET", target, "1.1", named))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (request(authorization="Bearer h"), "h"),
        (request(authorization="  bEARER   h  "), "h"),
        (request(authorization="Basic h"), None),
        (request(authorization="Bearer"), None),
        (request(authorization="h"), None),
        (request(authorization=""), None),
        (request("/?auth=q"), "q"),
        (request("/?token=q&auth="), None),
        (request(cookie="a=b; session=c; sessions=d"), "c"),
        (request(cookie='session="c"'), '"c"'),
        (request(cookie="session"), None),
        (request(cookie="; =; session=;"), None),
        (request(sec_websocket_protocol="chat, Bearer, s"), "s"),
        (request(sec_websocket_protocol="bearer"), None),
        (request(sec_websocket_protocol="chat, bearer"), None),
        (request(sec_websocket_protocol=",,"), None),
        (request(), None),
    ],
)
def test_where_a_token_is(asked, found):
    assert token_in(asked, Options(*PLACES)) == found


def test_the_first_place_that_holds_one_counts_and_others_are_not_looked_at():
    every = request("/?auth=q", authorization="Bearer h", cookie="session=c", sec_websocket_protocol="bearer, s")
    for place, found in zip(PLACES, "hqcs", strict=True):
        assert token_in(every, Options(place)) == found
    assert token_in(request("/?auth=q", authorization="Basic x"), Options("header", "query")) == "q"


@pytest.mark.parametrize("two", [request("/?auth=a&auth=b"), request(cookie="session=a; session=b")])
def test_of_two_none_counts(two):
    with pytest.raises(BadToken, match="two tokens"):
        token_in(two, Options("query", "cookie"))


def test_the_mark_is_told_as_it_was_written():
    assert mark(["chat", "BeaRer", "x"]) == "BeaRer"
    assert mark(["chat"]) is None
