"""The filter `history` on the real server, with clients that read slowly what they missed."""

import json

from tests.support.fws_server import Start
from tests.support.raw_client import RawClient

MODULES = ("filtered_websocket.filters.history", "filtered_websocket.filters.broadcast_messages")
CHANNELS = {"broadcast_messages": {"history": 100, "slow": "latest"}}


def told(client: RawClient) -> dict[str, object]:
    answer: dict[str, object] = json.loads(client.text())
    return answer


def test_more_than_may_wait_for_a_slow_client_comes_back_all_the_same(fws_server: Start) -> None:
    limits = ("--recovery_bytes", "32M", "--recovery_tails", "32M", "--send_buffer", "1k")
    server = fws_server("-f", *MODULES, "--channels", json.dumps(CHANNELS), *limits)
    first, says = server.open(), server.open()
    position = told(first)["position"]
    large = "x" * 1_000_000
    for _ in range(12):
        says.send(large)
        assert told(first)["data"] == large
    client = server.client(receive_buffer=4096).open(f"/?since={position}")
    assert told(client)["recovered"]
    says.send("live")
    assert told(first)["data"] == "live"
    assert [told(client)["data"] == large for _ in range(12)] == [True] * 12
    assert told(client)["data"] == "live"
