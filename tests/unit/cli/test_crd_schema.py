from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from tocsin.cli.crd_schema import SchemaUnsupported, structural_schema


class _Inner(BaseModel):
    """The class's words."""

    word: Annotated[str, Field(max_length=3)] | None = None


class _Outer(BaseModel):
    """The whole."""

    inner: _Inner = Field(_Inner(), description="The field's words.")
    maybe: _Inner | None = None
    many: tuple[_Inner, ...] = Field((), max_length=2)
    labels: Mapping[str, Annotated[str, Field(max_length=5)]] = Field(default={}, max_length=4)
    only: Literal["a"] = "a"
    count: int


def test_references_titles_nulls_and_empty_defaults_are_gone() -> None:
    word = {"type": "string", "maxLength": 3}
    inner = {"type": "object", "description": "The class's words.", "properties": {"word": word}}
    assert structural_schema(_Outer) == {
        "type": "object",
        "description": "The whole.",
        "required": ["count"],
        "properties": {
            "inner": {**inner, "description": "The field's words."},
            "maybe": inner,
            "many": {"type": "array", "maxItems": 2, "items": inner},
            "labels": {
                "type": "object",
                "maxProperties": 4,
                "additionalProperties": {"type": "string", "maxLength": 5},
            },
            "only": {"type": "string", "default": "a", "enum": ["a"]},
            "count": {"type": "integer"},
        },
    }


class _Choice(BaseModel):
    either: int | bool


class _Tuple(BaseModel):
    pair: tuple[int, int]


class _EndlessText(BaseModel):
    text: str


class _EndlessList(BaseModel):
    items: tuple[int, ...]


class _EndlessMap(BaseModel):
    labels: Mapping[str, int]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (_Choice, "a choice of 2 types"),
        (_Tuple, "prefixItems"),
        (_EndlessText, "maxLength is missing"),
        (_EndlessList, "maxItems is missing"),
        (_EndlessMap, "maxProperties is missing"),
    ],
)
def test_what_a_structural_schema_cannot_say_is_an_error(
    model: type[BaseModel], words: str
) -> None:
    with pytest.raises(SchemaUnsupported, match=words):
        structural_schema(model)


def test_keys_come_in_one_order() -> None:
    found: dict[str, Any] = structural_schema(_Outer)
    assert list(found) == ["type", "description", "required", "properties"]
