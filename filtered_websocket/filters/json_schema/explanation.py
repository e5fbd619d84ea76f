"""Schemas that say what is wrong at little cost.

jsonschema-rs tells in no time whether a message fits. But where it fits none of ``anyOf`` or ``oneOf``, it collects
what is wrong by each of them, and by each of those within them: a minute for a message of a megabyte, and twice as long
for each level that a recursive schema goes down. So a copy of the schema is asked what is wrong, in which these stand
within two ``not``: that says the same, and has nothing more to tell.
"""

from collections.abc import Mapping
from typing import Any

VALUES = {"const", "enum", "default", "examples"}
"""Keywords whose values are no schemas."""
BY_NAME = {"properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"}
"""Keywords whose values are objects, from any name to a schema."""
OPAQUE = {
    "anyOf": "it fits none of the schemas in anyOf",
    "oneOf": "it fits none of the schemas in oneOf, or more than one",
}
"""What is said of what stands within two ``not``."""


def explaining(schema: Any) -> Any:
    """A schema that is fitted by the same, unless it says ``unevaluated...``: what ``not`` holds evaluates nothing."""
    if isinstance(schema, list):
        return [explaining(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    copy: dict[str, Any] = {}
    for name, value in schema.items():
        if name in VALUES:
            copy[name] = value
        elif name in BY_NAME and isinstance(value, dict):
            copy[name] = {each: explaining(one) for each, one in value.items()}
        elif name not in OPAQUE:
            copy[name] = explaining(value)
    within = [{"not": {"not": {name: explaining(schema[name])}}} for name in OPAQUE if name in schema]
    if within:
        others = copy.get("allOf", [])
        copy["allOf"] = [*others, *within] if isinstance(others, list) else others
    return copy


def reason(negated: Any) -> str:
    """What is wrong where ``not`` is.

    :param negated: the schema that is not to be fitted
    """
    within = negated.get("not") if isinstance(negated, Mapping) and len(negated) == 1 else None
    name = next(iter(within), "") if isinstance(within, Mapping) and len(within) == 1 else ""
    return OPAQUE.get(name, "it fits the schema in not")
