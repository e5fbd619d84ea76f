"""Writes docs/http-api.md from the document that a server gives at /openapi.json: ``make docs``. A test checks it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filtered_websocket.web.steering.openapi import document

HTTP_API_MD = Path(__file__).with_name("http-api.md")
HEAD = """# HTTP API

What a server answers itself. Written by `make docs` from its OpenAPI 3.1 document, which a running server gives at
`GET /openapi.json`: a client or a page of your tools can be made from that. What each request takes, and what the
numbers mean: [running the server](operations.md#connections). An error is JSON, `{"error": "a sentence"}`.

"""


def text() -> str:
    """The whole page."""
    described = document()
    parts = [HEAD + "".join(_operations(described))]
    parts.append("## Values\n\n")
    schemas = described["components"]["schemas"]
    parts += [_values(name, schema) for name, schema in schemas.items() if schema.get("properties")]
    return "".join(parts).rstrip() + "\n"


def _operations(described: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            said = f"{operation['summary']}. {operation.get('description', '')}".rstrip()
            yield f"## {method.upper()} {path}\n\n{said}\n\n"
            if "parameters" in operation:
                yield "| parameter | in | is | |\n|---|---|---|---|\n"
                yield from (_parameter(each) for each in operation["parameters"])
                yield "\n"
            if "requestBody" in operation:
                yield f"Body: {_content(operation['requestBody'])}\n\n"
            yield "| status | | |\n|---|---|---|\n"
            for status, response in operation["responses"].items():
                yield f"| {status} | {response['description']} | {_content(response)} |\n"
            yield "\n"


def _parameter(each: Mapping[str, Any]) -> str:
    return f"| `{each['name']}` | {each['in']} | {_kind(each['schema'])} | {each['description']} |\n"


def _content(message: Mapping[str, Any]) -> str:
    ((kind, content),) = message["content"].items()
    return _kind(content["schema"]) if kind == "application/json" else f"`{kind}`"


def _values(name: str, schema: Mapping[str, Any]) -> str:
    rows = "".join(
        f"| `{each}`{'' if each in schema['required'] else ' (optional)'} | {_kind(about)} | "
        f"{about.get('description', '')} |\n"
        for each, about in schema["properties"].items()
    )
    return f"### {name}\n\n| member | is | |\n|---|---|---|\n{rows}\n"


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "anyOf" in schema:
        return ", or ".join(map(_kind, schema["anyOf"]))
    kinds = schema.get("type", "anything")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds == ["array"]:
        return f"list of {_kind(schema['items'])}"
    if schema.get("properties"):
        inner = ", ".join(f"`{each}`" for each in schema["properties"])
        return " or ".join(f"object of {inner}" if kind == "object" else kind for kind in kinds)
    bounds = f" from {schema['minimum']} to {schema['maximum']}" if "maximum" in schema else ""
    return " or ".join(kinds) + bounds


if __name__ == "__main__":
    HTTP_API_MD.write_text(text())
