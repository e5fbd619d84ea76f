"""What clients and the API read: presence and history."""

from collections.abc import Sequence

from filtered_websocket.filters.centrifugo.codes import (
    BAD_REQUEST,
    INAPPROPRIATE,
    NOT_AVAILABLE,
    UNRECOVERABLE,
    Disconnect,
    Error,
)
from filtered_websocket.filters.centrifugo.encodings import publication_of
from filtered_websocket.filters.centrifugo.envelope import info_of_text, is_json, unpack
from filtered_websocket.filters.centrifugo.messages import (
    HistoryRequest,
    HistoryResult,
    PresenceResult,
    PresenceStatsResult,
    Publication,
)
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.messages.publication import Position
from filtered_websocket.messages.publication import Publication as Kept


async def presence(state: State, channel: str, options: ChannelOptions) -> PresenceResult:
    """The clients in a channel.

    :raises Error: 108, nobody keeps that
    """
    if not options.presence:
        raise Error(NOT_AVAILABLE)
    members = await state.storage.members(channel)
    return PresenceResult({client: info_of_text(info) for client, info in members.items()})


async def presence_stats(state: State, channel: str, options: ChannelOptions) -> PresenceStatsResult:
    """How many clients are in a channel, and of how many users.

    :raises Error: 108, nobody keeps that
    """
    found = (await presence(state, channel, options)).presence
    return PresenceStatsResult(len(found), len({info.user for info in found.values()}))


async def history(
    state: State, channel: str, options: ChannelOptions, request: HistoryRequest, binary: bool = False
) -> HistoryResult:
    """Publications that a channel keeps, and where it stands.

    :param request: its limit is the most that is read, less than 0 for all
    :param binary: the answer may hold what is no JSON
    :raises Error: 108, it keeps none; 107, there is nothing before the first; 112, of the wanted epoch is nothing left
    :raises Disconnect: 3506, the answer is JSON, and what is kept is none
    """
    if not options.keeps_history:
        raise Error(NOT_AVAILABLE)
    since = request.since
    if request.reverse and since is not None and not since.offset:
        raise Error(BAD_REQUEST)
    top = await state.position(channel, options)
    if since is not None and since.epoch and since.epoch != top.epoch:
        raise Error(UNRECOVERABLE)
    found: Sequence[Kept] = ()
    if request.limit:
        found = await _read(state, channel, top, request)
    if not binary and not all(is_json(each.messages[0]) for each in found):
        raise Disconnect(INAPPROPRIATE)
    publications = tuple([_publication(each) for each in found])
    return HistoryResult(publications, top.epoch, top.offset)


def _publication(kept: Kept) -> Publication:
    assert kept.position is not None
    envelope = unpack(kept.messages[0])
    epoch, offset = kept.position
    return publication_of(envelope._replace(offset=offset, epoch=epoch if offset == 1 else ""))


async def _read(state: State, channel: str, top: Position, request: HistoryRequest) -> list[Kept]:
    """What is asked for, among what is kept. Offsets follow each other, so a place in history is a difference."""
    since, everything = request.since, max(0, top.offset)
    limit = everything if request.limit < 0 else min(request.limit, everything)
    if since is None:
        skip, count = (0, limit) if request.reverse else (0, everything)
    elif request.reverse:
        skip, count = max(0, top.offset - since.offset + 1), limit
    else:
        skip, count = 0, max(0, top.offset - since.offset)
    if not count:
        return []
    # Newest first. What was published since the position was asked for is left out.
    newest: list[Kept] = await state.storage.latest(channel, skip, count)
    kept = [
        each
        for each in newest
        if each.position is not None and each.position.epoch == top.epoch and each.position.offset <= top.offset
    ]
    if since is not None and not request.reverse:
        kept = [each for each in kept if each.position is not None and each.position.offset > since.offset]
    elif since is not None:
        kept = [each for each in kept if each.position is not None and each.position.offset < since.offset]
    return kept[:limit] if request.reverse else kept[::-1][:limit]
