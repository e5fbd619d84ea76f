"""The loop over the subscribers on the fast road. Nothing is formatted, logged or allocated for each of them."""

from collections.abc import Sequence
from operator import length_hint

from twisted.logger import Logger

from filtered_websocket.chain.subscriber import Send
from filtered_websocket.pipeline.corks import Corked

_log = Logger()


def fan_out(sends: Sequence[Send], owners: Sequence[Corked], blob: bytes) -> None:
    """Send this to all.

    :param owners: whose the sends are; each finishes what its socket does not take
    """
    size = len(blob)
    road = iter(sends)
    while True:
        try:
            for send in road:
                sent = send(blob)
                if sent != size:
                    break
            else:
                return
        except BlockingIOError:
            sent = 0
        except OSError:
            # The transport meets the same error when it writes what is left, where Twisted ends connections.
            sent = 0
        place = len(sends) - length_hint(road) - 1
        try:
            owners[place].finish(blob, sent)
        except Exception:
            # One that fails must not keep the others from what was sent to them.
            _log.failure("a connection failed to send what its socket did not take, which is lost for it")
