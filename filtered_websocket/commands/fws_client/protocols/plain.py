"""A server without a pack: messages are what its filters make of them."""

from collections.abc import Iterable

from filtered_websocket.commands.fws_client.protocols.base import BadTerms, Event, Frame, Heard, Protocol


class Plain(Protocol):
    names = "none"
    takes_json = False
    returns = False  # as far as one can know

    def hear(self, frame: Frame) -> Iterable[Event]:
        yield Heard(frame, "", frame)

    def subscribe(self, channel: str) -> Frame | None:
        raise BadTerms("without --pack there are no channels: say what your filters understand")

    def publish(self, channel: str, data: Frame) -> Frame:
        return data
