import json
import re
from typing import Any

from twisted.logger import Logger, LogLevel

from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
from filtered_websocket.monitoring.stopwatch import Stopwatch
from filtered_websocket.web.dashboard import figures
from filtered_websocket.web.dashboard.endpoints import FILES, FOLDER
from filtered_websocket.web.dashboard.recent_log import LINES, LONGEST, RecentLog
from filtered_websocket.web.dashboard.watchers import KEPT, MAX_WATCHERS
from tests.support.http_client import Answer, ask
from tests.support.raw_client import frame
from tests.support.reactor_thread import call, until
from tests.support.serving import Served, serving

SECRET = "the publish secret"


class Join(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> Any:
        return connection.subscribe("all")


class Spread(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection: Any, data: bytearray) -> None:
        connection.publish("all", bytes(data))


def shown(served: Served, query: str = "", headers: dict[str, str] | None = None) -> Any:
    answer = ask(served.address, "GET", f"/dashboard/figures{query}", headers=headers or {})
    assert answer.status == 200
    return answer.json


def post(served: Served, path: str, body: Any, secret: str = SECRET, **headers: str) -> Answer:
    return ask(served.address, "POST", f"/dashboard/{path}", body, {"Publish-Secret": secret, **headers})


def watched(served: Served, channel: str = "all", after: int = 0) -> Any:
    answer = post(served, "watch", {"channel": channel, "after": after})
    assert answer.status == 200, answer
    return answer.json


def test_the_page_and_its_parts_come_with_a_policy_that_lets_nothing_foreign_in() -> None:
    with serving() as served:
        page = ask(served.address, "GET", "/dashboard")
        text = page.body.decode()
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        parts = set(re.findall(r'(?:src|href)="dashboard/([^"]+)"', text))
        modules = (FOLDER / name for name in FILES if name.endswith(".js"))
        parts |= {each for module in modules for each in re.findall(r'from "\./([^"]+)"', module.read_text())}
        assert parts | {"index.html"} == set(FILES), "a part that nobody asks for, or one that is not there"
        for part in sorted(parts):
            answer = ask(served.address, "GET", f"/dashboard/{part}")
            assert (answer.status, answer.headers["content-type"]) == (200, FILES[part])
            for each in (page, answer):
                assert "default-src 'none'" in each.headers["content-security-policy"]
                assert "unsafe" not in each.headers["content-security-policy"]
                assert each.headers["x-content-type-options"] == "nosniff"
                assert each.headers["x-frame-options"] == "DENY"
        assert not re.search(r"<script>|<style>|\son\w+=|\sstyle=|https?://", text), "nothing is written into the page"


def test_no_other_file_can_be_had() -> None:
    with serving() as served:
        for path in ("nothing.js", "../base.py", "..%2fbase.py", "%2fetc%2fpasswd", "style.css/x", "style.css%00"):
            assert ask(served.address, "GET", f"/dashboard/{path}").status == 404, path
        moved = ask(served.address, "GET", "/dashboard/")
        assert (moved.status, moved.headers["location"]) == (308, "../dashboard")


def test_it_is_for_this_machine_unless_there_is_a_secret() -> None:
    paths = ("/dashboard", "/dashboard/", "/dashboard/style.css", "/dashboard/figures")
    with serving() as served:
        for path in paths:
            assert ask(served.address, "GET", path, headers={"Host": "evil.example"}).status == 403
            assert ask(served.address, "GET", path, headers={"X-Forwarded-For": "127.0.0.1"}).status == 403
    with serving(admin_secret="s3cret") as served:
        for path in paths:
            refused = ask(served.address, "GET", path)
            assert (refused.status, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        shown(served, headers={"Authorization": "Bearer s3cret", "Host": "public.example"})
    with serving(admin_port=0) as served:
        for path in paths:
            assert ask(served.address, "GET", path).status == 404


def test_the_figures_tell_of_pipelines_their_chains_and_channels() -> None:
    with serving(Join, Spread, pipelines='{"/empty": []}') as served:

        def timed() -> None:
            served.server.stopwatch = Stopwatch(served.server, served.server.reactor)
            served.server.stopwatch.arm()

        call(timed)
        with served.open() as one, served.open():
            until(lambda: len(served.users) == 2)
            one.send("hello")
            assert one.receive() is not None
            found = shown(served)
            everywhere, empty = found["pipelines"]
            assert (everywhere["patterns"], empty["patterns"]) == (["*"], ["/empty"])
            assert (everywhere["connections"], everywhere["channels"], everywhere["busiest"]) == (2, 1, [["all", 2]])
            assert (everywhere["received"], everywhere["publications"], everywhere["sent"]) == (1, 1, 2)
            assert [chain["event"] for chain in everywhere["chains"]] == ["connect", "message"]
            (spread,) = everywhere["chains"][1]["filters"]
            assert spread["name"].endswith(".Spread")
            assert 0 < spread["seconds"] < 5
            assert empty["chains"] == []
            assert found["storage"] | {"round_trip": 0} == {
                "name": "memory", "ready": True, "round_trip": 0, "shared": False, "durable": False,
            }  # fmt: skip
            assert 0 <= found["storage"]["round_trip"] < 1
            assert (found["unready"], found["max_connections"], found["may_publish"]) == ("", 20000, False)
            assert found["memory"] > 1_000_000


def test_slow_clients_and_what_was_refused_are_shown_the_most_first() -> None:
    class Flood(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> None:
            for _ in range(100):
                connection.sendMessage(b"x" * 100_000, True)

    with serving(Flood, send_buffer="100M") as served, served.client(receive_buffer=4096) as client:
        client.send(b"")
        client.open("/slow?token=not-to-be-shown")

        def count() -> None:
            served.server.counters.count("refused", "origin")
            for _ in range(3):
                served.server.counters.count("dropped", "slow client, latest")

        call(count)
        answer = ask(served.address, "GET", "/dashboard/figures")
        assert b"not-to-be-shown" not in answer.body
        found = answer.json
        assert found["counted"] == [["dropped", "slow client, latest", 3], ["refused", "origin", 1]]
        (slow,) = found["slow"]
        assert (slow["peer"], slow["path"], found["slow_clients"]) == ("127.0.0.1", "/slow", 1)
        assert slow["waiting"] > 10_000


def test_a_storage_object_that_does_not_answer_is_null_not_a_word_that_json_does_not_know() -> None:
    with serving() as served:
        assert figures.figures(served.server, float("nan"))["storage"]["round_trip"] is None


def test_samples_are_kept_for_who_comes_later_and_only_newer_ones_are_told_again() -> None:
    with serving(Join, Spread) as served, served.open() as client:
        history = served.server.dashboard.history
        until(lambda: len(served.users) == 1)
        call(history.take)
        client.send("hello")
        assert client.receive() is not None
        call(history.take)
        first, second = shown(served)["samples"]
        assert (first["connections"], first["received"], second["received"]) == (1, 0, 1)
        assert (second["sent"], second["publications"], second["channels"]) == (1, 1, 1)
        assert second["cpu"] >= first["cpu"]
        assert shown(served, f"?since={first['time']}")["samples"] == [second]
        assert shown(served, f"?since={second['time']}")["samples"] == []

        def many() -> int:
            for _ in range(2 * figures.SAMPLES):
                history.take()
            return len(history.since(0))

        assert call(many) == figures.SAMPLES


def test_what_is_no_number_is_refused() -> None:
    with serving() as served:
        for query in ("since=x", "log=nan", "since=1e999"):
            answer = ask(served.address, "GET", f"/dashboard/figures?{query}")
            assert (answer.status, answer.json["error"][-11:]) == (400, "is a number")


def test_the_last_lines_of_the_log_are_there_with_what_failed_and_without_what_is_below_info() -> None:
    log = Logger()
    recent = RecentLog()
    recent.start()
    try:
        log.debug("too small")
        log.info("<b>{what}</b>", what="markup is text")
        try:
            raise ValueError("a fault")
        except ValueError:
            log.failure("it failed")
        log.warn("x" * 2 * LONGEST)
    finally:
        recent.stop()
    log.info("after the end")
    first, second, third = recent.after(0)
    assert (first.number, first.level, first.text) == (1, "info", "<b>markup is text</b>")
    assert (second.level, second.text) == (LogLevel.critical.name, "it failed: ValueError: a fault")
    assert len(third.text) == LONGEST
    assert [line.number for line in recent.after(1)] == [2, 3]


def test_the_log_is_bounded() -> None:
    recent = RecentLog()
    recent.start()
    try:
        for number in range(LINES + 10):
            Logger().info("{number}", number=number)
    finally:
        recent.stop()
    assert [line.text for line in recent.after(0)] == [str(number) for number in range(10, LINES + 10)]


def test_the_server_keeps_its_log_between_start_and_stop() -> None:
    with serving() as served:
        call(served.server.dashboard.start)
        call(Logger().info, "seen")
        lines = shown(served)["log"]
        assert [line["text"] for line in lines] == ["seen"]
        assert shown(served, f"?log={lines[-1]['number']}")["log"] == []
        assert shown(served)["samples"], "the first is taken at once"
        call(served.server.stop)
        call(Logger().info, "not seen")
        assert served.server.dashboard.log.last == 1


def test_watching_and_publishing_take_the_publish_secret_beside_the_admins() -> None:
    body = {"channel": "all", "data": "hi"}
    with serving() as served:
        for path in ("watch", "publish"):
            refused = post(served, path, body)
            assert refused.status == 404
            assert "publish_secret" in refused.json["error"]
    with serving(publish_secret=SECRET) as served:
        for path in ("watch", "publish"):
            for secret in ("", "another", "\xe9"):
                assert post(served, path, body, secret).status == 403
            # In a header that no page of another origin can send without being allowed to, and not in Authorization.
            alone = ask(served.address, "POST", f"/dashboard/{path}", body, {"Authorization": f"Bearer {SECRET}"})
            assert alone.status == 403
            assert post(served, path, body, Host="evil.example").status == 403
            assert ask(served.address, "OPTIONS", f"/dashboard/{path}", headers={"Origin": "https://evil.example"}).headers.get(
                "access-control-allow-origin"
            ) is None  # fmt: skip
    with serving(publish_secret=SECRET, admin_secret="admin") as served:
        assert post(served, "watch", body).status == 401
        assert post(served, "watch", body, Authorization="Bearer admin").status == 200


def test_a_watcher_sees_what_subscribers_get_in_numbered_messages() -> None:
    with serving(Join, Spread, publish_secret=SECRET) as served, served.open() as client:
        until(lambda: len(served.users) == 1)
        begun = watched(served)
        assert (begun["last"], begun["messages"]) == (0, [])
        client.send("<b>hé</b>", frame(b"\xff\x00"))
        assert client.text() == "<b>hé</b>"
        assert client.receive() is not None
        found = watched(served)
        first, second = found["messages"]
        assert (first["number"], first["text"], first["binary"], first["size"]) == (1, "<b>hé</b>", False, 10)
        assert (second["text"], second["binary"]) == ("ff 00", True)
        assert watched(served, after=1)["messages"] == [second]
        assert found["watcher"] == begun["watcher"]
        assert post(served, "publish", {"channel": "all", "data": {"any": "JSON"}}).json == {"channels": 1}
        assert client.receive() is not None
        assert json.loads(watched(served, after=2)["messages"][0]["text"]) == {"any": "JSON"}


def test_a_watcher_keeps_the_newest_messages_only_and_the_beginning_of_long_ones() -> None:
    with serving(publish_secret=SECRET) as served:
        watched(served)
        pipeline = served.server.pipelines[0]
        call(pipeline.publish, "all", [str(number) for number in range(2 * KEPT)])
        call(pipeline.publish, "all", "é" * 100_000)
        until(lambda: pipeline.hub.publications == 2)
        found = watched(served)
        assert (found["last"], len(found["messages"])) == (2 * KEPT + 1, KEPT)
        assert found["messages"][0]["text"] == str(KEPT + 1)
        assert (found["messages"][-1]["size"], len(found["messages"][-1]["text"])) == (200_000, 1000)


def test_a_channel_that_nobody_watches_any_more_is_left() -> None:
    with serving(publish_secret=SECRET) as served:
        hub = served.server.pipelines[0].hub
        first = watched(served)["watcher"]
        assert set(call(lambda: dict(hub.channels))) == {"all"}

        def pass_time() -> None:
            (watcher,) = served.server.dashboard.watchers._watchers.values()
            watcher.expires.reset(0)

        call(pass_time)
        until(lambda: not hub.channels)
        assert watched(served)["watcher"] != first
        call(served.server.dashboard.stop)
        assert call(lambda: dict(hub.channels)) == {}


def test_no_more_than_a_few_channels_are_watched_and_only_such_as_there_can_be() -> None:
    with serving(publish_secret=SECRET) as served:
        for body in ({"channel": "x" * 300}, {"channel": 1}, {"channel": "a", "after": "b"}, {}, []):
            assert post(served, "watch", body).status == 400
        assert post(served, "watch", {"channel": "a", "pipeline": "/none"}).status == 404
        for number in range(MAX_WATCHERS):
            watched(served, f"channel {number}")
        assert post(served, "watch", {"channel": "one more"}).status == 503
        watched(served, "channel 0")
