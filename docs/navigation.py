"""What MkDocs is told beside mkdocs.yml: the navigation, and the files outside docs/ that pages link to.

Pages are written for the repository: README.md links to docs/options.md, a page to ../examples/door.py. In the site
README.md is the first page, what lies in docs/ lies at the root, and the rest keeps its place; links follow.
"""

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, InclusionLevel

ROOT = Path(__file__).parent.parent
OUTSIDE = (
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE",
    "config.json",
    "bench/README.md",
    "examples/**/*",
    "contrib/*",
)
"""What is shown or linked to, beside docs/."""

NAVIGATION: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Tutorial", ("tutorial/README.md", "tutorial/*.md")),
    ("Filters", ("writing-filters.md", "events/README.md", "events/*.md", "filters/README.md", "filters/*.md")),
    (
        "Running",
        (
            "deployment.md",
            "embedding.md",
            "operations.md",
            "http-api.md",
            "options.md",
            "commands.md",
            "security.md",
            "*.md",
        ),
    ),
    ("Packs", ("packs/README.md", "packs/*.md")),
    ("Storage", ("storage/README.md", "storage/*.md")),
    ("Coming from", ("migrating-*.md",)),
    (
        "Project",
        (
            "api.md",
            "comparison.md",
            "architecture.md",
            "CHANGELOG.md",
            "SECURITY.md",
            "examples/README.md",
            "examples/*/*.md",
            "bench/*",
        ),
    ),
)
"""Sections, and which pages they hold, in this order. A page that is named by itself is in that section, whatever
pattern comes before it."""

_LINK = re.compile(r"(\]\(|(?:src|href)=\")([^)\s\"#]+)")


def on_files(files: Any, config: Any) -> Any:
    """Add what lies outside docs/, and find every page its place."""
    for pattern in OUTSIDE:
        for source in sorted(ROOT.glob(pattern)):
            name = source.relative_to(ROOT).as_posix()
            if source.is_file() and "__pycache__" not in name and "/." not in name:
                added = File.generated(config, _in_site(name), abs_src_path=str(source))
                added.inclusion = InclusionLevel.INCLUDED
                files.append(added)
    config["nav"] = [
        {"filtered_websocket": "index.md"},
        *_sections({file.src_uri for file in files.documentation_pages()}),
    ]
    return files


def _sections(pages: set[str]) -> list[dict[str, list[str]]]:
    left = pages - {"index.md"}
    named = {entry for _, entries in NAVIGATION for entry in entries}
    sections: dict[str, list[str]] = {title: [] for title, _ in NAVIGATION}
    # Patterns with a folder or a word in them before the one that takes what is left.
    for general in (False, True):
        for title, entries in NAVIGATION:
            for entry in entries:
                if (entry == "*.md") != general:
                    continue
                fitting = sorted(page for page in left if page == entry or (page not in named and _fits(page, entry)))
                sections[title] += fitting
                left -= set(fitting)
    return [{title: found} for title, found in sections.items() if found]


def _fits(page: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^/]*"), page) is not None


def _in_site(path: str) -> str:
    """Where a file of the repository is in the site."""
    return "index.md" if path == "README.md" else path.removeprefix("docs/")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links lead to where their targets are in the site."""
    here = "README.md" if page.file.src_uri == "index.md" else page.file.src_uri
    if (ROOT / "docs" / here).exists():
        here = f"docs/{here}"

    def moved(found: re.Match[str]) -> str:
        before, target = found.groups()
        if re.match(r"[a-z]+:|/", target):
            return found.group()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        if (ROOT / path).is_dir():
            path += "/README.md"
        return before + os.path.relpath(_in_site(path), posixpath.dirname(_in_site(here)) or ".")

    return _LINK.sub(moved, markdown)
