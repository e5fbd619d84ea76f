"""What a client may publish to a channel: found with its first publication there, and good for those that follow."""

from typing import Any, NamedTuple

from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.envelope import begin_of_usual
from filtered_websocket.filters.centrifugo.events import CentrifugoPublishFilter
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions


class Permit(NamedTuple):
    """
    :ivar basis: what it was found by: it is good as long as that is the same
    :ivar options: of the channel
    :ivar allowed: whether these allow it
    :ivar is_asked: whether filters decide
    :ivar keep: what the channel keeps, for the storage object
    :ivar begin: what JSON is published behind; b"" where each publication is to be looked at
    """

    basis: tuple[Any, ...]
    options: ChannelOptions
    allowed: bool
    is_asked: bool
    keep: Any
    begin: bytes


def permit_of(client: Client, channel: str) -> Permit:
    """What a client may publish to a channel.

    :raises Error: 102 or 107, there is no such channel
    """
    state, pipeline, subscription = client.state, client.pipeline, client.subscriptions.get(channel)
    # A reload gives others of the first three, and a new token other infos.
    basis = (
        state.namespaces, pipeline.options, pipeline.further, channel, client.info, subscription and subscription.info,
    )  # fmt: skip
    permit: Permit | None = client.permit
    if permit is None or permit.basis != basis:
        permit = client.permit = _found(client, channel, basis)
    return permit


def _found(client: Client, channel: str, basis: tuple[Any, ...]) -> Permit:
    state = client.state
    options = state.namespaces.checked(channel)
    insecure = client.pipeline.options.centrifugo_insecure
    allowed = insecure or options.may("publish", client.user, channel in client.subscriptions)
    is_asked = bool(state.chains.of(CentrifugoPublishFilter))
    begin = b""
    if allowed and not is_asked and not options.publication_data_format and not client.encoding.codec.binary:
        begin = begin_of_usual(True, options.delta_publish, client.info_in(channel))
    return Permit(basis, options, allowed, is_asked, state.keep_of(options), begin)
