"""docs/guarantees.md names counters and options that there are."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "guarantees.md").read_text()
OPTIONS = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "options.md").read_text(), re.MULTILINE))
OF_A_RULE = {"history", "history_seconds", "history_bytes", "history_meta_seconds", "slow"}
OF_REDIS = {"appendonly", "appendfsync"}
OF_A_NAMESPACE = {"history_size", "history_ttl", "force_recovery", "allow_recovery"}


@cache
def counted() -> set[str]:
    """What the package counts: ``kind: reason``, with * for what is put in."""
    found = set()
    for module in (ROOT / "filtered_websocket").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call):
                words = [text for text in map(text_of, node.args[:4]) if text]
                found |= {f"{kind}: {reason}" for kind in words for reason in words if kind != reason}
    return found


def text_of(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(each.value if isinstance(each, ast.Constant) else "*" for each in node.values)  # type: ignore[misc]
    return ""


COUNTERS = re.findall(r'fws_(\w+)_total\{reason="([^"]+)"\}', PAGE)


@pytest.mark.parametrize(("kind", "reason"), COUNTERS)
def test_what_the_page_says_is_counted_is_counted(kind: str, reason: str) -> None:
    assert f"{kind}: {re.sub('[A-Z]{2,}', '*', reason)}" in counted()


def test_the_options_of_the_page_exist() -> None:
    cells = re.findall(r"\|([^|\n]*)(?=\|)", PAGE)
    named = {word for cell in cells for word in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", cell)}
    assert len(named) > 10
    modules = {each.stem for each in (ROOT / "filtered_websocket" / "filters").iterdir()}
    assert named <= OPTIONS | OF_A_RULE | OF_REDIS | OF_A_NAMESPACE | modules | {"fws_client", "fws_publish"}
