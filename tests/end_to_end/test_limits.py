"""Each limit, with attackers that try to exceed it: one connection, many of one address, many of as many addresses,
over each transport that it holds for. What it has cost the server at most goes into docs/security.md (``make limits``).

The attacks are in tests/support/limits/. `tests/end_to_end/test_abuse.py` has floods that go on, and times a bystander;
here a limit is met, told and counted, and what was taken is given back.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from docs.options import declarations
from tests.support.fws_server import STARTING
from tests.support.limits import channels, common, ledger, sessions
from tests.support.limits.attack import SOURCES, Attack
from tests.support.limits.ledger import Cost, Meter
from tests.support.limits.reasons import REASONS, is_limit
from tests.support.limits.served import attacked
from tests.support.raw_client import RawClient

ATTACKS = (*common.ATTACKS, *sessions.ATTACKS, *channels.ATTACKS)
# Attackers leave sessions that poll, which stay until their ping timeout: longer than the ledger waits.
pytestmark = pytest.mark.leaves('fws_connections{pipeline="/socket.io/*"}', 'fws_channels{pipeline="/socket.io/*"}')

COSTS: dict[int, Cost] = {}
FIGURES = bool(os.environ.get("FIGURES"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with attacked(tmp_path_factory.mktemp) as found:
        yield found
        if FIGURES:
            assert len(COSTS) == len(ATTACKS), "all tests of this file are wanted"
            ledger.write([ledger.row(said_of(each), COSTS[at]) for at, each in enumerate(ATTACKS)])


def said_of(attack: Attack) -> str:
    return ledger.cells(*attack[:4])


def clients_of(port: int, sources: Sequence[str], held: ExitStack) -> list[RawClient]:
    return [
        held.enter_context(RawClient(("127.0.0.1", port), receive_buffer=4096, source=source)) for source in sources
    ]


@pytest.fixture(scope="module")
def waited(servers: Any) -> dict[int, BaseException | None]:
    """How the attacks on limits of time have ended. Each waits for its own, so all of them go on at once, before the
    others: it took 19 s of 31. Not where the cost of each is wanted."""
    at_once = {
        at: each for at, each in enumerate(ATTACKS) if not FIGURES and each.limit.endswith(("_timeout", "_delay"))
    }
    ended: dict[int, BaseException | None] = {}
    with ExitStack() as held, ThreadPoolExecutor(len(at_once) or 1) as pool:
        meters = {
            name: held.enter_context(Meter(*servers[name])) for name in {each.server for each in at_once.values()}
        }

        def attacks(attack: Attack) -> None:
            for sources in map(SOURCES.__getitem__, attack.of):
                attack.act(clients_of(servers[attack.server][0].port, sources, held))

        jobs = {number: pool.submit(attacks, attack) for number, attack in at_once.items()}
        for number, job in jobs.items():
            ended[number] = job.exception(STARTING)
        for number, attack in at_once.items():
            # What others of them are counted as comes on top.
            due = sum(
                len(SOURCES[source])
                for each in at_once.values()
                if attack.counted and each.server == attack.server and each.counted.startswith(attack.counted)
                for source in each.of
            )
            try:
                meters[attack.server].until_counted(attack.counted, due)
            except TimeoutError as error:
                ended[number] = ended[number] or error
    return ended


@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=[f"{each.limit}, {each.over}" for each in ATTACKS])
def test_an_attacker_meets_the_limit_and_what_it_took_is_given_back(
    servers: Any, waited: dict[int, BaseException | None], number: int
) -> None:
    attack = ATTACKS[number]
    if number in waited:
        error = waited[number]
        if error is not None:
            raise error
        return
    server, asks = servers[attack.server]
    for sources in map(SOURCES.__getitem__, attack.of):
        with Meter(server, asks) as meter, ExitStack() as held:
            clients = clients_of(server.port, sources, held)
            meter.note()
            attack.act(clients)
            meter.note()
            if attack.counted:
                # Of too many connections some are within the limit.
                meter.until_counted(attack.counted, 1 if attack.once else len(clients))
        COSTS[number] = COSTS.get(number, Cost()).most(meter.cost)


def test_every_limit_has_an_attacker_or_a_reason() -> None:
    every = declarations()
    limits = {option.name for owner, options in every.items() for option in options if is_limit(owner, option)}
    met = {attack.limit for attack in ATTACKS}
    assert limits - met == set(REASONS), "a limit is new: give it an attacker, or a reason in tests/support/limits/"
    assert met <= {option.name for options in every.values() for option in options}


def test_the_page_has_a_row_for_each_attack() -> None:
    assert ledger.rows_of_page() == [said_of(each) for each in ATTACKS], "make limits"
