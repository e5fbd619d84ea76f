"""All processes that share a storage object: what one asks, all answer together.

    fws processes CLUSTER          {"ask", "from", "what", "values"}     to all; without "from" nobody is to answer
    fws process CLUSTER PROCESS    {"to", "process", "answer"}           what one has answered
                                   {"tell", "process", "values"}         what one is told by another

Rules:

1. A process is a member of the storage object's presence as long as it hears the bus. So it is known which are asked,
   and which of them have not answered until the deadline: these are named. One that has died is a member until its
   lease has run out.
2. `CLUSTER` is a random name that lies in the storage object: programs that share a Redis, but no keys, are not asked.
3. What comes over the bus is looked at as anything from outside. What cannot be understood is counted.
4. Where storage is this process's alone, nothing goes over a bus, and nothing is kept.
"""

import json
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from filtered_websocket.chain.clock import Clock
from filtered_websocket.chain.counters import Counters
from filtered_websocket.chain.deferreds import start
from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.base import BaseStorageObject

MEMBERS = "fws processes"
"""The channel whose members are the processes, and the key of their cluster's name."""
OWN = b"fws process"
"""What the names of a cluster's channels begin with."""
ASK_SECONDS = 3.0
"""How long processes have to answer, unless a question says otherwise."""
MAX_ASKED = 50
"""Questions that one process has under way; more are refused."""

Values = dict[str, Any]
Answer = Callable[[Values], Awaitable[Any]]
Told = Callable[[str, Values], object]


class TooManyQuestions(OverflowError):  # noqa: N818 - what happened
    """So many questions are under way that there is no room for another."""


class Answers(NamedTuple):
    """What the processes have answered, by their names, and the names of those that have not."""

    by_process: dict[str, Any]
    unanswered: list[str]


class _Question:
    def __init__(self, missing: dict[str, str]) -> None:
        self.missing, self.answers = missing, dict[str, Any]()
        self.over: Deferred[None] = Deferred()

    def take(self, process: str, name: str, answer: Any) -> None:
        self.answers[name] = answer
        self.missing.pop(process, None)
        if not self.missing:
            self.end()

    def end(self) -> None:
        if not self.over.called:
            self.over.callback(None)


class Cluster:
    """
    :ivar id: of this process, new with each start
    :ivar name: what people are shown: machine, process, and the number of a worker
    :ivar answers: what this process answers, by what it is asked
    :ivar tells: what it does with what another process tells it, by what that is
    :ivar channels: of the bus, that are this cluster's own
    """

    def __init__(self, storage: BaseStorageObject, clock: Clock, counters: Counters) -> None:
        self._storage, self._clock, self._counters = storage, clock, counters
        self.id = secrets.token_hex(8)
        self.name = f"{socket.gethostname()}/{os.getpid()}"
        self.answers: dict[str, Answer] = {}
        self.tells: dict[str, Told] = {}
        self.channels: frozenset[bytes] = frozenset()
        self._cluster = ""
        self._questions: dict[str, _Question] = {}
        self._arriving = self._stopped = False

    # Beginning and end.

    def start(self) -> None:
        """Hear the others, and be known to them; after an outage, again."""
        if self._storage.shared and not self._arriving and not self._stopped:
            self._arriving = True
            self._ignore(start(self._arrive()))

    async def _arrive(self) -> None:
        try:
            await self._storage.put(MEMBERS, "cluster", secrets.token_hex(8), only_new=True)
            found = (await self._storage.fields(MEMBERS)).get("cluster", "")
            cluster = found if isinstance(found, str) else found.decode("latin-1")
            if cluster != self._cluster:
                former, self._cluster = self._names() if self._cluster else (), cluster
                for each in former:
                    self._ignore(self._storage.unlisten(each))
            self.channels = frozenset(each.encode() for each in self._names())
            for each in self._names():
                await self._storage.listen(each)
            await self._storage.join(MEMBERS, self.id, self.id, json.dumps({"name": self.name}))
        finally:
            self._arriving = False

    def _names(self) -> tuple[str, str]:
        return f"{MEMBERS} {self._cluster}", self._name_of(self.id)

    def _name_of(self, process: str) -> str:
        return f"fws process {self._cluster} {process}"

    def stop(self) -> None:
        """Answer no more. The storage object gives back the membership."""
        self._stopped = True
        for question in tuple(self._questions.values()):
            question.end()

    # Asking.

    async def ask(self, what: str, values: Values, seconds: float = ASK_SECONDS) -> Answers:
        """What all processes answer, this one among them.

        :raises TooManyQuestions: there is no room
        """
        if len(self._questions) >= MAX_ASKED:
            raise TooManyQuestions(f"{MAX_ASKED} questions are under way")
        number = secrets.token_hex(8)
        question = self._questions[number] = _Question({self.id: self.name})
        later = self._clock.callLater(seconds, question.end)
        try:
            away = await self._ask_others(number, question, what, values) if self._storage.shared else []
            self._ignore(start(self._answer_myself(question, what, values)))
            await question.over
        finally:
            del self._questions[number]
            if later.active():
                later.cancel()
        return Answers(question.answers, sorted([*question.missing.values(), *away]))

    async def _answer_myself(self, question: _Question, what: str, values: Values) -> None:
        question.take(self.id, self.name, await self.answers[what](values))

    async def _ask_others(self, number: str, question: _Question, what: str, values: Values) -> list[str]:
        """Ask them; what is to be said of those that cannot be asked."""
        try:
            for process, name in (await self._others()).items():
                question.missing[process] = name
            if len(question.missing) > 1:
                await self._say({"ask": number, "from": self.id, "what": what, "values": values})
        except StorageAway:
            return ["all other processes: the storage object is away"]
        return []

    async def _others(self) -> dict[str, str]:
        """The other processes: id -> name."""
        if not self._storage.ready or not self._cluster:
            raise StorageAway("the storage object is away")
        asked = self._storage.members(MEMBERS).addTimeout(ASK_SECONDS / 2, cast("IReactorTime", self._clock), _away)
        return {each: _name(info, each) for each, info in (await asked).items() if each != self.id}

    def tell_all(self, what: str, values: Values) -> None:
        """Tell all other processes something; nobody answers."""
        if self._cluster:
            self._ignore(self._say({"ask": "", "from": self.id, "what": what, "values": values}))

    def tell(self, process: str, what: str, values: Values) -> None:
        """Tell one other process something, by its id."""
        message = {"tell": what, "process": self.id, "values": values}
        self._ignore(self._storage.publish(self._name_of(process), _dumps(message)))

    def _say(self, message: Values) -> Deferred[None]:
        return self._storage.publish(self._names()[0], _dumps(message))

    # Hearing.

    def consume(self, data: bytes) -> None:
        """Take what has come on one of the cluster's channels."""
        try:
            message = json.loads(data)
            if "ask" in message:
                if message["from"] != self.id:
                    self._ignore(start(self._answer(message)))
            elif "to" in message:
                question = self._questions.get(message["to"])
                if question is not None:
                    question.take(message["process"], str(message["name"]), message["answer"])
            else:
                self.tells[message["tell"]](message["process"], message["values"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self._counters.count("dropped", "malformed message of a process", repr(error))

    async def _answer(self, message: Values) -> None:
        number, asker, what, values = message["ask"], message["from"], message["what"], message["values"]
        if what not in self.answers or self._stopped:
            return
        answer = await self.answers[what](values)
        if number:
            said = {"to": number, "process": self.id, "name": self.name, "answer": answer}
            await self._storage.publish(self._name_of(asker), _dumps(said))

    def _ignore(self, step: "Deferred[Any]") -> None:
        """While the storage is away nobody is heard; a question fails at its deadline. All else is a failure."""
        step.addErrback(lambda failure: failure.trap(StorageAway) and None)
        self._counters.watch(step, "a question of another process")


def _away(_: Any, __: float) -> Any:
    raise StorageAway("the storage object does not answer")


def _name(info: str, process: str) -> str:
    try:
        return str(json.loads(info)["name"])
    except (ValueError, TypeError, KeyError):
        return process


def _dumps(message: Values) -> str:
    return json.dumps(message, separators=(",", ":"))
