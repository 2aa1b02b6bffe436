"""From a pydantic model to the structural OpenAPI schema that a CRD must carry.

Called by `tocsin.cli.generate_crds`. What comes in is pydantic's JSON schema (draft 2020-12); what
goes out obeys the API server's rules for structural schemas: no references, no unions with null,
no titles. Anything that neither knows nor can be carried over is an error, not dropped silently.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from tocsin.errors import TocsinError

Schema = dict[str, Any]

_KEPT: Final = (
    "type",
    "format",
    "description",
    "default",
    "enum",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "required",
    "properties",
    "items",
    "additionalProperties",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
_DROPPED: Final = frozenset(("title",))


class SchemaUnsupported(TocsinError):
    """A model uses something that a structural schema cannot say."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, its keys in a fixed order."""
    schema = model.model_json_schema(by_alias=True)
    return _structural(schema, schema.get("$defs", {}))


def _structural(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    merged = _resolved(node, definitions)
    unknown = merged.keys() - _DROPPED - set(_KEPT)
    if unknown:
        raise SchemaUnsupported(f"{', '.join(sorted(unknown))} in {merged}")
    found: Schema = {key: merged[key] for key in _KEPT if key in merged}
    if "default" in found:
        found["default"] = _without_nulls(found["default"])
        if found["default"] in (None, [], {}):  # absence says the same, and stays out of objects
            del found["default"]
    if "properties" in found:
        found["properties"] = {
            name: _structural(each, definitions) for name, each in found["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if key in found:
            found[key] = _structural(found[key], definitions)
    _require_bound(found)
    return found


def _resolved(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Follow references and unions with null; what stands beside them, outer first, wins."""
    node = {key: value for key, value in node.items() if key != "$defs"}
    if "$ref" in node:
        target = definitions[node.pop("$ref").removeprefix("#/$defs/")]
        return _resolved({**target, **node}, definitions)
    if "anyOf" in node:
        choices = [each for each in node.pop("anyOf") if each != {"type": "null"}]
        if len(choices) != 1:
            raise SchemaUnsupported(f"a choice of {len(choices)} types: {choices}")
        return _resolved({**choices[0], **node}, definitions)
    if "const" in node:
        node["enum"] = [node.pop("const")]
    return node


def _without_nulls(default: object) -> object:
    if not isinstance(default, dict):
        return default
    return {key: _without_nulls(value) for key, value in default.items() if value is not None}


def _require_bound(node: Schema) -> None:
    """Refuse what has no upper bound: the API server's cost estimate for CEL needs them all."""
    is_text = node.get("type") == "string" and not {"enum", "format"} & node.keys()
    wanted = {
        "maxLength": is_text,
        "maxItems": node.get("type") == "array",
        "maxProperties": "additionalProperties" in node,
    }
    missing = [key for key, is_wanted in wanted.items() if is_wanted and key not in node]
    if missing:
        raise SchemaUnsupported(f"{missing[0]} is missing in {node}")
