"""What the resource models share: their base class and the rules that two judges apply.

Each rule is checked twice with the same words: by the API server, through the CRDs that
`tocsin.cli.generate_crds` writes from these models, and here, for objects that an older CRD let in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import re2
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class ResourceModel(BaseModel):
    """Base of every part of a custom resource: camelCase outside, snake_case inside, frozen.

    Unknown fields are ignored, since an object may have been written under a newer CRD.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


def cel(*rules: tuple[str, str]) -> dict[str, Any]:
    """Return the schema extension for CEL rules, given as (expression, message) pairs."""
    validations = [{"rule": rule, "message": message} for rule, message in rules]
    return {"x-kubernetes-validations": validations}


def list_type(name: Literal["atomic", "set"]) -> dict[str, Any]:
    """Return the schema extension of a list that is replaced as a whole, or whose items differ."""
    return {"x-kubernetes-list-type": name}


def list_map(key: str) -> dict[str, Any]:
    """Return the schema extension of a list whose items are told apart by `key`."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression (RE2) that must be found in a text, and what to say if it is not."""

    regex: str
    message: str


class Text:
    """Type annotation: a string of bounded length that satisfies patterns.

    `Annotated[str, Text(63, Pattern(...))]`. Lengths are in characters. The API server gets the
    patterns as CEL rules, because its own message for `pattern` only quotes the expression;
    `rules` are further ones for it alone, as (expression, message) pairs.
    """

    __slots__ = ("_compiled", "_max_length", "_min_length", "_rules")

    def __init__(
        self,
        max_length: int,
        *patterns: Pattern,
        min_length: int = 1,
        rules: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._max_length = max_length
        self._min_length = min_length
        shapes = [(f"self.matches(r'{each.regex}')", each.message) for each in patterns]
        self._rules = (*shapes, *rules)
        self._compiled = tuple(
            (re2.compile(each.regex.encode()), each.message) for each in patterns
        )

    def _check(self, text: str) -> str:
        for regexp, message in self._compiled:
            if regexp.search(text.encode("utf-8", "replace")) is None:
                raise ValueError(message)
        return text

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        string = core_schema.str_schema(
            min_length=self._min_length or None, max_length=self._max_length, strict=True
        )
        return core_schema.no_info_after_validator_function(self._check, string)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        json_schema = handler(schema)
        if self._rules:
            json_schema.update(cel(*self._rules))
        return json_schema


class ClippedText(Text):
    """As `Text` without patterns, for what the operator writes: longer text is cut, not refused.

    So no status is lost because Slack's or the API server's words were long.
    """

    __slots__ = ()

    def __init__(self, max_length: int) -> None:
        super().__init__(max_length, min_length=0)

    def _clip(self, text: str) -> str:
        return text if len(text) <= self._max_length else text[: self._max_length - 1] + "…"

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        bounded = super().__get_pydantic_core_schema__(source, handler)
        return core_schema.no_info_before_validator_function(self._clip, bounded)


DNS_LABEL: Final = Pattern(
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    "must consist of lower-case letters, digits and hyphens, and begin and end with a letter "
    "or digit",
)
DNS_SUBDOMAIN: Final = Pattern(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "must be the name of an object: lower-case letters, digits, hyphens and dots",
)
DATA_KEY: Final = Pattern(
    "^[-._a-zA-Z0-9]+$", "must be a key of the object's data: letters, digits, '-', '_' and '.'"
)
