"""What the endpoints have in common: their parameters, and the question to all processes."""

from collections.abc import Callable, Mapping
from typing import Any

from filtered_websocket.web.interfaces import Answers
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

LONGEST = 1024
"""Characters of a parameter."""
HEADERS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))

Parse = Callable[[str], Any]


def text(value: str) -> str:
    """A name of a user, a channel, ..."""
    if not 0 < len(value) <= LONGEST:
        raise ValueError(f"1 to {LONGEST} characters")
    return value


def between(least: int, most: int) -> Parse:
    """A whole number."""

    def parse(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return parse


def one_of(*words: str) -> Parse:
    """One of these."""

    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return value

    return parse


def parameters(request: HTTPRequest, known: Mapping[str, Parse]) -> dict[str, Any]:
    """The parameters of a request, None where there is none. An unknown one is an error: a misspelt `user` would not
    narrow what is asked for.

    :raises HTTPError: 400
    """
    found: dict[str, Any] = dict.fromkeys(known)
    for name, values in request.params.items():
        if name not in known:
            raise HTTPError(400, f"there is no parameter {name[:50]!r}; there are {', '.join(known)}")
        if len(values) > 1:
            raise HTTPError(400, f"the parameter {name} is given more than once")
        try:
            found[name] = known[name](values[0])
        except ValueError as error:
            raise HTTPError(400, f"the parameter {name} is {error}") from None
    return found


async def ask(request: HTTPRequest, what: str, values: dict[str, Any], seconds: float = 3.0) -> Answers:
    """What all processes answer.

    :raises HTTPError: 503, there are too many questions
    """
    try:
        return await request.server.cluster.ask(what, values, seconds)
    except OverflowError as error:
        raise HTTPError(503, str(error), (("Retry-After", "1"),)) from None


def answer(answers: Answers, body: dict[str, Any]) -> Response:
    """An answer, which says whose it is."""
    processes = {"processes": sorted(answers.by_process), "unanswered": list(answers.unanswered)}
    return Response(200, body | processes, HEADERS)


def not_found(answers: Answers, what: str) -> HTTPError:
    """Nobody has it; or it is not known whether somebody has."""
    if answers.unanswered:
        return HTTPError(503, f"not found; {', '.join(answers.unanswered)} did not answer in time")
    return HTTPError(404, f"there is no such {what}")
