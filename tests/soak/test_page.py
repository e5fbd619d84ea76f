"""The page is of the form that `make soak` gives it today."""

import re

from tests.soak.page import PAGE, about, markdown
from tests.soak.served import STORAGES
from tests.soak.soak import PARTS, Result
from tests.soak.state import GAUGES, SUMS
from tests.soak.visits import VISITS


def result(storage: str, *faults: str) -> Result:
    left = {name: [7, 7] for name in ("descriptors", "threads", "children", *GAUGES)}
    memory = {"warm": 70_000_000, "parts": [70_500_000] * PARTS, "end": 70_700_000, "highest": 71_000_000}
    visits = {visit.__name__: 1000 for visit in VISITS}
    counted = {"closed: protocol error 1002": [1234, 1234]}
    return Result(storage, 3600.0, visits, dict.fromkeys(SUMS, 5), 120.0, memory, left, counted, list(faults))


def form(page: str) -> list[str]:
    """Its lines without their figures, and without what differs from run to run."""
    before, _, counted = page.partition("## Counted")
    lines = (before + counted.partition("## Load")[2].partition("## Faults")[0]).splitlines()
    return [re.sub(r"\|.*", "", line[2:]) if line.startswith("| ") else line for line in lines[5:] if line]


def test_the_page_is_of_the_form_that_the_verb_gives_it() -> None:
    made = markdown([result(storage) for storage in STORAGES], about("make soak"))
    assert form(PAGE.read_text()) == form(made), "make soak"


def test_growth_and_faults_stand_in_it() -> None:
    made = markdown([result("memory", "visit: it failed\nand how"), result("redis")], about("make soak"))
    assert "| memory | 70.0 | 70.5 |" in made
    assert "| +1.00% |" in made
    assert "| closed: protocol error 1002 | 1,234 | 1,234 | 1,234 | 1,234 |" in made
    assert made.endswith("## Faults\n\n- memory: visit: it failed\n")
