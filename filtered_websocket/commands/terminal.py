"""What a terminal is shown: text is text, whatever is in it.

Rich takes ``[/b]`` in a str for markup and ``:smile:`` for an emoji, and a terminal obeys escapes. Names and reasons
come from clients, answers from whatever server was named: so nothing is shown but by what stands here.
"""

from typing import Any

from rich.console import Console
from rich.text import Text

from filtered_websocket.errors import printable


def console(**options: Any) -> Console:
    """A console to which a str is text.

    :param options: of rich's Console
    """
    return Console(markup=False, emoji=False, highlight=False, **options)


def shown(text: str, style: str = "", newlines: bool = False) -> Text:
    """Text from outside, with everything escaped that could steer the terminal.

    :param style: rich's
    :param newlines: leave line ends and tabs as they are
    """
    return Text(printable(text, newlines), style)
