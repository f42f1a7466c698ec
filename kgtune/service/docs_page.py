"""The page at /docs: the OpenAPI document as HTML for a person, without scripts and without a CDN.

Knows nothing about frameworks. Everything that is shown is escaped; the page works in a closed network.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def render(document: Schema) -> str:
    """Write the page of an OpenAPI document."""
    info = document["info"]
    operations = [
        line
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for line in _operation(document, path, method, operation)
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f"<title>{_text(info['title'])} API</title>",
            '<link rel="stylesheet" href="/web/docs.css"></head>',
            f"<body><main><h1>{_text(info['title'])} API {_text(info['version'])}</h1>",
            f"<p>{_text(info.get('summary', ''))}",
            'For machines: <a href="/openapi.json">openapi.json</a>.</p>',
            *operations,
            "</main></body></html>",
        ]
    )


def _operation(document: Schema, path: str, method: str, operation: Schema) -> Iterator[str]:
    yield f"<section><h2><code>{_text(method.upper())} {_text(path)}</code></h2>"
    for paragraph in str(operation.get("description", "")).split("\n\n"):
        yield f"<p>{_text(paragraph)}</p>"
    if body := _json_schema(operation.get("requestBody", {})):
        yield "<h3>Body</h3>"
        yield from _fields(document, body)
    yield "<h3>Answers</h3><ul>"
    for status, response in operation["responses"].items():
        schema = _json_schema(response)
        named = f" <code>{_text(_type(schema))}</code>" if schema else ""
        yield f"<li><code>{_text(status)}</code>{named} {_text(response['description'])}</li>"
    yield "</ul></section>"


def _fields(document: Schema, schema: Schema) -> Iterator[str]:
    record = _resolved(document, schema)
    required = record.get("required", ())
    yield "<table><tr><th>key</th><th>type</th><th>default</th><th>meaning</th></tr>"
    for name, field in sorted(record.get("properties", {}).items(), key=lambda item: item[0] not in required):
        default = "required" if name in required else json.dumps(field.get("default"), ensure_ascii=False)
        cells = (name, _type(field), default, field.get("description", ""))
        yield "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def _json_schema(body: Schema) -> Schema:
    found: Schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _resolved(document: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    value: Any = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        value = value[part]
    return dict(value)


def _type(schema: Schema) -> str:
    """Name a schema in few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _text(value: object) -> str:
    return html.escape(str(value))
