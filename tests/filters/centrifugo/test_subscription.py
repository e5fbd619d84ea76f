from tests.filters.centrifugo.clients import connected, serving


def test_a_join_is_seen_by_all_and_the_client_itself_behind_its_answer():
    with serving() as server:
        a, b = connected(server, "a", info={"n": 1}), connected(server, "b")
        a.subscribe("joins:x")
        a.pushed()
        b.say({"id": 9, "subscribe": {"channel": "joins:x"}})
        answer, push = b.hear()
        assert answer == {"id": 9, "subscribe": {}}
        join = {"channel": "joins:x", "join": {"info": {"user": "b", "client": b.session.id}}}
        assert push == {"push": join}
        assert a.pushed() == [join]
        a.ask("unsubscribe", channel="joins:x")
        assert a.pushed() == []
        assert [each["leave"]["info"]["user"] for each in b.pushed()] == ["a"]


def test_presence_has_each_client_with_what_it_says_of_itself():
    with serving() as server:
        a, b = connected(server, "u", info={"n": 1}), connected(server, "u")
        a.subscribe("open:p")
        b.subscribe("open:p")
        info = {"user": "u", "client": a.session.id, "conn_info": {"n": 1}}
        found = a.ask("presence", channel="open:p")["presence"]
        assert found[a.session.id] == info
        assert found.keys() == {a.session.id, b.session.id}
        assert a.ask("presence_stats", channel="open:p") == {"num_clients": 2, "num_users": 1}
        b.wire.abort()
        assert a.ask("presence_stats", channel="open:p") == {"num_clients": 1, "num_users": 1}


def test_who_does_not_want_to_be_told_of_joins_is_not():
    names = [{"name": "quiet", "allow_subscribe_for_client": True, "join_leave": True, "presence": True,
              "allow_presence_for_subscriber": True}]  # fmt: skip
    with serving(centrifugo_namespaces=names) as server:
        a, b = connected(server, "a"), connected(server, "b")
        a.subscribe("quiet:x")
        b.subscribe("quiet:x", join_leave=True)
        assert [each["join"]["info"]["user"] for each in b.pushed()] == ["b"]
        assert a.pushed() == []
