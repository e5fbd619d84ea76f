import pytest
from twisted.logger import globalLogPublisher

from filtered_websocket.filters.centrifugo.config_file import Document
from filtered_websocket.filters.centrifugo.original_settings import fills
from filtered_websocket.filters.centrifugo.token_options import OF_CLIENTS
from filtered_websocket.filters.shared.tokens import issue, signed_claims
from tests.filters.centrifugo.clients import PATH, SECRET, Speaking, connected, later, serving, token

OTHER = "another secret, of thirty-two bytes or so"
OLD = "the secret before, which was long as well"


def of(secret, **claims):
    return issue({"sub": "u1", "channel": "closed:a", **claims}, secret)


def test_subscription_tokens_may_have_keys_of_their_own():
    with serving(centrifugo_subscription_token_hmac_secret=OTHER) as server:
        client = connected(server, "u1")
        assert client.subscribe("closed:a", token=token(channel="closed:a")) == 103
        assert client.subscribe("closed:a", token=of(OTHER, exp=later()))["expires"]
        assert client.ask("sub_refresh", channel="closed:a", token=of(OTHER)) == {}
        client.ask("sub_refresh", channel="closed:a", token=token(channel="closed:a"))
        assert client.closed == (3500, "invalid token")
        other = connected(server)
        other.ask("connect", token=issue({"sub": "u1"}, OTHER))
        assert other.closed[0] is not None


def test_what_they_have_to_name_is_their_own_too():
    with serving(
        centrifugo_token_issuer="we", centrifugo_subscription_token_hmac_secret=OTHER,
        centrifugo_subscription_token_audience="me",
    ) as server:  # fmt: skip
        client = connected(server, "u1", iss="we")
        assert client.subscribe("closed:a", token=of(OTHER)) == 103
        assert client.subscribe("closed:a", token=of(OTHER, aud="me")) == {}


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"iss": "https://one.example.org", "aud": ["x", "app-7"]}, True),
        ({"iss": "https://one.example.org", "aud": "app-7"}, True),
        ({"iss": "https://one.example.org", "aud": "my-app-7"}, False),
        ({"iss": "https://one.example.org"}, False),
        ({"iss": "https://one.example.org\n", "aud": "app-7"}, False),
        ({"iss": "https://one.example.org.evil.net", "aud": "app-7"}, False),
        ({"aud": "app-7"}, False),
    ],
)
def test_what_they_name_may_have_to_be_like_something(claims, good):
    patterns = {"audience_regex": "^app-", "issuer_regex": r"^https://(?P<tenant>\w+)\.example\.org$"}
    own = {f"centrifugo_token_{name}": pattern for name, pattern in patterns.items()}
    with serving(**own) as server:
        client = Speaking(server, PATH)
        client.ask("connect", token=token("u1", **claims))
        assert (client.closed[0] is None) == good
    document = Document("a.json", {"client": {"token": patterns}})
    assert {name: value for name, (value, _) in fills(document).items() if "token" in name} == own


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(Exception, match="regular expression"), serving(centrifugo_token_issuer_regex="("):
        pass


def test_without_keys_of_their_own_those_of_other_tokens_count():
    with serving(centrifugo_token_issuer="we") as server:
        client = connected(server, "u1", iss="we")
        assert client.subscribe("closed:a", token=token(channel="closed:a")) == 103
        assert client.subscribe("closed:a", token=token(channel="closed:a", iss="we")) == {}


@pytest.mark.parametrize("name", ["centrifugo_token_hmac_secret", "centrifugo_subscription_token_hmac_secret"])
def test_a_short_secret_is_warned_of(name):
    said = []
    globalLogPublisher.addObserver(said.append)
    try:
        with serving(**{name: "short"}):
            pass
    finally:
        globalLogPublisher.removeObserver(said.append)
    assert [each["name"] for each in said if "guessed" in str(each.get("log_format"))] == [name]


@pytest.mark.parametrize(("until", "good"), [(None, True), (4_000_000_000.0, True), (5.0, False)])
def test_the_secret_before_is_taken_for_a_while(until, good):
    options = {"centrifugo_token_hmac_previous_secret": OLD, "centrifugo_token_hmac_previous_secret_until": until}
    with serving(**{name: value for name, value in options.items() if value is not None}) as server:
        keys = OF_CLIENTS.verifier(server.pipeline().options).keys
        signed_claims(issue({}, SECRET), keys)
        if good:
            signed_claims(issue({}, OLD), keys)
        else:
            with pytest.raises(Exception, match="signature"):
                signed_claims(issue({}, OLD), keys)


def test_without_a_secret_no_token_is_good():
    with serving(centrifugo_token_hmac_secret="") as server, pytest.raises(Exception, match="signature"):
        signed_claims(issue({}, ""), OF_CLIENTS.verifier(server.pipeline().options).keys)
