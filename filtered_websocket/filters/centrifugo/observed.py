"""What clients tell while somebody looks at their connections (`chain.observed`): their streams, and their chains.

A stream is observed as a WebSocket is. The chains of the pack that run for a client
are told step by step, whatever carries it: they are others then, and nobody else's know of it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from filtered_websocket.chain.observed import Observed, observer_of
from filtered_websocket.chain.running import Step
from filtered_websocket.filters.centrifugo import events
from filtered_websocket.filters.centrifugo.chains import Chains
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.encoding import Encoding
from filtered_websocket.messages.message import Message

if TYPE_CHECKING:

    class SeenStream:
        """What carries a client on a stream, as what is mixed in sees it."""

        key: str
        encoding: Encoding
        opened: bool
        close_code: int | None
        close_reason: str

        async def admit(self) -> None: ...
        async def run(self, event: str, data: Any = None) -> None: ...
        async def _disconnected(self) -> None: ...
        def deliver(self, batch: Batch, policy: str) -> None: ...
        def send_encoded(self, messages: Sequence[Message], behind: bool = True) -> None: ...
        def leave(self, code: int) -> None: ...
else:
    SeenStream = object


class ObservedStream(Observed, SeenStream):
    """Mixed in before the class of what carries a client."""

    async def admit(self) -> None:
        observer = self.observer
        try:
            with observer.running("handshake"):
                await super().admit()
        except BaseException:
            observer.ended(None, None)
            raise

    async def run(self, event: str, data: Any = None) -> None:
        if event == "message":
            self.observer.received(data, self.encoding.codec.binary)  # type: ignore[attr-defined]
        with self.observer.running(event):
            await super().run(event, data)

    async def _disconnected(self) -> None:
        observer = self.observer
        with observer.running("disconnect"):
            await super()._disconnected()
        observer.ended(self.close_code, self.close_reason)

    def deliver(self, batch: Batch, policy: str) -> None:
        self._sends(batch.in_encoding(self.encoding).messages)
        super().deliver(batch, policy)

    def send_encoded(self, messages: Sequence[Message], behind: bool = True) -> None:
        self._sends(messages)
        super().send_encoded(messages, behind)

    def close(self, code: int = 3000, reason: str = "") -> None:
        super().close(code, reason)

    def leave(self, code: int) -> None:
        observer = self.observer
        super().leave(code)
        if not self.opened:
            observer.ended(None, None)

    def _sends(self, messages: Sequence[Message]) -> None:
        # By its key anybody could send commands in its client's place.
        key = self.key.encode()
        self.observer.sent([(payload.replace(key, b"(hidden)"), binary) for payload, binary in messages])

    def _calls(self, name: str, arguments: dict[str, Any]) -> None:
        if name != "close" or self.close_code is None:
            super()._calls(name, arguments)


NAMES: Mapping[type, str] = {
    events.Connect: "connect",
    events.Refresh: "refresh",
    events.Subscribe: "subscribe",
    events.SubRefresh: "sub_refresh",
    events.Publish: "publish",
    events.RPC: "rpc",
    events.Send: "send",
    events.Unsubscribe: "unsubscribe",
    events.Disconnected: "disconnect",
}
"""What a trace calls the chains, by their events."""


class ObservedChains(Chains):
    """Those that run for a client whose connection somebody looks at."""

    def run(self, steps: tuple[Step, ...], client: Any, event: Any) -> Any:
        observer = observer_of(client.connection)
        if observer is not None:
            about = {name: getattr(event, name) for name in ("channel", "method") if hasattr(event, name)}
            steps = tuple(observer.chain(f"centrifugo {NAMES[type(event)]}", steps, about))
        return super().run(steps, client, event)


def look(connection: object) -> None:
    """Somebody begins to look at a connection, or nobody does any more: so it is with its session."""
    session: Any = getattr(connection, "centrifugo", None)
    if session is None:
        return
    looks = observer_of(connection) is not None
    session.chains = ObservedChains(session.pipeline) if looks else session.state.chains
