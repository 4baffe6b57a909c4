"""Build an example for each body from the examples of its fields."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
BY_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "null": None, "object": {}}
BY_FORMAT = {"date-time": "2026-01-31T08:10:00.000Z"}
DEEPEST = 12


def example(schema: Schema, schemas: Mapping[str, Schema], depth: int = 0) -> Any:  # noqa: ANN401  (any JSON)
    """Return an example of a schema.

    Args:
        schema: The schema.
        schemas: The schemas that references point to, by name.
        depth: Nesting depth inside the outermost example.
    """
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth)
    for said in ("const", "default", "example"):
        if said in schema:
            return schema[said]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    return _made(schema, schemas, depth)


def _made(schema: Schema, schemas: Mapping[str, Schema], depth: int) -> Any:  # noqa: ANN401
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example(schema[choice][0], schemas, depth)
    kind = schema.get("type")
    if kind == "array":
        return [] if depth > DEEPEST else [example(schema.get("items", {}), schemas, depth + 1)]
    if "properties" in schema and depth <= DEEPEST:
        return {name: example(inner, schemas, depth + 1) for name, inner in schema["properties"].items()}
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    return BY_TYPE.get(str(kind))
