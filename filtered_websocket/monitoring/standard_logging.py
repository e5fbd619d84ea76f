"""What filters and libraries tell the standard library's `logging` goes into the server's log."""

import logging

from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

_LEVELS = (
    (logging.CRITICAL, LogLevel.critical),
    (logging.ERROR, LogLevel.error),
    (logging.WARNING, LogLevel.warn),
    (logging.INFO, LogLevel.info),
)
_THRESHOLDS = {level.name: number for number, level in _LEVELS}


class ToTheLog(logging.Handler):
    """Hands every record on, under the name of its logger."""

    def emit(self, record: logging.LogRecord) -> None:
        level = next((ours for number, ours in _LEVELS if record.levelno >= number), LogLevel.debug)
        try:
            text = record.getMessage()
        except Exception:
            self.handleError(record)
            return
        given = {} if record.exc_info is None or record.exc_info[1] is None else {"log_failure": _failure(record)}
        Logger(namespace=record.name).emit(level, "{log_text}", log_text=text, **given)


def _failure(record: logging.LogRecord) -> Failure:
    assert record.exc_info is not None
    return Failure(record.exc_info[1], record.exc_info[0], record.exc_info[2])


def begin(level: str) -> None:
    """
    :param level: the least important that is logged, as Twisted names it
    """
    root = logging.getLogger()
    root.addHandler(ToTheLog())
    root.setLevel(_THRESHOLDS.get(level, logging.DEBUG))
