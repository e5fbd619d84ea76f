"""The schemas of a file, compiled."""

from importlib import import_module
from typing import Any, NamedTuple

from filtered_websocket.config.parsers import read_object
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.json_schema.explanation import explaining, reason

EXTRA = "filtered_websocket[json-schema]"

Wrong = tuple[str, str]
"""Where, as a JSON Pointer, and what."""


class Schemas:
    """The schema that a file holds, or the schemas of several kinds of message.

    :raises ValueError: it cannot be read
    """

    def __init__(self, file: str) -> None:
        self.file = file
        try:
            self._document = read_object(file)
        except OSError as error:
            raise ValueError(f"a file with a JSON Schema is wanted ({error.strerror})") from None
        self._compiled: dict[str, dict[str, Validator]] = {}

    def wrong(self, value: Any, kind: str) -> Wrong | None:
        """What is wrong with a message, None if it is valid.

        :param kind: the member that says of which kind a message is; "": there is one schema for all
        """
        validators = self._compiled.get(kind) or self.compile(kind)
        if not kind:
            return validators[""].wrong(value)
        if not isinstance(value, dict):
            return "", "an object is wanted"
        name = value.get(kind)
        validator = validators.get(name) if isinstance(name, str) else None
        return validator.wrong(value) if validator is not None else (_pointer([kind]), "no kind of message")

    def compile(self, kind: str) -> "dict[str, Validator]":
        """
        :returns: kind of message -> its validator
        :raises ConfigError: it is no schema; jsonschema-rs is not installed
        """
        schemas = self._document if kind else {"": self._document}
        self._compiled[kind] = {name: self._validator(name, schema) for name, schema in schemas.items()}
        return self._compiled[kind]

    def _validator(self, name: str, schema: Any) -> "Validator":
        try:
            library: Any = import_module("jsonschema_rs")
        except ImportError:
            raise ConfigError(f"json_schema needs jsonschema-rs: pip install '{EXTRA}'") from None
        options = {"offline": True, "pattern_options": library.RegexOptions()}
        try:
            fits = library.validator_for(schema, **options)
        except (ValueError, TypeError) as error:
            where = f"{self.file}{f': {name}' if name else ''}"
            said = getattr(error, "message", "") or "an object or a boolean is wanted"
            raise ConfigError(f"json_schema: {where}: no JSON Schema: {' '.join(str(said).split())}") from None
        if "unevaluated" in repr(schema):
            return Validator(fits, None)
        try:
            return Validator(fits, library.validator_for(explaining(schema), **options))
        except ValueError:  # it refers to what stands elsewhere in the copy
            return Validator(fits, None)

    def __str__(self) -> str:
        return self.file


class Validator(NamedTuple):
    """A schema, compiled.

    :ivar fits: tells whether a value fits
    :ivar explains: tells why it does not, at the first place; None: nothing does
    """

    fits: Any
    explains: Any

    def wrong(self, value: Any) -> Wrong | None:
        if self.fits.is_valid(value):
            return None
        try:
            if self.explains is not None:
                self.explains.validate(value)
        except ValueError as error:
            kind: Any = getattr(error, "kind", None)
            said = reason(kind.schema) if getattr(kind, "name", "") == "not" else getattr(error, "message", str(error))
            return _pointer(getattr(error, "instance_path", [])), said
        return "", "it does not fit the schema"


def _pointer(path: list[Any]) -> str:
    """A JSON Pointer (RFC 6901, section 3)."""
    return "".join("/" + str(each).replace("~", "~0").replace("/", "~1") for each in path)
