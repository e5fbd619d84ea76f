"""What a process answers of its channels."""

from typing import Any

from filtered_websocket.chain.deferreds import start
from filtered_websocket.server.channel_inspection import MEASURED_SECONDS
from filtered_websocket.testing.server import Server
from tests.support.steering import Named, Spread, ask


def answer_later(server: Server, what: str, values: Any) -> Any:
    answered: list[Any] = []
    start(server.server.cluster.ask(what, values)).addBoth(answered.append)
    server.advance(MEASURED_SECONDS + 0.1)
    return answered[0].by_process


def test_the_noisiest_channel_comes_first() -> None:
    with Server(Named, Spread) as server:
        clients = [server.connect() for _ in range(3)]
        for each in clients:
            each.send("+quiet")
        for each in ("+loud", "+a"):
            clients[0].send(each)
        values = {"limit": 2, "pipeline": None, "prefix": None}
        answer_later(server, "channels", values)
        for _ in range(5):
            clients[1].send("loud 0123456789")
            clients[1].send("quiet x")
        server.advance(1)
        (answer,) = ask(server, "channels", values).by_process.values()
        assert answer["total"] == 3
        assert [(row["name"], row["subscribers"]) for row in answer["rows"]] == [("loud", 1), ("quiet", 3)]
        loud, quiet = answer["rows"]
        assert loud["bytes_per_second"] == 10 * quiet["bytes_per_second"] > 0
        assert loud["publications_per_second"] == quiet["publications_per_second"]
        (counts,) = ask(
            server, "subscribers", {"names": [["*", "quiet"], ["*", "none"], ["/x", "quiet"]]}
        ).by_process.values()
        assert counts == [3, 0, 0]
        ((about,),) = ask(server, "channel", {"name": "quiet", "pipeline": None}).by_process.values()
        assert about["slow_client"] == "disconnect"
        assert about["position"] is None
        assert len(about["first_subscribers"]) == 3
        (none,) = ask(server, "channel", {"name": "none", "pipeline": None}).by_process.values()
        assert none == []
