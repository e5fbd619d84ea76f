"""GET /channels over HTTP."""

from urllib.parse import quote

from tests.support.http_client import ask
from tests.support.reactor_thread import until
from tests.support.serving import serving
from tests.support.steering import Named, Spread

ODD = "a/b <b> é\x1b"


def test_the_noisiest_channel_is_on_top_and_one_is_told_by_its_name() -> None:
    with serving(Named, Spread) as served:
        clients = [served.open(f"/?user=u{number}&id={number}") for number in range(2)]
        for each in clients:
            each.send(f"+{ODD}")
        clients[0].send("+loud")
        hub = served.server.pipelines[0].hub
        until(lambda: len(hub.channels) == 2 and len(hub.subscribers(ODD)) == 2)
        first = ask(served.address, "GET", "/channels").json["channels"]
        assert [(row["name"], row["subscribers"], row["bytes_per_second"]) for row in first] == [
            (ODD, 2, 0),
            ("loud", 1, 0),
        ]
        clients[1].send("loud something")
        until(lambda: hub.publications == 1)
        answer = ask(served.address, "GET", "/channels?limit=1").json
        (row,) = answer["channels"]
        assert row["name"] == "loud"
        assert row["bytes_per_second"] > 0
        assert answer["at_least"] == 2
        assert answer["unanswered"] == []
        (about,) = ask(served.address, "GET", f"/channels/{quote(ODD, safe='')}?pipeline=*").json["channels"]
        assert about["subscribers"] == 2
        assert {(each["id"], each["user"]) for each in about["first_subscribers"]} == {("0", "u0"), ("1", "u1")}
        assert about["by_process"][0]["subscribers"] == 2
        assert ask(served.address, "GET", "/channels/none").status == 404
        assert ask(served.address, "GET", "/channels?prefix=lo").json["channels"][0]["name"] == "loud"
