import pytest

from filtered_websocket.filters.centrifugo.events import CentrifugoPublishFilter
from filtered_websocket.filters.centrifugo.namespaces import read_options
from filtered_websocket.filters.centrifugo.permit import permit_of
from filtered_websocket.filters.centrifugo.state import State
from tests.filters.centrifugo.clients import OPEN, connected, serving, token

FOR_SUBSCRIBERS = {"allow_subscribe_for_client": True, "allow_publish_for_subscriber": True}


def test_it_is_found_once_for_all_that_is_published_to_a_channel():
    with serving() as server:
        client = connected(server)
        assert client.publish("open:a", 1) == {}
        found = client.session.permit
        assert client.publish("open:a", 2) == {}
        assert client.session.permit is found
        assert client.publish("open:b", 1) == {}
        assert client.session.permit is not found


def test_it_ends_with_the_subscription():
    with serving(centrifugo_without_namespace=FOR_SUBSCRIBERS) as server:
        client = connected(server, "u")
        assert [client.publish("a", 1), client.subscribe("a") and client.publish("a", 1)] == [103, {}]
        client.ask("unsubscribe", channel="a")
        assert client.publish("a", 1) == 103


@pytest.mark.parametrize(("changed", "code"), [({}, 103), (OPEN | {"publication_data_format": "json_object"}, 107)])
def test_it_ends_with_the_options_that_gave_it(changed, code):
    with serving(centrifugo_without_namespace=OPEN) as server:
        client, pipeline = connected(server), server.pipeline()
        assert client.publish("a", 1) == {}
        pipeline.options = pipeline.options.replace(centrifugo_without_namespace=read_options(changed))
        State.of(pipeline)
        assert client.publish("a", 1) == code


def test_filters_that_a_reload_brings_are_asked():
    class Refuses(CentrifugoPublishFilter):
        @classmethod
        def filter(cls, client, event):
            event.allowed = False

    with serving() as server:
        client, pipeline = connected(server), server.pipeline()
        assert client.publish("open:a", 1) == {}
        pipeline.further = {CentrifugoPublishFilter: (Refuses,)}
        assert client.publish("open:a", 1) == 103


def test_others_see_the_info_that_a_client_has_now():
    with serving() as server:
        client, other = connected(server, "u", info={"name": "a"}), connected(server)
        other.subscribe("open:a")
        client.publish("open:a", 1)
        client.ask("refresh", token=token("u", info={"name": "b"}))
        client.publish("open:a", 2)
        assert [each["pub"]["info"]["conn_info"]["name"] for each in other.pushed()] == ["a", "b"]


def test_what_is_no_json_is_looked_at_each_time():
    with serving() as server:
        client = connected(server)
        assert permit_of(client.session, "open:a").begin
        client.session.encoding = State.of(server.pipeline()).encodings["protobuf"]
        assert not permit_of(client.session, "open:b").begin
