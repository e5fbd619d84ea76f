"""What MkDocs makes of the declarations of options: a page for each, to which its row in options.md leads.

They are in the site only: in the repository options.md says the same in one place.
"""

import re
import runpy
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

from filtered_websocket.config import Option
from filtered_websocket.config.command_line import shown_default

DOCS = Path(__file__).parent
_ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    texts = {page.relative_to(DOCS).as_posix(): page.read_text() for page in sorted(DOCS.rglob("*.md"))}
    pages = {path: (text.splitlines()[0].lstrip("# "), text) for path, text in texts.items() if path != "options.md"}
    for owner, options in runpy.run_path(str(DOCS / "options.py"))["declarations"]().items():
        for option in options:
            content = page_of(option, owner, pages)
            files.append(File.generated(config, f"options/{option.name}.md", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rows of options lead to their pages."""
    return _ROW.sub(r"| [`\1`](options/\1.md) |", markdown) if page.file.src_uri == "options.md" else markdown


def page_of(option: Option, owner: str, pages: dict[str, tuple[str, str]]) -> str:
    """The page of one option, with the pages that tell more of it.

    :param pages: address of a page -> its title and text
    """
    name, default = option.name, shown_default(option, option.default)
    says = option.help.replace("|", "\\|")
    rows = [
        ("flag", ", ".join(f"`{each}`" for each in option.spellings)),
        ("environment", ", ".join(f"`{each}`" for each in (option.variable, *option.environment))),
        ("JSON file", f'`"{name}"`'),
        ("default", f"`{default}`" if default else "has to be given" if option.required else "none"),
        ("unit", option.unit or "none"),
        ("of", f"[{owner}](../options.md)"),
        ("a pipeline", "may have its own" if option.scope == "pipeline" else "has the server's"),
        ("secret", "yes: it is shown in no log; better in the environment than in a flag" if option.secret else "no"),
    ]
    table = "\n".join(f"| {key} | {value.replace('|', chr(92) + '|')} |" for key, value in rows)
    word = re.compile(rf"(?<![\w-])(?:--)?{name}(?![\w-])")
    told = [f"- [{title}](../{path})" for path, (title, text) in pages.items() if _mentions(word, text)]
    more = "\n\nMore of it in:\n\n" + "\n".join(told) if told else ""
    return f"# {name}\n\n{says}\n\n| | |\n|---|---|\n{table}{more}\n"


def _mentions(word: re.Pattern[str], text: str) -> bool:
    # In code only: `port` is an option, a port is a word.
    return any(
        word.search(code) for code in re.findall(r"```.*?```|`[^`\n]+`|^    [^\n]*$", text, re.DOTALL | re.MULTILINE)
    )
