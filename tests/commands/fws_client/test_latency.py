"""Round trips, measured."""

import re

import pytest

from tests.support.client_servers import PACKS, address, of
from tests.support.fws_server import FwsServer
from tests.support.programs import Program, run

# Latency.


def test_round_trips_of_pings_are_measured_and_summed_up(server: FwsServer) -> None:
    ran = run("fws_client", address(server), "--latency", "--count", "3", "--interval", "0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.fullmatch(
        r"1: \d+\.\d{3} ms\n2: \d+\.\d{3} ms\n3: \d+\.\d{3} ms\n"
        r"3 round trips: least \d+\.\d{3} ms, median \d+\.\d{3} ms, most \d+\.\d{3} ms\n",
        ran.stdout,
    )
    stopped = Program("fws_client", address(server), "--latency", "--interval", "0")
    with stopped:
        for _ in range(2):
            stopped.line()
        stopped.interrupt()
        assert stopped.wait() == 130
        assert re.search(r"^\d+ round trips: least", stopped.rest(), re.MULTILINE)


@pytest.mark.parametrize("name", [*PACKS, "plain", "echo"])
def test_own_messages_are_measured_on_their_way_back(server: FwsServer, name: str) -> None:
    if name in PACKS:
        words = of(server, name, "publish", PACKS[name].channel, publishes=True)
    else:
        words = [address(server, "/" if name == "plain" else "/echo"), "publish"]
    ran = run("fws_client", *words, "--latency", "--count", "2", "--interval", "0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[2].startswith("2 round trips: least ")
