"""The users of a pipeline, while they come and go."""

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.pipeline.users import Users
from filtered_websocket.testing.server import Server

# Users.


def test_users_may_be_iterated_while_they_come_and_go():
    users = Users(a=1, b=2, c=3)
    for iterate, wanted in (
        (lambda: users, ["a", "b", "c"]),
        (users.keys, ["a", "b", "c"]),
        (users.values, [1, 2, 3]),
        (users.items, [("a", 1), ("b", 2), ("c", 3)]),
    ):
        seen = []
        for number, each in enumerate(iterate()):
            seen.append(each)
            users.pop(f"new{number - 1}", None)
            users[f"new{number}"] = 0
        assert seen == wanted
        for name in [name for name in users if name.startswith("new")]:
            del users[name]
    assert dict(users) == {**users} == {"a": 1, "b": 2, "c": 3}
    assert ("a" in users, len(users), list(users), users.get("z")) == (True, 3, ["a", "b", "c"], None)


class Id(str):
    """An id that counts how often it is looked up."""

    __slots__ = ()
    looks = 0

    def __hash__(self):
        Id.looks += 1
        return super().__hash__()


def test_to_go_through_all_users_looks_up_none_of_them():
    users = Users({Id(number): number for number in range(100)})
    Id.looks = 0
    assert list(users.values()) == list(range(100))
    assert [value for _, value in users.items()] == list(range(100))
    assert Id.looks == 0


def test_a_filter_may_close_everybody_it_iterates_over():
    class Everybody(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            for user in web_socket_instance.users.values():
                user.abortConnection()

    with Server(Everybody) as server:
        clients = [server.connect() for _ in range(5)]
        clients[2].send("go")
        server.advance(1)
        assert [each.is_open for each in clients] == [False] * 5
        assert len(server.pipeline().users) == 0
