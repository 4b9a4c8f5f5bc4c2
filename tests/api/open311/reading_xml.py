"""XML read by its schema, so that it can be held to the same one as JSON."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from api.open311.description import DESCRIPTION


def schema_of(operation: dict[str, Any], status: int) -> dict[str, Any]:
    """Return the schema of an operation's answer with the status, whichever its format is."""
    [content] = resolved(operation["responses"][str(status)])["content"].values()
    return resolved(content["schema"])


def read(document: bytes, schema: dict[str, Any]) -> Any:
    """Return what JSON would have: the root's name, and what stands in it, as the schema says."""
    root = ElementTree.fromstring(document)
    assert root.tag == schema["xml"]["name"]
    return _value(root, schema)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the description, or the one that it refers to."""
    while "$ref" in part:
        found: Any = DESCRIPTION
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def _value(node: Element, schema: dict[str, Any]) -> Any:
    schema = resolved(schema)
    assert not node.attrib
    kinds = [schema.get("type"), *(one.get("type") for one in schema.get("oneOf", ()))]
    if schema.get("type") == "array":
        item = resolved(schema["items"])
        assert {child.tag for child in node} <= {item["xml"]["name"]}
        return [_value(child, item) for child in node]
    if schema.get("type") == "object":
        names = [child.tag for child in node]
        assert len(names) == len(set(names))
        assert set(names) <= schema["properties"].keys()
        return {child.tag: _value(child, schema["properties"][child.tag]) for child in node}
    assert len(node) == 0
    text = node.text or ""
    if "null" in [one for kind in kinds for one in (kind if isinstance(kind, list) else [kind])]:
        return text or None
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}[text]
    return float(text) if schema.get("type") in ("number", "integer") else text
