"""Publications: what a client or the server publishes, on its way to the storage object."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import has_fired, start
from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.codes import BAD_REQUEST, PERMISSION_DENIED, Error
from filtered_websocket.filters.centrifugo.envelope import Envelope, begin_of_usual, pack
from filtered_websocket.filters.centrifugo.events import CentrifugoPublishFilter, Publish, raw_of
from filtered_websocket.filters.centrifugo.json_reader import embedded
from filtered_websocket.filters.centrifugo.messages import PublishRequest, PublishResult
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.permit import permit_of
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position, Publication

_PUBLISHED = PublishResult()
MOST_PUBLISHING = 32
"""Publications of one client that storage may have yet to confirm while its further commands are obeyed."""
SMALL = 16384
"""Bytes of a publication up to which they are: of larger ones it holds one at a time, while storage is slow."""


def publish(client: Client, request: PublishRequest) -> PublishResult | Deferred[PublishResult]:
    """Publish for a client, which may be over at once.

    :raises Error: it may not
    """
    channel, data = request.channel, request.data
    permit = permit_of(client, channel)
    begin, options = permit.begin, permit.options
    if not (begin and data):
        is_json = judge(data, options, known=not client.encoding.codec.binary)
        if permit.is_asked:
            return start(_ask(client, channel, options, data, permit.allowed))
        if not permit.allowed:
            raise Error(PERMISSION_DENIED)
        begin = begin_of_usual(is_json, options.delta_publish, client.info_in(channel))
    sent = client.state.storage.send(Publication(channel, ((begin + data, False),)), permit.keep)
    return _PUBLISHED if has_fired(sent) else sent.addCallback(_published)


def _published(_: object) -> PublishResult:
    return _PUBLISHED


def goes_on(client: Client, request: PublishRequest, published: Deferred[Any]) -> bool:
    """Whether a client's next command need not wait for its publication that is on its way to storage.

    There they are in the order in which they were sent. To wait would make each a round trip and a delivery of its own.
    """
    if client.publishing >= MOST_PUBLISHING or len(request.data) > SMALL:
        return False
    if client.chains.of(CentrifugoPublishFilter):
        return False

    def confirmed(_: object) -> None:
        client.publishing -= 1

    client.publishing += 1
    published.addBoth(confirmed)
    return True


async def _ask(client: Client, channel: str, options: ChannelOptions, data: bytes, allowed: bool) -> PublishResult:
    event = Publish(channel, data, allowed)
    await client.chains.ask(CentrifugoPublishFilter, client, event)
    if not event.allowed:
        raise Error(PERMISSION_DENIED)
    said = raw_of(event.data)
    envelope = Envelope(said, is_json=judge(said, options), delta=options.delta_publish, tags=event.tags)
    envelope = envelope._replace(info=client.info_in(channel))
    await send(client.state, channel, options, pack(envelope), event.skip_history)
    return _PUBLISHED


def judge(data: bytes, options: ChannelOptions, known: bool = False) -> bool:
    """Whether data is JSON.

    :param known: it is
    :raises Error: 107, it is not what the channel wants
    """
    wanted = options.publication_data_format
    if known and data and not wanted:
        return True
    if not data and wanted != "binary":
        raise Error(BAD_REQUEST)
    is_json = bool(data) and (known or embedded(data) is not None)
    if wanted in ("json", "json_object") and not is_json:
        raise Error(BAD_REQUEST)
    if wanted == "json_object" and data.lstrip()[:1] != b"{":
        raise Error(BAD_REQUEST)
    return is_json


def send(
    state: State,
    channel: str,
    options: ChannelOptions,
    message: Message,
    skip_history: bool = False,
    *,
    once: str | None = None,
) -> Deferred[Position | None]:
    """Publish to a channel's subscribers on all nodes. Fires with the position, None where there is no history.

    :param message: an envelope
    :param once: while history keeps a publication of this name, nothing is sent, and it fires with that one's position
    """
    keep = None if skip_history else state.keep_of(options)
    publication = Publication(channel, (message,))
    sent: Deferred[Position | None] = state.storage.send(publication, keep, None if keep is None else once)
    return sent
