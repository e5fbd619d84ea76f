"""Endpoints made by a test."""

from typing import Any

from filtered_websocket.web.base import Endpoint, HTTPRequest

Given = type[Endpoint]


def endpoint(where: str, answer: Any, kinds: tuple[str, ...] = ("GET",), **attributes: Any) -> Given:
    """A new endpoint; ``answer`` is what it returns or raises, or a function of pipeline and request."""

    class Answering(Endpoint):
        path = where
        methods = kinds

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
            result = answer(pipeline, request) if callable(answer) else answer
            if isinstance(result, BaseException):
                raise result
            return result

    for name, value in attributes.items():
        setattr(Answering, name, value)
    Answering.__qualname__ = f"{where} {kinds} {id(answer)}"
    return Answering
