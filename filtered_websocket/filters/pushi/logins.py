"""Logins by HTTP. A session is kept under a hash of its token: reading the storage gives no sessions away, and looking
one up takes no time that tells of a token. It lies in a history, which is what ends by itself in every storage object.
"""

import hashlib
import secrets
from typing import Any

from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.filters.pushi.state import State
from filtered_websocket.messages.publication import Publication


async def begin(state: State, app: App) -> str:
    """A new session's token: 64 hexadecimal digits."""
    token = secrets.token_hex(32)
    await _write(state, token, app.id)
    return token


async def end(state: State, token: str) -> None:
    """Log out."""
    await _write(state, token, "")


async def app_of(state: State, token: object) -> App | None:
    """The app that a token has logged in, None if it has not, or too long ago."""
    if not isinstance(token, str) or not 0 < len(token) <= 200:
        return None
    kept: list[Any] = await state.storage.latest(_name(token), 0, 1)
    return await state.apps.of_id(kept[0].payload.decode()) if kept else None


async def _write(state: State, token: str, value: str) -> None:
    # Apart from events, which would else end logins.
    keep = state.pipeline.keep(1, state.pipeline.options.pushi_session_seconds, "sessions")
    await state.storage.send(Publication(_name(token), ((value.encode(), False),)), keep)


def _name(token: str) -> str:
    return f"pushi session {hashlib.sha256(token.encode('utf-8', 'surrogatepass')).hexdigest()}"
