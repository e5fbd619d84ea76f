"""What PyPI's pusher signs is signed for us, and what we sign is signed for it; nothing else is."""

from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
import requests
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.auth import check_request, check_subscription, signed_user
from filtered_websocket.filters.pusher.wire import PusherError
from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError
from tests.parsers.foreign import modules

APP = App("1001", "app-key", "sécret")
NAMES = st.sampled_from(["private-a", "presence-a_=@,.;-", "private-encrypted-a", "private-cache-1"])
SOCKETS = st.sampled_from(["1.1", "123.456", "0.99999999999999"])
ABOUT = st.sampled_from([None, {"user_id": "1"}, {"user_id": "é😀", "user_info": {"n": [1, None, "ä"]}}])


class SDK(NamedTuple):
    client: Any
    request: Any


@pytest.fixture(scope="module")
def sdk() -> SDK:
    client, http = modules("pusher", "pusher.authentication_client", "pusher.http")
    made = client.AuthenticationClient(APP.id, APP.key, APP.secret, backend=lambda client: None,
                                       encryption_master_key_base64="A" * 43 + "=")  # fmt: skip
    return SDK(made, http.Request)


def takes(check: Any, *arguments: Any) -> bool:
    try:
        check(*arguments)
    except (PusherError, HTTPError):
        return False
    return True


@settings(derandomize=True, max_examples=80)
@given(NAMES, SOCKETS, ABOUT, NAMES, SOCKETS, ABOUT)
def test_a_subscription_is_signed_for_what_it_was_signed_for_and_for_nothing_else(
    sdk: SDK, name: str, socket: str, about: Any, other_name: str, other_socket: str, other_about: Any
) -> None:
    said = sdk.client.authenticate(name, socket, about)
    other = sdk.client.authenticate(other_name, other_socket, other_about).get("channel_data")
    assert takes(check_subscription, APP, socket, name, said["auth"], said.get("channel_data"))
    same = (name, socket, said.get("channel_data")) == (other_name, other_socket, other)
    assert takes(check_subscription, APP, other_socket, other_name, said["auth"], other) == same


def test_a_user_is_signed_in_with_what_the_sdk_says(sdk: SDK) -> None:
    said = sdk.client.authenticate_user("1.1", {"id": "ann", "user_info": {"n": "é"}})
    assert signed_user(APP, "1.1", said["auth"], said["user_data"]).id == "ann"
    assert not takes(signed_user, APP, "1.2", said["auth"], said["user_data"])
    assert not takes(signed_user, APP, "1.1", said["auth"], said["user_data"].replace("ann", "bob"))


PARAMETERS = st.dictionaries(
    st.sampled_from(["info", "filter_by_prefix", "limit", "z"]),
    st.sampled_from(["", "user_count,subscription_count", "presence-", "a+b", "a b", "é😀", "/", "~_.-"]),
    max_size=3,
)
EVENTS = st.sampled_from(
    [{}, {"name": "x", "data": "é", "channels": ["a"]}, {"batch": [{"channel": "a", "data": "1"}]}]
)


@settings(derandomize=True, max_examples=80)
@given(st.sampled_from(["GET", "POST"]), PARAMETERS, EVENTS, st.integers(0, 400), st.sampled_from("0aZ+%&=/ "))
def test_a_request_of_the_sdk_is_taken_as_its_library_sends_it_and_with_no_other_character(
    sdk: SDK, method: str, parameters: dict[str, str], event: Any, place: int, character: str
) -> None:
    made = sdk.request(sdk.client, method, f"/apps/{APP.id}/events", parameters if method == "GET" else event)
    sent = requests.Request(method, f"http://h{made.signed_path}", data=made.body).prepare()
    uri, body = sent.path_url, made.body
    assert takes(check_request, APP, HTTPRequest(method, uri, body=body))
    at = place % len(uri)
    changed = uri[:at] + character + uri[at + 1 :]
    assume(unquote(changed) != unquote(uri))
    assert not takes(check_request, APP, HTTPRequest(method, changed, body=body))
    assert not takes(check_request, APP, HTTPRequest(method, uri, body=body + b" "))


def test_the_sdk_takes_our_web_hooks(sdk: SDK, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    body = '{"time_ms":1700000000000,"events":[{"name":"channel_occupied","channel":"é"}]}'
    assert sdk.client.validate_webhook(APP.key, sign(APP.secret, body), body)["events"][0]["channel"] == "é"
    assert sdk.client.validate_webhook(APP.key, sign(APP.secret, body), body + " ") is None
