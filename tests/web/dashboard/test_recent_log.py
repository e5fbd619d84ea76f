"""The last lines of the log."""

from twisted.logger import Logger, LogLevel

from filtered_websocket.web.dashboard.recent_log import LINES, LONGEST, RecentLog
from tests.support.dashboard_servers import shown
from tests.support.reactor_thread import call
from tests.support.serving import serving


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
        assert shown(served, (0, lines[-1]["number"]))["log"] == []
        assert shown(served)["samples"], "the first is taken at once"
        call(served.server.stop)
        call(Logger().info, "not seen")
        assert served.server.dashboard.log.last == 1
