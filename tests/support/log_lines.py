"""What was logged, as lines, while a test ran."""

from typing import Any

from twisted.logger import formatEvent, globalLogPublisher


class LogLines(list[str]):
    def __enter__(self) -> "LogLines":
        globalLogPublisher.addObserver(self._observe)
        return self

    def __exit__(self, *_: object) -> None:
        globalLogPublisher.removeObserver(self._observe)

    def _observe(self, event: dict[str, Any]) -> None:
        self.append(formatEvent(event))
