"""What is signed."""

import pytest

from tests.filters.pushi.clients import KEY, OTHER, SUCCEEDED, Client, Http, serving


@pytest.mark.parametrize("name", ["private-a", "presence-a", "personal-u", "peer-a:u&v"])
@pytest.mark.parametrize("auth", [None, "", KEY, f"{KEY}:{'0' * 64}", 1, True, [], {}, "é"])
def test_a_wrong_signature_subscribes_to_nothing(server, name, auth):
    client, http = Client(server), Http(server)
    assert client.ask("subscribe", name, auth=auth)["event"] == "subscription_error"
    http.trigger(name, "secret")
    assert client.packets() == []
    assert client.ask("latest", name)["event"] == "subscription_error"


def test_a_signature_is_of_one_connection_channel_and_app(server):
    a, b = Client(server), Client(server)
    for auth in (b.auth("private-a"), a.auth("private-b"), a.auth("private-a").replace(KEY, OTHER["key"])):
        assert a.ask("subscribe", "private-a", auth=auth)["code"] == 4009


def test_presence_may_have_to_be_signed():
    about = '{"user_id": "u"}'
    for required in (False, True):
        with serving(pushi_signed_presence=required) as server:
            client = Client(server)
            full = client.ask("subscribe", "presence-a", auth=client.auth(f"presence-a:{about}"), channel_data=about)
            assert full["members"] == {"u": {"user_id": "u"}}
            bare = client.ask("subscribe", "presence-b", auth=client.auth("presence-b"), channel_data=about)
            assert bare["event"] == ("subscription_error" if required else SUCCEEDED)
            nobody = client.ask("subscribe", "presence-c", auth=client.auth("presence-c"))
            assert nobody["event"] == SUCCEEDED
