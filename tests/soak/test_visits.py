"""Each visit of `make soak` once: it is served, the server counts what it says, and nothing of it is left."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.soak.place import Counts, Place
from tests.soak.served import STORAGES, Served
from tests.soak.state import look
from tests.soak.visits import VISITS
from tests.support.fws_server import FwsServer
from tests.support.raw_client import wait_until


@pytest.fixture(scope="module", params=STORAGES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    with Served(request.param, tmp_path_factory.mktemp("soak"), anew=False) as started:
        yield started


def test_visits_are_served_counted_as_they_say_and_gone(server: FwsServer, tmp_path: Path) -> None:
    for number in range(2):
        counts = Counts()
        before = look(server)
        for visit in VISITS:
            with Place(server, Random(number), counts, lambda seconds: False) as place:
                visit(place)
        wait_until(lambda: dict(look(server).left.gauges)["fws_connections"] == 0)
        print(look(server).counted - before.counted, counts.expected)
        wait_until(lambda counts=counts, before=before: look(server).counted - before.counted == counts.expected)  # type: ignore[misc]
    wait_until(lambda before=before: look(server).left == before.left)  # type: ignore[misc]
    assert "Traceback" not in server.log
