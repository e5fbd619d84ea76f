import pytest

from filtered_websocket.filters.centrifugo.state import State, keys_of
from filtered_websocket.filters.shared.tokens import issue, signed_claims
from tests.filters.centrifugo.clients import SECRET, connected, serving

OLD = "the secret before, which was long as well"


def test_clients_are_known_by_id_and_user_while_they_are_there():
    with serving() as server:
        state = State.of(server.pipeline())
        a, b = connected(server, "u"), connected(server, "u")
        assert state.users.keys() == {"u"}
        assert state.users["u"].keys() == state.clients.keys() == {a.session.id, b.session.id}
        a.wire.abort()
        assert state.users["u"].keys() == {b.session.id}
        b.wire.close()
        server.settle()
        assert (state.users, state.clients) == ({}, {})


@pytest.mark.parametrize(("until", "good"), [(None, True), (4_000_000_000.0, True), (5.0, False)])
def test_the_secret_before_is_taken_for_a_while(until, good):
    options = {"centrifugo_token_hmac_previous_secret": OLD, "centrifugo_token_hmac_previous_secret_until": until}
    with serving(**{name: value for name, value in options.items() if value is not None}) as server:
        keys = keys_of(server.pipeline().options)
        signed_claims(issue({}, SECRET), keys)
        if good:
            signed_claims(issue({}, OLD), keys)
        else:
            with pytest.raises(Exception, match="signature"):
                signed_claims(issue({}, OLD), keys)


def test_without_a_secret_no_token_is_good():
    with serving(centrifugo_token_hmac_secret="") as server, pytest.raises(Exception, match="signature"):
        signed_claims(issue({}, ""), keys_of(server.pipeline().options))
