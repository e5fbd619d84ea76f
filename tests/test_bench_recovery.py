"""The benchmark of coming back: what its clients count, and that they count it right with the real server."""

import json
import threading
from pathlib import Path

import pytest

from tests.support.deadlines import joined

BENCH = Path(__file__).parent.parent / "bench"
META = {
    "date": "2026-01-01 00:00 UTC", "command": "bench/recover.py", "cpu": "<fast>", "cores": 2, "pinned": [0, 1],
    "kernel": "6", "versions": {"Python": "3.11"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def bench_is_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))


def client(got, returns, entered=1.0, doubles=(), disorder=()):
    from recovery.client import Client
    from recovery.protocols import Bare

    made = Client(Bare(), None)
    made.entered, made.got, made.doubles, made.disorder = entered, set(got), list(doubles), list(disorder)
    made.returns = returns
    return made


def returned(begun, told, recovered, complete=None, first=False):
    from recovery.client import Return

    made = Return(begun, set(), first)
    made.told, made.recovered, made.complete = told, recovered, complete
    return made


def test_what_is_missing_is_a_lie_or_told_or_lost_untold_by_what_the_client_heard_next():
    from recovery.publisher import Confirmed
    from recovery.tally import tally

    confirmed = {number: Confirmed(number, number + 0.5) for number in range(1, 7)}
    came = [returned(0, 1.2, None, first=True), returned(3.6, 3.7, True, 3.65), returned(5.6, 5.8, False)]
    figures = tally([client({2, 6}, came, entered=1.5, doubles=[2], disorder=[2, 99])], confirmed)
    assert (figures["owed"], figures["delivered"]) == (5, 2)  # the first was published before it was in
    # 3 was confirmed before a return that was called recovered, 4 and 5 before one that was not.
    assert (figures["lies"], figures["untold"]) == (1, 0)
    assert (figures["doubles"], figures["disorder"]) == (1, 1)  # of 99, which nobody confirmed, nothing is said
    assert (figures["recovered"], figures["refused"], figures["returns"]) == (1, 1, 2)
    assert figures["replay_p99_ms"] == pytest.approx(100)  # in at last, though all had come before
    assert tally([client({2}, [])], confirmed)["untold"] == 4


def test_a_client_of_socket_io_asks_for_its_session_and_tells_a_recovered_one_from_a_new_one():
    from recovery.protocols import Got, In, Say, SocketIO

    made = SocketIO()
    join = Say('420["join",{"room":"c0"}]')
    assert list(made.heard('0{"sid":"x"}')) == [Say("40")]
    assert list(made.heard('40{"sid":"a","pid":"p"}')) == [join]
    assert list(made.heard("430[]")) == [In(None)]
    assert list(made.heard("2")) == [Say("3")]
    assert list(made.heard('42["m",{"n":7},"offset7"]')) == [Got(7)]
    assert list(made.heard('0{"sid":"y"}')) == [Say('40{"pid": "p", "offset": "offset7"}')]
    assert list(made.heard('40{"sid":"a","pid":"p"}')) == [In(True)]
    assert list(made.heard('0{"sid":"z"}')) == [Say('40{"pid": "p", "offset": "offset7"}')]
    assert [*made.heard('40{"sid":"b","pid":"q"}'), *made.heard("430[]")] == [join, In(False)]


def test_a_client_of_centrifugo_says_where_it_stands_and_takes_several_messages_of_one_frame():
    from recovery.protocols import Centrifugo, Got, In, Say

    made = Centrifugo()
    connect = '{"id": 1, "connect": {}}\n'
    first = Say(connect + '{"id": 2, "subscribe": {"channel": "kept:c0"}}')
    assert list(made.opened()) == [first]
    assert list(made.heard('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"epoch":"E"}}')) == [In(None)]
    push = '{"push":{"channel":"kept:c0","pub":{"offset":%d,"data":{"n":%d}}}}'
    assert list(made.heard(f"{push % (1, 7)}\n{{}}\n{push % (2, 8)}")) == [Got(7), Say("{}"), Got(8)]
    stands = ', "recover": true, "epoch": "E", "offset": 2}}'
    assert list(made.opened()) == [Say(first.text.removesuffix("}}") + stands)]
    answer = (
        '{"id":2,"subscribe":{"epoch":"E","offset":3,"recovered":true,"publications":[{"offset":3,"data":{"n":9}}]}}'
    )
    assert list(made.heard(answer)) == [Got(9), In(True)]
    assert list(made.heard('{"id":2,"subscribe":{"epoch":"F","offset":5}}')) == [In(False)]
    with pytest.raises(ConnectionError):  # such a client comes back by another connection
        list(made.heard('{"push":{"channel":"kept:c0","unsubscribe":{"code":2500,"reason":"insufficient state"}}}'))


def test_a_client_of_a_server_without_recovery_is_told_nothing():
    from recovery.protocols import In, SocketIO

    made = SocketIO()
    for _ in range(2):
        list(made.heard('40{"sid":"a"}'))
        assert list(made.heard("430[]")) == [In(None)]


def test_the_report_has_a_table_for_each_test_and_rounds_nothing_up_to_all(capsys):
    from recovery import report

    record = {
        "row": "history", "test": "jitter", "clients": 200, "owed": 100_000, "delivered": 99_999, "doubles": 0,
        "disorder": 1, "lies": 0, "untold": 0, "recovered": 1234, "refused": 0, "replay_p50_ms": 1.26,
        "replay_p99_ms": None, "outside": 2,
    }  # fmt: skip
    avalanche = record | {"test": "avalanche", "delivered": 100_000, "back_ms": [2000.0, 500.0], "cpu_s": 1.5}
    failed = {"row": "node_socketio", "test": "avalanche", "clients": 200, "error": "did not start: no port"}
    text = report.markdown([{"meta": META}, record, avalanche, failed])
    assert "| history | 99.99 % | 0 | 1 | 0 | 0 | 1,234 | 0 | 1.3 / - |" in text
    assert "| history | 100.00 % | 0 | 1 | 0 | 0 | 1,234 | 0 | 2.00 / 2.00 / 2.00; 2 not back | 1.50 |" in text
    assert "| node_socketio | failed: did not start: no port |" in text
    assert "## Jitter: 200 clients" in text


def test_every_row_can_be_started_and_its_clients_spoken_to():
    import places
    from recovery.protocols import PROTOCOLS
    from recovery.rows import ROWS

    names = {"port": 1, "redis_port": 2, "folder": "D", "peers_python": "P", "fws_server": "F", "centrifugo": "C"}
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.protocol in PROTOCOLS
        assert ("redis" in row.needs) == ("{redis_port}" in row.command)
        for part in row.command.format(**names).split():
            assert not part.startswith("servers/") or (places.BENCH / part).exists()


def test_clients_that_are_reset_lose_what_was_said_meanwhile_where_nobody_keeps_it(monkeypatch):
    from recovery import crowd
    from recovery.rows import ROWS
    from recovery.served import Served

    monkeypatch.setattr(crowd, "AWAY", 0.3)
    monkeypatch.setattr(crowd, "CUT", (0.3, 0.6))
    monkeypatch.setattr(crowd, "SETTLE", 0.5)  # what nobody keeps does not come later
    row = next(row for row in ROWS if row.name == "plain")
    with Served(row, "test") as served:
        figures = crowd.Crowd(crowd.Plan(served.ports, row.protocol, row.post, 4, 20.0, 2.0, resets=True)).run()
    assert figures["published"] > 20
    assert figures["returns"] >= 4
    assert 0 < figures["delivered"] < figures["owed"]
    assert figures["untold"] == figures["owed"] - figures["delivered"]
    assert (figures["doubles"], figures["disorder"], figures["lies"]) == (0, 0, 0)


def test_clients_of_a_server_that_is_killed_come_back_to_the_one_started_in_its_place(monkeypatch):
    from recovery import crowd
    from recovery.rows import ROWS
    from recovery.served import Served

    monkeypatch.setattr(crowd, "SETTLE", 0.5)
    row = next(row for row in ROWS if row.name == "plain")
    with Served(row, "test") as served:
        gathering = crowd.Crowd(crowd.Plan(served.ports, row.protocol, row.post, 4, 20.0, 6.0, resets=False))
        killed = threading.Timer(0.5, lambda: (served.kill(0), served.start(0)))
        killed.start()
        figures = gathering.run()
        joined(killed)
    assert (figures["returns"], figures["outside"], len(figures["back"])) == (4, 0, 4)
    assert figures["unconfirmed"]
    json.dumps(figures)
