from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from tocsin.model.schema import ClippedText, Pattern, Text, cel, list_map, list_type

_Word = Annotated[str, Text(3, Pattern("^[a-z]+$", "must be lower-case"))]


def test_texts_are_refused_with_the_message_of_their_pattern() -> None:
    assert TypeAdapter(_Word).validate_python("abc") == "abc"
    with pytest.raises(ValidationError, match="must be lower-case"):
        TypeAdapter(_Word).validate_python("Abc")


@pytest.mark.parametrize("value", ["", "abcd", 1, None, b"abc"])
def test_texts_are_strings_within_their_bounds(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(_Word).validate_python(value)


def test_patterns_reach_the_api_server_as_rules_with_messages() -> None:
    assert TypeAdapter(_Word).json_schema() == {
        "type": "string",
        "minLength": 1,
        "maxLength": 3,
        "x-kubernetes-validations": [
            {"rule": "self.matches(r'^[a-z]+$')", "message": "must be lower-case"}
        ],
    }


def test_rules_for_the_api_server_alone_come_after_the_patterns() -> None:
    text = Text(3, Pattern("a", "no a"), min_length=0, rules=[("self != 'a'", "alone")])
    assert TypeAdapter(Annotated[str, text]).json_schema() == {
        "type": "string",
        "maxLength": 3,
        **cel(("self.matches(r'a')", "no a"), ("self != 'a'", "alone")),
    }


def test_clipped_texts_are_cut_instead_of_refused() -> None:
    adapter = TypeAdapter(Annotated[str, ClippedText(5)])
    assert adapter.validate_python("12345") == "12345"
    assert adapter.validate_python("123456") == "1234…"
    assert adapter.validate_python("") == ""
    assert adapter.json_schema() == {"type": "string", "maxLength": 5}


def test_lists_say_how_their_items_are_told_apart() -> None:
    assert list_type("set") == {"x-kubernetes-list-type": "set"}
    assert list_map("name") == {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }
