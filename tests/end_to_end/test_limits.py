"""Each limit, with attackers that try to exceed it: one connection, many of one address, many of as many addresses,
over each transport that it holds for. What it has cost the server at most goes into docs/security.md (``make limits``).

The attacks are in tests/support/limits/. `tests/end_to_end/test_abuse.py` has floods that go on, and times a bystander;
here a limit is met, told and counted, and what was taken is given back.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from docs.options import declarations
from tests.support.limits import channels, common, ledger, sessions
from tests.support.limits.attack import SOURCES, Attack
from tests.support.limits.ledger import Cost, Meter
from tests.support.limits.reasons import REASONS, is_limit
from tests.support.limits.served import attacked
from tests.support.raw_client import RawClient

ATTACKS = (*common.ATTACKS, *sessions.ATTACKS, *channels.ATTACKS)
COSTS: dict[int, Cost] = {}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with attacked(tmp_path_factory.mktemp) as found:
        yield found
        if os.environ.get("FIGURES"):
            assert len(COSTS) == len(ATTACKS), "all tests of this file are wanted"
            ledger.write([ledger.row(said_of(each), COSTS[at]) for at, each in enumerate(ATTACKS)])


def said_of(attack: Attack) -> str:
    return ledger.cells(*attack[:4])


@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=[f"{each.limit}, {each.over}" for each in ATTACKS])
def test_an_attacker_meets_the_limit_and_what_it_took_is_given_back(servers: Any, number: int) -> None:
    attack = ATTACKS[number]
    server, asks = servers[attack.server]
    for sources in map(SOURCES.__getitem__, attack.of):
        with Meter(server, asks) as meter, ExitStack() as held:
            clients = [
                held.enter_context(RawClient(("127.0.0.1", server.port), receive_buffer=4096, source=source))
                for source in sources
            ]
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
