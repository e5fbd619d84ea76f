"""The filters of exec_pipe. One use of it has one coprocess, or a program for each connection."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.errors import Close, ConfigError, Reject, StopChain
from filtered_websocket.filters.base import (
    Connection,
    Pipeline,
    WebSocketConnectFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.filters.exec_pipe.coprocess import Coprocess, ProgramEnded
from filtered_websocket.filters.exec_pipe.lines import line_of, message_of
from filtered_websocket.filters.exec_pipe.options import command
from filtered_websocket.filters.exec_pipe.program import Program, environment
from filtered_websocket.filters.exec_pipe.sessions import Sessions
from filtered_websocket.messages.message import came_binary

_log = Logger()

TRY_AGAIN = 1013
FAILED = 1011


class Start(WebSocketStartFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline) -> None:
        options, reactor = cls.options, pipeline.server.reactor
        if options.exec_per_connection:
            sessions = cls.state["sessions"] = Sessions()
            pipeline.moved_away.append(sessions.moved_away)
            return
        words = command(options)

        def start(said: Any, ended: Any) -> Program:
            variables = environment(options.exec_environment)
            return Program(reactor, words, variables, longest=options.max_message_size, said=said, ended=ended)

        coprocess = Coprocess(reactor, words[0], start, options.exec_in_flight, options.exec_timeout)
        try:
            coprocess.start()
        except OSError as error:
            raise ConfigError(f"exec_pipe: {words[0]} cannot be started: {error.strerror}") from None
        cls.state["coprocess"] = coprocess


class Stop(WebSocketStopFilter):
    @classmethod
    async def filter(cls, pipeline: Pipeline) -> None:
        if cls.options.exec_per_connection:
            sessions = cls.state["sessions"]
            if sessions.moved_away in pipeline.moved_away:
                pipeline.moved_away.remove(sessions.moved_away)
            await sessions.stop()
        else:
            await cls.state["coprocess"].stop()


def _count(connection: Connection) -> None:
    connection.factory.counters.count("refused", "exec_programs", connection.request.peer)


class Admit(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection) -> None:
        options = cls.options
        if options.exec_per_connection and len(cls.state["sessions"]) >= options.exec_programs:
            _count(web_socket_instance)
            raise Reject(503, "as many programs run as may (exec_programs)", {"Retry-After": "1"})


class Begin(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection) -> None:
        options, sessions = cls.options, cls.state.get("sessions")
        if sessions is None:
            return
        if len(sessions) >= options.exec_programs:
            _count(web_socket_instance)
            raise Close(TRY_AGAIN, "as many programs run as may")
        words = command(options)
        try:
            sessions.start(web_socket_instance, web_socket_instance.factory.reactor, words, options)
        except OSError as error:
            _log.error("exec_pipe: {name} cannot be started: {why}", name=words[0], why=error.strerror)
            raise Close(FAILED, "the program cannot be started") from None


class Pipe(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytes | bytearray | str) -> Any:
        as_json = cls.options.exec_json
        line = line_of(data, came_binary(data), as_json)
        if (sessions := cls.state.get("sessions")) is not None:
            return cls._told(sessions.get(web_socket_instance), line)
        answer = cls.state["coprocess"].ask(line)
        return answer.addCallbacks(_came, _failed, (as_json,), errbackArgs=(web_socket_instance,))

    @classmethod
    def _told(cls, session: Any, line: bytes) -> Any:
        if session is None:
            raise Close(TRY_AGAIN, "the program has ended")  # or is at the node that the client was at before
        taken = session.tell(line)
        if taken is None:
            raise StopChain
        return taken.addCallback(_end_chain)


class End(WebSocketDisconnectFilter):
    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: Any) -> "Deferred[None] | None":
        sessions = cls.state.get("sessions")
        session = None if sessions is None else sessions.get(web_socket_instance)
        return None if session is None else session.stop()


def _came(line: bytes, as_json: bool) -> bytearray:
    if not line:
        raise StopChain
    try:
        return bytearray(message_of(line, as_json).encode())
    except UnicodeError:
        raise Close(FAILED, "the program's answer is no text") from None


def _failed(failure: Failure, connection: Connection) -> None:
    failure.trap(ProgramEnded)
    connection.factory.counters.count("closed", "exec_pipe: no answer", connection.request.peer)
    raise Close(TRY_AGAIN, "the program has ended: this message has no answer")


def _end_chain(_: None) -> None:
    raise StopChain
