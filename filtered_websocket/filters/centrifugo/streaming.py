"""HTTP streaming and server-sent events: a response that goes on, and commands by POST /emulation.

    POST /connection/http_stream     body: commands, in JSON or, as application/octet-stream, in protobuf
         200 replies, each on a line, or each behind its length
    GET  /connection/sse?cf_connect=COMMANDS, or POST with them as body
         200 "\\r\\n", then data: REPLY

What is wrong with the commands is told on the stream: {"push":{"disconnect":{"code","reason"}}}, and it ends.
"""

from typing import Any, NamedTuple

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.centrifugo.codes import SHUTDOWN, Disconnect
from filtered_websocket.filters.centrifugo.emulation import EmulatedSession
from filtered_websocket.filters.centrifugo.origins import FromPages
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.filters.centrifugo.streams import Form, StreamCarrier, Writer, events, json_lines, protobuf
from filtered_websocket.filters.centrifugo.wire import JSON, PROTOBUF
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Stream

NEVER_STORE = (("Cache-Control", "private, no-cache, no-store"), ("X-Accel-Buffering", "no"))


class Kind(NamedTuple):
    """A kind of streams.

    :ivar encoding: the name of what clients speak
    :ivar form: how messages follow each other
    :ivar begin: what comes first
    """

    encoding: str
    form: Form
    content_type: str
    begin: bytes = b""


LINES = Kind(JSON, json_lines, "application/json")
FRAMES = Kind(PROTOBUF, protobuf, "application/octet-stream")
EVENTS = Kind(JSON, events, "text/event-stream", b"\r\n")


class Streaming(FromPages):
    """What all streams have in common.

    :cvar name: as `centrifugo_transports` has it
    :cvar session: the class of its sessions
    :cvar bare: its clients send no commands
    """

    name = ""
    session: Any = EmulatedSession
    bare = False

    @classmethod
    def body_limit(cls, pipeline: Pipeline) -> int:
        return int(pipeline.options.max_message_size)

    @classmethod
    async def stream(cls, pipeline: Pipeline, request: HTTPRequest, kind: Kind, frame: bytes) -> Stream:
        """A stream that carries a session.

        :param frame: its first commands
        """
        if cls.name not in pipeline.options.centrifugo_transports:
            raise HTTPError(404)
        cls.check_origin(pipeline, request)
        state = State.of(pipeline)
        encoding = (state.bare_encodings if cls.bare else state.encodings).get(kind.encoding)
        if encoding is None:
            raise HTTPError(400, "protobuf is not installed here: pip install filtered_websocket[protobuf]")
        request.body = b""
        carrier = StreamCarrier(pipeline, request, encoding, kind.form)
        pipeline.server.session_arrives(carrier)
        await carrier.admit()
        session: EmulatedSession = cls.session(state, carrier, encoding)

        def opened(writer: Writer) -> None:
            carrier.open(writer)
            session.open(frame)

        return Stream(
            pipeline,
            (),
            encode=kind.form,
            begin=kind.begin,
            headers=(*NEVER_STORE, *carrier.headers),
            content_type=kind.content_type,
            opened=opened,
            ended=session.gone,
            farewell=carrier.goodbye(Disconnect(SHUTDOWN)),
        )


class HTTPStream(Streaming):
    path = "/connection/http_stream"
    name = "http_stream"
    methods = ("POST",)

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Stream:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        kind = FRAMES if content_type == FRAMES.content_type else LINES
        return await cls.stream(pipeline, request, kind, request.body)


class SSE(Streaming):
    path = "/connection/sse"
    name = "sse"
    methods = ("GET", "POST")

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Stream:
        frame = request.body
        if request.method != "POST":
            asked = request.argument("cf_connect")
            if not asked:
                raise HTTPError(400, "cf_connect is wanted, with the client's first commands")
            frame = asked.encode()
        return await cls.stream(pipeline, request, EVENTS, frame)
