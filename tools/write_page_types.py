"""Generate TypeScript types of the web interface's messages for the page's scripts: `python tools/write_page_types.py`.

``src/digitlab/apps/web/schemas.d.ts`` expresses in TypeScript the Python schemas of what the server sends (fields with
a default are always present). ``tests/apps/web/test_page_types.py`` fails if they differ.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from digitlab.apps.web import network_schemas, schemas
from digitlab.apps.web.classroom import messages

TARGET = Path(schemas.__file__).with_suffix(".d.ts")
PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def typescript(schema: dict[str, Any]) -> str:
    """Convert a JSON schema to a TypeScript type."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(typescript(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(each) for each in schema.get("enum", [schema.get("const")]))
    if schema["type"] == "array":
        inner = typescript(schema["items"])
        return f"({inner})[]" if " " in inner else f"{inner}[]"
    if schema["type"] == "object":
        return f"Record<string, {typescript(schema['additionalProperties'])}>"
    return PLAIN[schema["type"]]


def interface(name: str, schema: dict[str, Any]) -> list[str]:
    """Format one message, or one list of words, as TypeScript."""
    if "properties" not in schema:
        return [f"export type {name} = {typescript(schema)};", ""]
    lines = [f"export interface {name} {{"]
    for field, inner in schema["properties"].items():
        if "description" in inner:
            lines.append(f"  /** {inner['description']} */")
        lines.append(f"  {field}: {typescript(inner)};")
    return [*lines, "}", ""]


def page_types() -> str:
    """Generate the content of the file."""
    schemas_by_name: dict[str, dict[str, Any]] = {}
    for module in (schemas, network_schemas, messages):
        for name in module.__all__:
            if issubclass(message := getattr(module, name), BaseModel):
                schema = message.model_json_schema(mode="serialization")
                schemas_by_name |= schema.pop("$defs", {}) | {name: schema}
    lines = [
        "// Written by tools/write_page_types.py: what the server sends (apps/web/*schemas.py, classroom/messages.py).",
        "",
    ]
    for name in sorted(schemas_by_name):
        lines += interface(name, schemas_by_name[name])
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(page_types(), encoding="utf-8")
