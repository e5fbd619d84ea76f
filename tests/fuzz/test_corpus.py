"""The inputs that are kept find nothing: each once found something, or shows a way into the parsers."""

from importlib import import_module

import pytest

from tests.fuzz.__main__ import CORPUS, TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_finds_nothing(name: str) -> None:
    target = import_module(f"tests.fuzz.targets.{name}").Target()
    try:
        inputs = sorted((CORPUS / name).iterdir())
        assert inputs
        for each in inputs:
            target(each.read_bytes())
    finally:
        target.close()


def test_there_is_a_corpus_for_each_target_and_for_nothing_else() -> None:
    assert {each.name for each in CORPUS.iterdir()} == set(TARGETS)
