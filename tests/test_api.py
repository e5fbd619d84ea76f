"""docs/api.md: what it names is there and public, and what the other pages and the examples import stands on it."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| `(filtered_websocket[a-z_.]*)` \| (.*) \|$", re.MULTILINE)
NAMED = {
    module: re.findall(r"`([A-Za-z_]+)`", names)
    for module, names in ROW.findall((ROOT / "docs" / "api.md").read_text())
}
AGAIN = {"filtered_websocket.server": NAMED["filtered_websocket.filters.base"][:8]}
"""What the page names by other words."""
PAGES = [each for each in ROOT.glob("docs/**/*.md") if each.name != "architecture.md"]
IMPORT = re.compile(r"from (filtered_websocket[\w.]*) import (\([^)]*\)|[\w*]+(?: as \w+)?(?:, [\w*]+(?: as \w+)?)*)")


@pytest.mark.parametrize("module", NAMED)
def test_each_name_is_there_public_and_explained(module: str) -> None:
    imported = import_module(module)
    public = getattr(imported, "__all__", None)
    for name in (*NAMED[module], *AGAIN.get(module, ())):
        found = getattr(imported, name)
        if name != "__version__":
            assert not name.startswith("_")
            assert public is None or name in public, name
            # A parser of options says by its name what it takes.
            assert found.__doc__ or module.endswith(".config"), f"{module}.{name} says nothing of itself"


def test_what_is_public_there_is_named_but_what_the_server_reads_of_a_module() -> None:
    for name in ("", ".filters.base", ".publisher", ".testing", ".web.base", ".server"):
        module = f"filtered_websocket{name}"
        named = {*NAMED[module], *AGAIN.get(module, ()), "EndpointMeta"}
        assert set(import_module(module).__all__) <= named, module


def imports(source: str) -> set[tuple[str, str]]:
    """What is taken from this package, as (module, name)."""
    return {
        (module, name)
        for module, names in IMPORT.findall(source)
        for name in re.findall(r"\w+", re.sub(r"#.*|\bas \w+", "", names))
    }


def test_what_pages_and_examples_import_stands_on_the_page() -> None:
    taken = {
        place: (file.relative_to(ROOT))
        for file in [*PAGES, ROOT / "README.md", *ROOT.glob("examples/**/*.py")]
        for place in imports(file.read_text())
    }
    assert len(taken) > 30
    assert {
        (module, name): str(file)
        for (module, name), file in taken.items()
        if name not in (*NAMED.get(module, ()), *AGAIN.get(module, ()))
        and f"{module}.{name}" not in NAMED  # a module of which the names are
        and module != "filtered_websocket.filters"  # filter modules are named as they are
        and file.name != "import_mongo.py"  # it moves what is stored, with the version that it came with
    } == {}
