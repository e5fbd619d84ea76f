from filtered_websocket.filters.centrifugo.leaving import unsubscribe
from tests.filters.centrifugo.clients import connected, serving


def test_the_server_may_end_a_subscription():
    with serving() as server:
        client = connected(server)
        client.subscribe("joins:a")
        client.pushed()
        server.result(unsubscribe(client.session, client.session.subscriptions["joins:a"], 2000))
        end = {"code": 2000, "reason": "server unsubscribe"}
        assert client.pushed() == [{"channel": "joins:a", "unsubscribe": end}]
        assert server.result(server.storage_object.member_count("joins:a")) == 0
        assert not server.pipeline().hub.channels


def test_others_see_a_client_that_leaves_once_however_it_does():
    with serving() as server:
        watcher = connected(server)
        watcher.subscribe("joins:a")
        for way in ("unsubscribe", "close", "abort"):
            client = connected(server, "u")
            client.subscribe("joins:a")
            if way == "unsubscribe":
                client.ask("unsubscribe", channel="joins:a")
            else:
                getattr(client.wire, way)()
            end_of_it = [next(iter(each.keys() - {"channel"})) for each in watcher.pushed()]
            assert end_of_it[-2:] == ["join", "leave"]
            watcher.pushes.clear()
        assert server.result(server.storage_object.member_count("joins:a")) == 1
