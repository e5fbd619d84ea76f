"""Redis's scripts, run by Lua 5.1, as in Redis."""

import hashlib
from collections.abc import Callable
from typing import Any

from lupa.lua51 import LuaError, LuaRuntime

from tests.simulation.redis_model.answers import Refusal, Status
from tests.simulation.redis_model.cjson import Cjson

# As Redis does: what no script has set is no global, and none sets any. Beside these it is Lua's own library.
_BEGIN = b"""
local call, refused, encode, decode = ...
redis = {
  call = call,
  pcall = function(...)
    local done, answer = pcall(call, ...)
    if done then return answer end
    return {err = refused(answer)}
  end,
  error_reply = function(text) return {err = text} end,
  status_reply = function(text) return {ok = text} end,
}
cjson = {encode = encode, decode = decode}
KEYS, ARGV = false, false
for _, name in ipairs({'io', 'require', 'module', 'package', 'dofile', 'loadfile', 'print'}) do
  _G[name] = nil
end
local set = rawset
setmetatable(_G, {
  __index = function(_, name) error('ERR Script attempted to access nonexistent global variable ' .. name) end,
  __newindex = function(_, name) error('ERR Script attempted to create global variable ' .. name) end,
})
return function(keys, arguments)
  set(_G, 'KEYS', keys)
  set(_G, 'ARGV', arguments)
end
"""


class Scripts:
    """
    :param run: does a command that a script calls; its parts are bytes
    """

    def __init__(self, run: Callable[[list[bytes]], Any]) -> None:
        self._run = run
        self._lua = LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
        self._table_from = self._lua.table_from
        self._type_of = self._lua.globals()[b"type"]
        cjson = Cjson(self._lua)
        self._give = self._lua.execute(_BEGIN, self._call, _refused, cjson.encode, cjson.decode)
        self._compiled: dict[bytes, Any] = {}
        self.known: set[bytes] = set()

    def load(self, source: bytes) -> bytes:
        """Its hash.

        :raises Refusal: it is no Lua
        """
        sha = hashlib.sha1(source, usedforsecurity=False).hexdigest().encode()
        if sha not in self._compiled:
            try:
                self._compiled[sha] = self._lua.compile(source)
            except LuaError as error:
                raise Refusal(f"ERR Error compiling script (new function): {error}") from None
        self.known.add(sha)
        return sha

    def run(self, sha: bytes, keys: list[bytes], arguments: list[bytes]) -> Any:
        """What a script answers, whether Redis knows it or has known it.

        :raises Refusal: it failed, or says so itself
        """
        self._give(self._table_from(keys), self._table_from(arguments))
        try:
            return self._answer(self._compiled[sha]())
        except LuaError as error:
            raise Refusal(f"ERR {error} script: {sha.decode()}") from None

    def _call(self, *parts: Any) -> Any:
        if not parts:
            raise Refusal("ERR Please specify at least one argument for this redis.call() call")
        try:
            return self._given(self._run([part if type(part) is bytes else _written(part) for part in parts]))
        except Refusal as refusal:
            # To Lua it is an error, whose text is the answer.
            raise refusal from None

    def _given(self, answer: Any) -> Any:
        """An answer as a value of Lua."""
        kind = type(answer)
        if kind is list:
            return self._table_from(map(self._given, answer))
        if answer is None:
            return False
        if kind is Status:
            return self._table_from({b"ok": bytes(answer)})
        return answer

    def _answer(self, value: Any) -> Any:
        """A value of Lua as an answer."""
        kind = type(value)
        if kind is bytes:
            return value
        if kind is bool:
            return 1 if value else None
        if kind is int or value is None:
            return value
        if kind is float:
            return int(value)
        if self._type_of(value) != b"table":
            return None
        if (error := value[b"err"]) is not None:
            raise Refusal(error.decode("utf-8", "surrogateescape"))
        if (status := value[b"ok"]) is not None:
            return Status(status)
        found: list[Any] = []
        while (each := value[len(found) + 1]) is not None:
            found.append(self._answer(each))
        return found


def _refused(error: Any) -> bytes:
    return str(error).encode("utf-8", "surrogateescape") if isinstance(error, Refusal) else b"%b" % error


def _written(part: Any) -> bytes:
    """A number as Redis's command has it.

    :raises Refusal: what is no number either
    """
    if type(part) is int:
        return b"%d" % part
    if type(part) is float:
        return b"%.17g" % part
    raise Refusal("ERR Lua redis lib command arguments must be strings or integers")
