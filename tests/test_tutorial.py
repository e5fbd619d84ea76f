"""The tutorial, followed word by word in an empty directory."""

import sys
from pathlib import Path

from tests.support.terminal import BLOCK, Terminal

PAGES = sorted((Path(__file__).parent.parent / "docs" / "tutorial").glob("[0-9]*.md"))


def test_every_step_runs_as_printed_in_an_empty_directory(tmp_path: Path) -> None:
    assert len(PAGES) == 5
    with Terminal(tmp_path, [Path(sys.prefix) / "bin"]) as terminal:
        for page in PAGES:
            before = len(terminal.commands)
            terminal.follow(page.read_text())
            assert len(terminal.commands) > before, f"{page.name} has no command"


def test_every_block_of_the_tutorial_is_a_file_or_a_command() -> None:
    """What is neither would not be tried: an excerpt would be believed, and not be true."""
    for page in PAGES:
        for name, kind, _ in BLOCK.findall(page.read_text()):
            assert name or kind == "console", f"{page.name}: a block of {kind}"
