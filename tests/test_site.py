"""The documentation as a site: nothing leads nowhere, and every page is in the navigation."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from filtered_websocket.chain.events import EVENTS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_is_built_without_a_warning_and_every_page_is_reached_from_the_first(site: Path) -> None:
    first = (site / "index.html").read_text()
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).with_suffix(".html").as_posix()
        name = name.replace("README.html", "index.html")
        assert f'href="{name}"' in first, name
    assert (site / "images" / "dashboard-phone.png").exists()
    assert not list(site.rglob("*.py.html"))


def test_every_option_has_a_page_to_which_its_row_leads(site: Path) -> None:
    table = (site / "options.html").read_text()
    declared = runpy.run_path(str(DOCS / "options.py"))["declarations"]()
    names = [option.name for options in declared.values() for option in options]
    assert len(names) > 100
    for name in names:
        assert f'<a href="options/{name}.html">' in table, name
        assert (site / "options" / f"{name}.html").exists(), name
    page = (site / "options" / "message_rate.html").read_text()
    assert "<code>FWS_MESSAGE_RATE</code>" in page
    assert '<a href="../security.html">Security model</a>' in page


def test_nothing_of_the_site_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        for tag in ('<script src="http', '<link rel="stylesheet" href="http', '<img src="http', "fonts.googleapis"):
            assert tag not in text, f"{page}: {tag}"


def test_there_is_a_page_for_every_event_bundled_filter_pack_and_storage_object() -> None:
    package = ROOT / "filtered_websocket"
    for root in EVENTS:
        assert (DOCS / "events" / f"{root.event}.md").exists(), root  # type: ignore[attr-defined]
    pages = "".join(page.read_text() for page in (DOCS / "filters").glob("*.md"))
    for module in (package / "filters").glob("*.py"):
        if module.stem not in {"__init__", "base"}:
            assert f"{module.stem}" in pages, module
    for folder in (package / "filters").glob("*/filters.py"):
        name = f"{folder.parent.name}.md"
        assert (DOCS / "packs" / name).exists() or (DOCS / "filters" / name).exists(), folder
    for name in ("memory", "sqlite", "redis"):
        assert (DOCS / "storage" / f"{name}.md").exists()


def test_there_is_a_page_for_everybody_that_comes_from_elsewhere() -> None:
    for name in ("0.4", "wsps", "philote", "ws-emit", "pushi", "pusher", "django-channels", "python-socketio"):
        assert (DOCS / f"migrating-from-{name}.md").exists(), name
