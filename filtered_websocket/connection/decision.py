"""What is known of an opening handshake while it goes on. Dropped at the 101."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.limits.admission import Refusal
from filtered_websocket.web.upgrade import Upgrade

Answer = tuple[str | None, dict[str, list[str]]]
"""The subprotocol of the 101, and its further headers by name."""

PLAIN: Answer = (None, {})
"""The 101 that holds nothing of its own."""

NOTHING = Upgrade("", [])


def pairs(headers: Any) -> list[tuple[str, str]]:
    """Headers as pairs, from pairs or a dict. Raises ValueError for one that would end before its end."""
    found = [(str(name), str(value)) for name, value in (headers.items() if isinstance(headers, dict) else headers)]
    for name, value in found:
        if not name.isprintable() or not value.isprintable():
            raise ValueError(f"the header {name!r} holds characters that no header may hold")
    return found


class Decision:
    """
    :ivar asked: what the client's head asks for
    :ivar unwelcome: why the client was not let in, to be told when it speaks
    :ivar running: the handshake chain, while a filter of it is awaited
    :ivar searched: bytes of an unfinished head that hold no end of it
    :ivar answer: what the filters have said so far of the 101
    :ivar counted: what a refusal is counted as; "" where it is counted already
    :ivar headers: of a refusal
    """

    # On the class: of most only one is ever set.
    asked = NOTHING
    unwelcome: Refusal | None = None
    running: Deferred[Any] | None = None
    searched = 0
    answer: Answer = PLAIN
    counted = "malformed handshake"
    headers: tuple[tuple[str, str], ...] = ()

    def accept(self, protocol: str | None, headers: Any) -> None:
        """Add what a filter says of the 101; of several protocols the last one counts."""
        before, said = self.answer
        chosen = {name: [*values] for name, values in said.items()}
        for name, value in pairs(headers):
            chosen.setdefault(name, []).append(value)
        self.answer = (protocol or before, chosen)

    def refuse(self, counted: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Note what a refusal that follows is counted as, and its headers."""
        self.counted, self.headers = counted, headers
