"""The log, as a process writes it."""

import json
import re
import subprocess
import sys
from textwrap import dedent

SCRIPT = """
    import sys
    from twisted.logger import Logger, globalLogPublisher
    from filtered_websocket.monitoring import logs
    logs.begin(sys.argv[1], sys.argv[2])
    log = Logger(namespace="mine")
    print("a filter's own")
    log.debug("very detailed")
    log.info("listening on {port}", port=9000)
    log.warn("refused: {why}", why="two\\nlines")
    log.info("a filter quotes {what}", what="\\x1b[2J\\rx\\u009b\\u00e9")
    log.info("Main loop terminated.")
    log.info("TCPPort starting on 9000")
    log.info("Server (TLS) starting on 9000")
    log.info("(TCPPort 9000 Closed)")
    log.info("{object}", object={"a": object})
    try:
        1 / 0
    except ZeroDivisionError:
        log.failure("it failed")
    from twisted.python.failure import Failure
    log.failure("never raised", Failure(ValueError("x")))
"""


def logged(form, level):
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(SCRIPT), form, level], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (0, "a filter's own\n")
    return ended.stderr.splitlines()


def test_people_get_one_line_per_event_and_what_belongs_to_it_indented():
    lines = logged("human", "info")
    events = [line for line in lines if not line.startswith("    ")]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (info |warn |critical) ", line) for line in events)
    assert [line[20:] for line in events] == [
        "info  listening on 9000",
        "warn  refused: two",
        r"info  a filter quotes \x1b[2J\rx\x9bé",
        "info  {'a': <class 'object'>}",
        "critical it failed",
        "critical never raised",
    ]
    assert lines[lines.index(events[1]) + 1] == "    lines"
    assert "    ZeroDivisionError: division by zero" in lines


def test_machines_get_one_json_object_per_event():
    lines = [json.loads(line) for line in logged("json", "info")]
    assert [line["message"] for line in lines] == [
        "listening on 9000", "refused: two\nlines", "a filter quotes \x1b[2J\rx\x9bé", "{'a': <class 'object'>}",
        "it failed", "never raised",
    ]  # fmt: skip
    first, *_, failed, never_raised = lines
    assert first["level"] == "info"
    assert first["namespace"] == "mine"
    assert first["fields"] == {"port": 9000}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first["time"])
    assert "traceback" not in first
    assert failed["traceback"].endswith("ZeroDivisionError: division by zero")
    assert "ValueError: x" in never_raised["traceback"]


def test_what_is_less_important_than_the_level_is_not_logged():
    assert [json.loads(line)["message"] for line in logged("json", "critical")] == ["it failed", "never raised"]
    assert "very detailed" in [json.loads(line)["message"] for line in logged("json", "debug")]
