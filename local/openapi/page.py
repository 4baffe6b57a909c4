"""Render the document as a single self-contained HTML page: no scripts, no fonts, no external resources."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from local.openapi.document import FILE

PAGE = FILE.with_name("docs.html")
CRLF, LF = "\r\n", "\n"
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin-top: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
nav a { margin-right: 1rem; white-space: nowrap; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: .4rem .8rem; }
details details { border-style: dashed; } summary { cursor: pointer; }
code, pre { font: 14px/1.45 ui-monospace, monospace; } pre { background: var(--soft); padding: .8rem; overflow: auto; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; } .scope { float: right; opacity: .7; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .25rem .6rem;
border-bottom: 1px solid var(--line); }
"""


def html(document: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        document: The OpenAPI document.
    """
    sections = _by_tag(document)
    title = escape(document["info"]["title"])
    links = " ".join(f'<a href="#{_anchor(tag)}">{escape(tag)}</a>' for tag in sections)
    body = "\n".join(
        f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>\n' + "\n".join(operations) for tag, operations in sections.items()
    )
    intro = "".join(f"<p>{_prose(part)}</p>" for part in document["info"]["description"].split("\n\n"))
    models = "\n".join(_model(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title} API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n<body>'
        f'<h1>{title} API</h1>{intro}<p><a href="openapi.json">openapi.json</a></p>\n'
        f'<nav>{links} <a href="#models">Models</a></nav>\n{body}\n'
        f'<h2 id="models">Models</h2>\n{models}\n</body></html>\n'
    )


def write(document: Mapping[str, Any], file: Path = PAGE) -> None:
    """Write the page where the admin function finds it."""
    file.write_text(html(document))


def _by_tag(document: Mapping[str, Any]) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            sections.setdefault(operation["tags"][0], []).append(_operation(method.upper(), path, operation))
    return dict(sorted(sections.items()))


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    needed = ", ".join(scope for entry in operation["security"] for scope in entry["oauth2"]) or "no token"
    parts = [
        f"<p>{_prose(operation.get('description', ''))}</p>",
        _parameters(operation.get("parameters", [])),
        *_body("Send", operation.get("requestBody", {})),
        *(line for status, answer in operation["responses"].items() for line in _answer(status, answer)),
    ]
    return (
        f'<details id="{escape(operation["operationId"])}"><summary><span class="method">{method}</span>'
        f'<code>{escape(path)}</code> {escape(operation["summary"])}<span class="scope">{escape(needed)}</span>'
        f"</summary>{''.join(parts)}</details>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{_prose(one.get('description', ''))}</td><td>{_kind(one['schema'])}</td></tr>"
        for one in parameters
    )
    return f"<table>{rows}</table>"


def _answer(status: str, answer: Mapping[str, Any]) -> Iterator[str]:
    if "application/problem+json" in answer.get("content", {}):
        yield f"<p><b>{status}</b> {_prose(answer['description'])}</p>"
        return
    yield from (
        _body(status, answer) if answer.get("content") else [f"<p><b>{status}</b> {_prose(answer['description'])}</p>"]
    )


def _body(heading: str, body: Mapping[str, Any]) -> Iterator[str]:
    for kind, media in body.get("content", {}).items():
        shown = media.get("example")
        told = shown if isinstance(shown, str) else json.dumps(shown, indent=2, ensure_ascii=False)
        yield (
            f"<p><b>{heading}</b> {_prose(body.get('description', ''))} <code>{escape(kind)}</code> "
            f"{_kind(media.get('schema', {}))}</p><pre>{escape(told.replace(CRLF, LF))}</pre>"
        )


def _model(name: str, schema: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{_kind(inner)}</td>"
        f"<td>{_prose(inner.get('description', ''))}</td></tr>"
        for field, inner in schema.get("properties", {}).items()
    )
    heading = f"<summary><code>{escape(name)}</code> {_prose(schema.get('description', ''))}</summary>"
    return f'<details id="model-{escape(name)}">{heading}<table>{rows}</table></details>'


def _kind(schema: Mapping[str, Any]) -> str:
    """Describe a schema in a few words of HTML, with links to its models."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#model-{name}">{name}</a>'
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(_kind(one) for one in schema[choice])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    return escape(str(schema.get("const") or schema.get("format") or schema.get("type") or "any JSON"))


def _prose(text: str) -> str:
    """Return text as HTML, with what is in backticks as code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))


def _anchor(tag: str) -> str:
    return "tag-" + escape(tag.lower().replace(" ", "-"))
