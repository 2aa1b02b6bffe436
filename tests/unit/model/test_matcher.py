from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import ResourceInvalid
from tocsin.model.matcher import Matcher, MatchType


@pytest.mark.parametrize(
    ("match_type", "value", "label", "matches"),
    [
        ("=", "critical", "critical", True),
        ("=", "critical", "critical2", False),
        ("!=", "critical", "critical", False),
        ("!=", "critical", "warning", True),
        ("=~", "Failed.*|BackOff", "FailedMount", True),
        ("=~", "Failed.*|BackOff", "BackOff", True),
        ("=~", "Failed.*|BackOff", "xBackOff", False),
        ("=~", "Failed|BackOff", "FailedMount", False),
        ("!~", "Failed.*", "FailedMount", False),
        ("!~", "Failed.*", "Started", True),
        ("=~", "a.b", "a\nb", True),
        ("=~", "(?i)error", "ERROR", True),
        ("=~", "", "", True),
        ("=~", "", "a", False),
        ("=~", "größe|日本.", "日本語", True),
        ("=~", r"a\.b", "a.b", True),
    ],
)
def test_labels_match_as_in_prometheus(
    match_type: MatchType, value: str, label: str, matches: bool
) -> None:
    assert Matcher("name", value, match_type).matches({"name": label}) is matches


@pytest.mark.parametrize(
    ("match_type", "value", "matches"),
    [
        ("=", "", True),
        ("=", "a", False),
        ("!=", "", False),
        ("!=", "a", True),
        ("=~", "a|", True),
        ("=~", ".+", False),
        ("!~", ".+", True),
        ("!~", ".*", False),
    ],
)
def test_an_absent_label_counts_as_empty(match_type: MatchType, value: str, matches: bool) -> None:
    assert Matcher("name", value, match_type).matches({}) is matches


@pytest.mark.parametrize("match_type", ["=~", "!~"])
@pytest.mark.parametrize("value", ["a(", "a)(b", "*", "(?=a)", "a{1001}", r"\1", "[z-a]"])
def test_a_bad_regular_expression_is_refused_in_the_words_of_re2(
    match_type: MatchType, value: str
) -> None:
    with pytest.raises(ResourceInvalid) as caught:
        Matcher("name", value, match_type)
    assert caught.value.field == "value"
    assert caught.value.message.startswith("not a regular expression (RE2): ")
    assert "b'" not in caught.value.message


def test_re2_says_what_is_wrong() -> None:
    with pytest.raises(ResourceInvalid, match=r"RE2\): missing \): a\($"):
        Matcher("name", "a(", "=~")


def test_a_regular_expression_that_needs_much_memory_is_refused() -> None:
    with pytest.raises(ResourceInvalid, match="pattern too large"):
        Matcher("name", r"\pL{1000}", "=~")


def test_what_would_not_compile_is_fine_where_it_is_only_compared() -> None:
    assert Matcher("name", "a(", "=").matches({"name": "a("})


def test_lone_surrogates_do_no_harm() -> None:
    assert Matcher("name", "a.", "=~").matches({"name": "a\ud800"})
    with pytest.raises(ResourceInvalid, match="not valid Unicode"):
        Matcher("name", "\ud800", "=~")


def test_only_equality_has_a_required_value() -> None:
    required = {kind: Matcher("name", "a", kind).required_value for kind in get_args(MatchType)}
    assert required == {"=": "a", "!=": None, "=~": None, "!~": None}


def test_matchers_are_equal_and_hashable_by_what_they_say() -> None:
    assert Matcher("a", "b", "=~") == Matcher("a", "b", "=~")
    assert len({Matcher("a", "b"), Matcher("a", "b", "="), Matcher("a", "b", "!=")}) == 2


@given(label=st.text(), value=st.text())
def test_negations_are_the_opposite(label: str, value: str) -> None:
    labels = {"name": label}
    assert Matcher("name", value).matches(labels) is not Matcher("name", value, "!=").matches(
        labels
    )
    quoted = "".join(rf"\x{{{ord(character):x}}}" for character in value)
    positive, negative = Matcher("name", quoted, "=~"), Matcher("name", quoted, "!~")
    assert positive.matches(labels) is not negative.matches(labels)
    assert positive.matches({"name": value})
