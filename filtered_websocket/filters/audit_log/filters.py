"""The filters of audit_log. One use of it has one writer."""

import random
import time
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.filters.audit_log.files import Output, RotatingFile
from filtered_websocket.filters.audit_log.options import STANDARD_OUTPUT
from filtered_websocket.filters.audit_log.writer import Sink, Writer
from filtered_websocket.filters.base import (
    Connection,
    Pipeline,
    Publication,
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketDisconnectFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.messages.message import came_binary, utf8_size

UNWRITABLE, TOO_SLOW = "audit_log: a line cannot be written", "audit_log: the disk is too slow"


class Start(WebSocketStartFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline) -> None:
        given, server = cls.options, pipeline.server
        sink: Sink = (
            Output(1)
            if given.audit_file == STANDARD_OUTPUT
            else RotatingFile(given.audit_file, given.audit_size, given.audit_files)
        )

        def lost(count: int, why: str) -> None:
            server.reactor.callFromThread(server.counters.count, "dropped", UNWRITABLE, why, count)

        cls.state["writer"] = Writer(sink, given.audit_queue, lost)


class Stop(WebSocketStopFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline) -> "Deferred[Any] | None":
        writer = cls.state.get("writer")
        return None if writer is None else writer.stop()


class Connected(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection) -> None:
        _note(cls, "connect", web_socket_instance)


class Said(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytes | bytearray | str) -> None:
        _note(cls, "message", web_socket_instance, data, came_binary(data))


class Published(WebSocketConsumerFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline, data: Any) -> None:
        if isinstance(data, Publication):
            for payload, is_binary in data.messages:
                _note(cls, "publication", pipeline, payload, is_binary, channel=data.channel)


class Disconnected(WebSocketDisconnectFilter):
    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Connection) -> None:
        code, reason = web_socket_instance.close_code, web_socket_instance.close_reason
        _note(cls, "disconnect", web_socket_instance, code=code, reason=reason)


def _note(
    use: Any, event: str, instance: Any, data: bytes | bytearray | str | None = None, is_binary: bool = False,
    **more: Any,
) -> None:  # fmt: skip
    given = use.options
    if event not in given.audit_events:
        return
    if data is not None:
        if given.audit_sample < 1 and random.random() >= given.audit_sample:  # noqa: S311 - nobody gains by a guess
            return
        more |= {"kind": "binary" if is_binary else "text"}
        more["size"] = utf8_size(data) if isinstance(data, str) else len(data)
        if not is_binary and "text" in given.audit_fields:
            more["text"] = _beginning(data, given.audit_text)
    if event == "publication":
        pipeline = instance
    else:
        pipeline = instance.pipeline
        more |= {"connection": instance.id, "user": instance.user}
        more |= {"peer": instance.request.peer, "path": instance.request.path}
    more |= {"time": time.time(), "event": event, "pipeline": pipeline.name or "*"}
    record = {name: more[name] for name in given.audit_fields if more.get(name) is not None}
    if not use.state["writer"].put(record):
        pipeline.server.counters.count("dropped", TOO_SLOW)


def _beginning(data: bytes | bytearray | str, most: int) -> bytes:
    """So much of a text as is shown: the writer's alone, since filters may change what they were given."""
    if isinstance(data, str):
        return data[:most].encode("utf-8", "replace")
    return bytes(data[: most * 4]).decode("utf-8", "ignore")[:most].encode()
