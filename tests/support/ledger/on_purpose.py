"""What the test that runs leaves on purpose, which its marks `leaves` name: one answer for all books."""

from collections.abc import Iterable


class OnPurpose:
    """
    :ivar parts: of the names of what it leaves
    """

    def __init__(self) -> None:
        self.parts: tuple[str, ...] = ()

    def others(self, left: Iterable[str]) -> list[str]:
        """What is left, and not on purpose."""
        return [each for each in left if not any(part in each for part in self.parts)]


on_purpose = OnPurpose()
