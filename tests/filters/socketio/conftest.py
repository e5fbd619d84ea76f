"""The server of WS-Emit's tests: sessions are tried as that pack serves them."""

from tests.filters.ws_emit.conftest import server

__all__ = ["server"]
