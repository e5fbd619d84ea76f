"""What the benchmark makes of its measurements: medians, ratios within a round, verdicts, the table and the chart."""

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.fws_server import STARTING

BENCH = Path(__file__).parent.parent / "bench"
META = {
    "date": "2026-01-01 00:00 UTC",
    "command": "bench/run.py",
    "tmax": 2.0,
    "rounds": 3,
    "rows": ["c_limit", "filtered_websocket"],
    "cpu": "<fast>",
    "cores": 2,
    "pinned": [0, 1],
    "kernel": "6",
    "descriptors": 20000,
    "versions": {"Python": "3.11"},
}


@pytest.fixture(autouse=True)
def bench_is_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))


def measured(row, round_, cpu, **more):
    fields = {
        "cpu_us": cpu,
        "rate": 1e6 / cpu,
        "p50_us": 100,
        "p99_us": 200,
        "gen_util": 0.5,
        "lost": 0,
        "closed": 0,
        "others": 0.04,
    }
    return {"row": row, "workload": "fan1000", "round": round_} | fields | more


@pytest.fixture
def figures():
    from figures import Figures

    # In its second round the machine was half as fast; the limit's third round failed to be measured.
    ours = [measured("filtered_websocket", 1, 3.0), measured("filtered_websocket", 2, 6.0)]
    ours.append(measured("filtered_websocket", 3, 2.5, lost=7))
    limit = [measured("c_limit", 1, 2.4), measured("c_limit", 2, 4.8)]
    failed = {"row": "c_limit", "workload": "fan1000", "round": 3, "error": "did not start: no port"}
    return Figures([{"meta": META}, *ours, *limit, failed])


def test_medians_and_bests_are_over_the_rounds(figures):
    assert figures.median("filtered_websocket", "fan1000", "cpu_us") == 3.0
    assert figures.best("filtered_websocket", "fan1000", "cpu_us") == 2.5
    assert figures.best("filtered_websocket", "fan1000", "rate") == 400_000
    assert figures.median("filtered_websocket", "idle", "kb_per_conn") is None


def test_ratios_compare_rounds_with_themselves_and_skip_those_that_failed(figures):
    assert figures.ratio("filtered_websocket", "c_limit", "fan1000", "cpu_us") == pytest.approx(0.8)


def test_a_bar_passes_fails_or_is_not_measured(figures):
    from bars import Bar, Verdict, verdicts

    by_bar = {(verdict.bar.workload, verdict.bar.other): verdict for verdict in verdicts(figures)}
    assert by_bar["fan1000", "c_limit"].passed
    assert by_bar["pair", "c_limit_coalesce"].measured is None
    assert not by_bar["pair", "c_limit_coalesce"].passed
    memory = Bar("idle", "kb_per_conn", None, 6.0)
    assert Verdict(memory, 5.9).passed
    assert not Verdict(memory, 6.1).passed


def test_the_report_shows_figures_verdicts_and_troubles(figures):
    import report

    text = report.markdown(figures)
    assert "| **filtered_websocket** | 3.00 (2.50) | - |" in text
    assert (
        "| CPU, 1,000 subscribers, one message in flight | c_limit takes at least 0.70 times ours | 0.80 | pass |"
        in text
    )
    assert "took 4% of a core in the median" in text
    assert "c_limit, fan1000: failed: did not start: no port" in text
    assert "filtered_websocket, fan1000: 7 messages or connections lost" in text


def test_the_chart_is_xml_with_a_bar_for_every_figure(figures):
    from chart import chart

    bars = ElementTree.fromstring(chart(figures)).findall(".//{*}g/{*}rect")
    assert [bar.get("class") for bar in bars] == ["limit", "ours"]
    assert float(bars[0].get("width")) > float(bars[1].get("width"))  # 3.6 against 3.0


def test_result_files_are_read_as_they_were_written(figures, tmp_path):
    from figures import Figures

    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text(json.dumps({"meta": META}) + "\n" + json.dumps(measured("c_limit", 1, 2.0)) + "\n")
    later = META | {"rows": ["c_limit", "node_socketio"]}
    second.write_text(json.dumps({"meta": later}) + "\n" + json.dumps(measured("node_socketio", 1, 9.0)) + "\n")
    both = Figures.load([first, second])
    assert both.rows == ["c_limit", "filtered_websocket", "node_socketio"]
    assert both.median("node_socketio", "fan1000", "cpu_us") == 9.0


def test_every_row_and_workload_can_be_started():
    import places
    from rows import OURS, ROWS
    from workloads import WORKLOADS

    names = {"port": 1, "redis_port": 2, "build": "B", "peers_python": "P", "fws_server": "F"}
    names |= {"certificate": "C", "key": "K", "centrifugo": "G"}
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert OURS in {row.name for row in ROWS}
    for row in ROWS:
        for command in (row.command, *row.variants.values()):
            for part in shlex.split(command.format(**names)):
                assert not part.startswith("servers/") or (places.BENCH / part).exists()
                filters = part.startswith("filters.")
                assert not filters or (places.BENCH / f"{part.replace('.', '/')}.py").exists()
    assert {workload.entry for workload in WORKLOADS} == {"rooms", "echo", "join", ""}
    assert {workload.variant for workload in WORKLOADS} - {""} == {want for row in ROWS for want in row.variants}


def test_whatever_is_named_is_measured():
    """A workload measures every row that it names, and a bar compares what is measured in the same run."""
    from bars import BARS
    from rows import ROWS
    from workloads import WORKLOADS, measured

    rows = [row.name for row in ROWS]
    measured_in = {workload.name: measured(workload, rows) for workload in WORKLOADS}
    for workload in WORKLOADS:
        assert set(workload.rows) <= set(measured_in[workload.name])
    for row in ROWS:
        assert all(row.name in measured_in[name] for name in row.workloads)
    for bar in BARS:
        assert bar.row in measured_in[bar.workload], bar
        assert bar.other is None or bar.other in measured_in[bar.beside or bar.workload], bar


def test_a_bar_may_look_at_another_workload():
    from bars import Bar, verdicts
    from figures import Figures

    many = [measured("filtered_websocket", 1, 50.0) | {"workload": "presence10000"}]
    few = [measured("filtered_websocket", 1, 40.0) | {"workload": "presence100"}]
    by_bar = {verdict.bar: verdict for verdict in verdicts(Figures([{"meta": META}, *many, *few]))}
    bar = Bar("presence10000", "cpu_us", "filtered_websocket", 0.5, beside="presence100")
    assert by_bar[bar].measured == pytest.approx(0.8)


def test_a_workload_of_its_own_has_a_table_and_a_part_of_a_run_has_no_others():
    import report
    from figures import Figures

    rows = {"rows": ["filtered_websocket", "node_ws"]}
    ours = measured("filtered_websocket", 1, 4.0, rss_kb=40_000) | {"workload": "echo64k"}
    node = measured("node_ws", 1, 6.0, rss_kb=60_000) | {"workload": "echo64k"}
    text = report.markdown(Figures([{"meta": META | rows}, ours, node]))
    assert "## Echo of 64 KiB, 10 clients (echo64k)" in text
    assert "| node_ws | 6.00 | 1.50 | 166,667 | 200 | 60,000 | 50% |" in text
    assert "node_ws takes at least 3.00 times ours | 1.50 | **fail**" in text
    assert "benchmarks.svg" not in text
    assert "not measured\n" not in text


def test_rows_are_asked_for_by_their_names_or_by_their_groups(capsys, monkeypatch):
    import run

    monkeypatch.setattr(sys, "argv", ["run.py", "--rows", "tls,echo64k"])
    assert run._options().rows == {"tls", "echo64k"}
    monkeypatch.setattr(sys, "argv", ["run.py", "--rows", "tls,nothing"])
    with pytest.raises(SystemExit):
        run._options()
    assert "no nothing; there are plain, " in capsys.readouterr().err


MODES = {
    "one message to all": ("", "rooms", "--mode fanout -n 20 -w 2 -s 200"),
    "large messages to all": ("", "rooms", "--mode fanout -n 3 -w 1 -s 400000"),
    "everybody to everybody": ("", "rooms", "--mode pair --channels 4 -n 20 -w 1 -s 200"),
    "channels that share clients": ("join", "join", "--mode shared -n 20 --channels 10 --each 3 --pubs 2 -w 2 -s 200"),
    "large echoes": ("", "echo", "--mode echo -n 3 -w 2 -s 1000000"),
    "echoes over TLS": ("tls", "echo", "--tls --mode echo -n 3 -w 2 -s 100000"),
    "compressed echoes": ("deflate", "echo", "--deflate --json --mode echo -n 3 -w 2 -s 1200"),
    "connections over TLS, over and over": ("tls", "echo", "--tls --mode churn -n 3 -s 200"),
    "a second crowd of connections": ("", "echo", "--mode idle -n 400 --before --hold 0.1"),
}


@pytest.mark.parametrize("mode", MODES)
def test_the_generator_gets_all_that_the_real_server_sends(mode):
    import places
    from measure import measure
    from rows import OURS, ROWS
    from workloads import Workload

    if not places.can_compile():
        pytest.skip("no gcc, or no headers of OpenSSL and zlib")
    places.prepare(())
    variant, entry, arguments = MODES[mode]
    workload = Workload("test", "", f"{arguments} --warm 0.05", entry, variant=variant)
    result = measure(next(row for row in ROWS if row.name == OURS), workload, 0.2)
    assert result["closed"] == 0
    if "fanout" in arguments:
        assert result["deliveries"] % result["n"] == 0
    if "shared" in arguments:
        assert result["deliveries"] % 6 == 0  # 20 clients in 3 of 10 channels: so many hear of each message
    if "idle" in arguments:
        assert result["hs_cpu_us"] > 0
    else:
        assert result["lost"] == 0
        assert result["cpu_us"] > 0


@pytest.mark.parametrize("name", ["cen_mixed", "cen_coming_in"])
def test_clients_are_in_when_all_that_they_said_first_is_answered(name):
    """Two replies each, lines of one frame or behind their lengths."""
    import places
    from measure import measure
    from rows import ROWS
    from workloads import WORKLOADS

    if not places.can_compile():
        pytest.skip("no gcc, or no headers of OpenSSL and zlib")
    places.prepare(())
    workload = next(each for each in WORKLOADS if each.name == name)
    few = workload._replace(arguments=workload.arguments.replace("000 ", "0 "))
    result = measure(next(row for row in ROWS if row.name == "centrifugo"), few, 0.2)
    assert result["closed"] == 0
    if name == "cen_mixed":
        assert result["deliveries"] % result["n"] == result["lost"] == 0


def in_pieces(payload):
    """A text message of three frames."""
    third = len(payload) // 3
    pieces = payload[:third], payload[third:-third], payload[-third:]
    heads = zip((0x01, 0x00, 0x80), pieces, strict=True)
    return b"".join(bytes([first, 127]) + len(piece).to_bytes(8, "big") + piece for first, piece in heads)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        pytest.param(lambda payload: in_pieces(payload), 0, id="in pieces"),
        pytest.param(lambda payload: in_pieces(payload) * 2, 4, id="twice"),
        pytest.param(lambda payload: in_pieces(b"x" * len(payload)), 4, id="something else"),
    ],
)
def test_the_generator_counts_messages_and_fails_where_something_else_comes_back(answers, code):
    import places

    if not places.can_compile():
        pytest.skip("no gcc, or no headers of OpenSSL and zlib")
    places.prepare(())
    size = 150_000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [places.WSLOAD, "--port", port, "--mode", "echo", "-n", 1, "-w", 1, "-s", size]
        command += ["--tmax", 0.2, "--warm", 0]
        ran = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        listener.settimeout(STARTING)
        connection = listener.accept()[0]
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(STARTING)
            while stream.readline().strip():
                pass
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while frame := stream.read(14 + size):
                    mask = frame[10:14] * (size // 4 + 1)
                    payload = int.from_bytes(frame[14:], "big") ^ int.from_bytes(mask[:size], "big")
                    connection.sendall(answers(payload.to_bytes(size, "big")))
        output, error = ran.communicate(timeout=STARTING)
    assert ran.returncode == code, error
    if code:
        assert "what came back is not what was sent" in error
    else:
        assert json.loads(output)["deliveries"] > 0


@pytest.fixture
def instructions(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH / "instructions"))
    import compare

    return compare


def test_a_hot_path_that_grows_above_the_limit_is_named_with_its_functions(instructions):
    before = instructions.Counts(
        {"echo": 1000, "rooms": 1000}, {"echo": {"read": 80, "send": 20}, "rooms": {"read": 9}}
    )
    now = instructions.Counts({"echo": 1031, "rooms": 1029}, {"echo": {"read": 80, "send": 25}, "rooms": {"read": 10}})
    lines, good = instructions.report(before, now)
    assert not good
    assert [line.split() for line in lines[1:]] == [
        ["echo", "1,000", "1,031", "+3.10%", "too", "much"],
        ["send:", "+5.00%", "of", "the", "path's", "bytecodes"],
        ["rooms", "1,000", "1,029", "+2.90%"],
    ]


def test_of_several_layouts_of_memory_the_median_counts(instructions):
    counts = [instructions.Counts({"echo": each, "rooms": 7}, {"echo": {"read": 80}}) for each in (1000, 1050, 1001)]
    assert instructions.median(counts).instructions == {"echo": 1001, "rooms": 7}


def test_hot_paths_within_the_limit_are_good(instructions):
    counts = instructions.Counts({"echo": 1000}, {"echo": {"read": 80}})
    assert instructions.report(counts, counts._replace(instructions={"echo": 900}))[1]


def test_a_path_that_follows_from_the_layout_of_memory_may_differ_by_more(instructions):
    ((path, limit),) = instructions.LOOSE.items()
    counts = instructions.Counts({path: 1000, "echo": 1000}, {path: {}, "echo": {}})
    for now, good in ((int(1000 * limit) + 999, True), (int(1000 * limit) + 1001, False)):
        assert instructions.report(counts, counts._replace(instructions={path: now, "echo": 1000}))[1] == good


def test_the_fixed_run_counts_the_same_twice_and_tells_which_function_of_the_package_grew(tmp_path, instructions):
    package = tmp_path / "slower"
    shutil.copytree(BENCH.parent / "filtered_websocket", package / "filtered_websocket")
    counts = [drive(BENCH.parent, tmp_path), drive(BENCH.parent, tmp_path)]
    (source,) = package.rglob("frames.py")
    text = source.read_text()
    body = text.index("    length = len(payload)", text.index("def make("))
    source.write_text(f"{text[:body]}    for _ in range(20):\n        pass\n{text[body:]}")
    counts.append(drive(package, tmp_path))
    first, second, slower = ({path: sum(each.values()) for path, each in count.items()} for count in counts)
    assert all(abs(second[path] / first[path] - 1) < 0.003 for path in first)
    assert slower["echo"] > first["echo"] * 1.03
    assert instructions.grown(counts[0]["echo"], counts[2]["echo"], 1)[0][0] == "make"


def drive(package, tmp_path):
    """How many bytecodes each function runs on each hot path."""
    command = [sys.executable, str(BENCH / "instructions" / "drive.py"), "bytecodes", str(tmp_path / "bytecodes")]
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "PYTHONPATH": str(package)}
    ran = subprocess.run(command, cwd=BENCH, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads((tmp_path / "bytecodes").read_text())
