"""What the documentation says is true. Its doctests pytest runs by itself."""

import json
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.fws_server import FwsServer, command
from tests.test_arrows import LAYERS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("bench/*.md")])
EVERY_PAGE = sorted({*PAGES, *ROOT.glob("docs/*/*.md"), *ROOT.glob("examples/*/*.md")})


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_page_of_options_is_current() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "options.py"))
    assert page["OPTIONS_MD"].read_text() == page["text"](), "make docs"


def test_the_page_of_the_http_api_is_current() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "http_api.py"))
    assert page["HTTP_API_MD"].read_text() == page["text"](), "make docs"


def test_the_chat_of_the_readme_is_the_example() -> None:
    assert blocks(README, "python")[0] == (ROOT / "examples" / "chat_server.py").read_text()


def test_the_test_of_the_readme_passes_by_itself_with_warnings_as_errors(tmp_path: Path) -> None:
    chat, test = blocks(README, "python")
    (tmp_path / "chat_server.py").write_text(chat)
    (tmp_path / "test_chat_server.py").write_text(test)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


def test_configurations_in_the_pages_are_good(tmp_path: Path) -> None:
    # Those of the tutorial, whose filters it writes, are tried with it.
    pages = (page for page in EVERY_PAGE if page.parent.name != "tutorial")
    documents = [block for page in pages for block in blocks(page.read_text(), "json")]
    documents.append((ROOT / "config.json").read_text())
    assert len(documents) > 1
    (tmp_path / "config.json").touch(0o600)  # some hold secrets, of which a file for all is warned
    for document in documents:
        (tmp_path / "config.json").write_text(document)
        checked = command("-c", "config.json", "--check", cwd=tmp_path)
        assert (checked.returncode, checked.stderr) == (0, ""), document


def test_the_readme_names_every_pack_and_command_there_is() -> None:
    filters = ROOT / "filtered_websocket" / "filters"
    pages = {each.stem for each in (ROOT / "docs" / "packs").glob("*.md")}
    folders = {each.parent.name for each in filters.glob("*/filters.py")}
    packs = {f"filtered_websocket.filters.{name}" for name in folders & pages}
    assert set(re.findall(r"^\| `(filtered_websocket\.filters\.\w+)` \|", README, re.MULTILINE)) == packs
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for command_name in project["scripts"]:
        assert command_name in README, command_name


def test_python_in_the_pages_compiles() -> None:
    found = [block for page in EVERY_PAGE for block in blocks(page.read_text(), "python")]
    assert found
    for block in found:
        compile(block, "a page", "exec")


def test_the_server_says_what_the_readme_says_it_says(tmp_path: Path) -> None:
    (said,) = re.findall(r"^```\n(filtered_websocket .*?)^```$", README, re.DOTALL | re.MULTILINE)
    with FwsServer("-c", str(ROOT / "config.json"), "-p", "0", cwd=tmp_path) as server:
        # What this machine lacks is said as well.
        log = re.sub(r"(?m)^descriptors: .*\n", "", re.sub(r"(?m)^\S+ \S+ info  ", "", server.log))
        # Where pip found no compiler, frames are Python's.
        assert log.replace("frames in Python", "frames in C") == said.replace(":9000", f":{server.port}")


def test_flags_in_the_pages_exist() -> None:
    known = set(re.findall(r"`(--?\w+)`", (ROOT / "docs" / "options.md").read_text()))
    known |= {"--check", "--version", "--help", "--list-filters", "--package"}
    # Those of the other commands.
    for name in ("fws_client/__main__.py", "fws_token.py"):
        known |= set(re.findall(r'"(--[a-z_]+)"', (ROOT / "filtered_websocket" / "commands" / name).read_text()))
    mentioned = {
        (flag, page.name)
        for page in PAGES
        if page.name in ("README.md", "writing-filters.md", "migrating-from-0.4.md", "CHANGELOG.md")
        and page.parent.name != "bench"
        # What a program is told in one of ours is its own.
        for flag in re.findall(
            r"(?<![\w-])--[a-z][\w-]*", re.sub(r"""--exec_pipe ("[^"]*"|'[^']*')""", "--exec_pipe", page.read_text())
        )
    }
    assert mentioned
    assert not {each for each in mentioned if each[0] not in known}


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), f"{page}: {target}"
        if anchor:
            titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
            assert anchor in anchors, f"{page}: {target}"


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PACKAGE = ROOT / "filtered_websocket"


def test_the_architecture_shows_every_room_on_its_layer_and_every_folder() -> None:
    house = ARCHITECTURE[ARCHITECTURE.index("## The house") : ARCHITECTURE.index("## The journeys")]
    shown = {name: int(layer) for layer, name in re.findall(r"^ +(\d+)  (\w+)(?:/|\.py) ", house, re.MULTILINE)}
    assert shown == {
        name: number for number, line in enumerate(LAYERS, 1) for name in line.split() if name != "__main__"
    }
    folders = {each.parent.name for pattern in ("*", "*/*") for each in PACKAGE.glob(f"{pattern}/__init__.py")}
    assert set(re.findall(r"(\w+)/", house)) == folders, "name it in docs/architecture.md, The house"


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_are_there(page: Path) -> None:
    rooms = "|".join(sorted({"tests", "docs", "filtered_websocket", *" ".join(LAYERS).split()}))
    for name in re.findall(rf"(?<![\w/.])(?:{rooms})/[\w/]*\w+\.py\b", page.read_text()):
        assert any((folder / name).exists() for folder in (PACKAGE, ROOT)), f"{page} names {name}"


def test_what_the_architecture_names_in_capitals_or_overrides_of_autobahn_is_in_the_code() -> None:
    sources = [*PACKAGE.rglob("*.py"), ROOT / "tests" / "test_arrows.py", *ROOT.glob("tests/*/conftest.py")]
    code = "\n".join(source.read_text() for source in sources)
    for name in re.findall(r"`([A-Z][A-Z_]+)`", ARCHITECTURE):
        assert re.search(rf"\b{name}\b", code), name
    table = ARCHITECTURE[ARCHITECTURE.index("| overridden |") : ARCHITECTURE.index("**Twisted.**")]
    ours = "\n".join(source.read_text() for source in PACKAGE.glob("connection/*.py"))
    for row in table.strip().splitlines()[2:]:
        for name in re.findall(r"`(\w+)`", row.split("|")[1]):
            assert name == "sendClose" or re.search(rf"\b{name}\b", ours), name


def test_make_modules_says_what_each_is() -> None:
    says = runpy.run_path(str(ROOT / "docs" / "modules.py"))["text"]()
    told = re.findall(r"^ *(\w+\.py) +\S", says, re.MULTILINE)
    assert sorted(told) == sorted(each.name for each in PACKAGE.rglob("*.py") if each.name != "__init__.py")


def test_the_configuration_of_make_run_is_what_its_comment_says() -> None:
    text = "\n".join(line for line in (ROOT / "config.json").read_text().splitlines() if not line.startswith("#"))
    assert json.loads(text)["filters"] == [
        "filtered_websocket.filters.broadcast_messages",
        "filtered_websocket.filters.stdout_messages",
    ]


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_speak_of_clients_and_filters_not_of_persons(page: Path) -> None:
    assert not re.findall(r"(?i)\b(?:whoever|whom|him|his|who)\b", page.read_text())
