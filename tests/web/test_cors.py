"""Pages of other origins."""

from filtered_websocket.web.base import HTTPError
from tests.support.endpoints import endpoint
from tests.support.http_client import ask
from tests.support.serving import serving


def test_pages_of_the_origins_an_endpoint_names_may_read_its_answers() -> None:
    given = [
        endpoint("/any", "x", cors=("*",)),
        endpoint("/some", HTTPError(400, "bad"), ("POST",), cors=("https://*.good.example",), cors_credentials=True),
        endpoint("/none", "x"),
    ]
    with serving(*given) as served:
        at, page = served.address, {"Origin": "https://a.good.example"}
        assert ask(at, "GET", "/any", headers=page).headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-origin" not in ask(at, "GET", "/none", headers=page).headers
        preflight = ask(
            at,
            "OPTIONS",
            "/some",
            headers={**page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a, x-b"},
        )
        assert preflight.status == 204
        assert preflight.headers["access-control-allow-origin"] == page["Origin"]
        assert preflight.headers["access-control-allow-credentials"] == "true"
        assert preflight.headers["access-control-allow-methods"] == "POST, OPTIONS"
        assert preflight.headers["access-control-allow-headers"] == "x-a, x-b"
        # An error may be read too.
        answer = ask(at, "POST", "/some", headers=page)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (400, page["Origin"])
        refused = ask(at, "POST", "/some", headers={"Origin": "https://good.example.evil"})
        assert "access-control-allow-origin" not in refused.headers
        assert refused.headers["vary"] == "Origin"
