"""POST /publish: publish from any program that speaks HTTP.

    -> POST /publish
       Authorization: Bearer <publish_secret>
       Idempotency-Key: <any text, remembered for 5 minutes>           (optional)
       {"channel": "news", "data": "hello"}
       {"channels": ["a", "b"], "data": {"any": "JSON"}, "pipeline": "/chat"}
    <- 200 {"channels": 2}

`data` that is text is sent as it is, anything else as JSON text. A subscriber of several of the channels gets one copy.
`pipeline` is the first pattern of a pipeline that has a name; without it, the pipeline of all other paths is meant, or
the only one there is.

Errors: 400 no such JSON; 401 the secret; 404 switched off, or no such pipeline; 409 the key was used with another body;
413 too large; 503 the storage is away.
"""

import json
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.web.access import has_secret
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

MAX_CHANNELS = 100


class Publish(Endpoint):
    path = "/publish"
    methods = ("POST",)
    max_body = 1024 * 1024

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> Any:
        secret = request.server.options.publish_secret
        if not secret:
            raise HTTPError(404, "publishing is off: the option publish_secret turns it on")
        if not has_secret(request, secret):
            raise HTTPError(401, "publish_secret is wanted, as Bearer", (("WWW-Authenticate", "Bearer"),))
        key, known = request.headers.get("idempotency-key"), request.server.idempotency
        if key is not None:
            answered = known.find(key, request.body)
            if answered is not None:
                return answered
        published: Deferred[Response] = start(cls._publish(request))
        return published if key is None else known.remember(key, request.body, published)

    @classmethod
    async def _publish(cls, request: HTTPRequest) -> Response:
        body = request.json(dict)
        unknown = body.keys() - {"channel", "channels", "data", "pipeline"}
        if unknown or "data" not in body or ("channel" in body) == ("channels" in body):
            raise HTTPError(400, 'wanted: "channel" or "channels", "data", and "pipeline" where there are several')
        channels = body["channels"] if "channels" in body else [body["channel"]]
        if not isinstance(channels, list) or not all(isinstance(each, str) for each in channels):
            raise HTTPError(400, '"channel" is a text, "channels" a list of texts')
        if not 0 < len(channels) <= MAX_CHANNELS:
            raise HTTPError(400, f'"channels" has 1 to {MAX_CHANNELS} names')
        data = body["data"]
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        try:
            # JSON can write half a character, which no text frame can hold.
            "".join([text, *channels]).encode()
            await pipeline_named(request, body.get("pipeline")).publish(channels, text)
        except UnicodeEncodeError:
            raise HTTPError(400, "lone surrogates are no text") from None
        except ValueError as error:
            raise HTTPError(400, str(error)) from None
        return Response(200, {"channels": len(set(channels))})


def pipeline_named(request: HTTPRequest, name: object) -> Pipeline:
    """The pipeline that a program means. Raises HTTPError, 404."""
    pipelines = request.server.pipelines
    for pipeline in pipelines:
        if pipeline.name == (name or "") or (name is None and len(pipelines) == 1) or name in pipeline.patterns:
            return pipeline
    raise HTTPError(404, "there is no such pipeline" if name else '"pipeline" is wanted: there are several')
