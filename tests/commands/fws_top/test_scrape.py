"""Reading the metrics of a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_top.scrape import read
from tests.support.answering import answering
from tests.support.programs import run
from tests.support.scraped_metrics import scraped


@pytest.mark.parametrize("text", ["", "<html>", "a_metric 1\n", "fws_ready{ 1\n", "{}"])
def test_what_is_no_metrics_of_ours_is_refused(text: str) -> None:
    with pytest.raises(Ended, match="not with the metrics of fws_server"):
        read(text, 0, "http://h/metrics")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with (
        answering(200, scraped(1, 1, 1, [])) as (other, others),
        answering(status, "", Location=f"{other}/metrics") as (address, asked),
    ):
        shown = run("fws_top", address, FWS_ADMIN_SECRET="sesame")
    assert (shown.returncode, shown.stdout, shown.stderr.count("\n")) == (1, "", 1)
    assert f"{address}/metrics refuses: {status} " in shown.stderr
    assert f"it redirects to {other}/metrics" in shown.stderr
    assert (asked, others) == (["Bearer sesame"], [])


@given(st.text())
def test_any_text_is_metrics_or_refused(text: str) -> None:
    try:
        read(text, 0, "http://h")
    except Ended:
        return
    assert "fws_ready" in text
