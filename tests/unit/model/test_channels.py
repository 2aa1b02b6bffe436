import pytest
from pydantic import TypeAdapter, ValidationError

from tocsin.model.channels import (
    Channels,
    bare_name,
    is_allowed_channel,
    is_conversation_id,
    is_member_id,
)


def test_a_name_is_the_same_with_and_without_its_sign() -> None:
    assert bare_name("#ops") == bare_name("ops") == "ops"


def test_ids_are_told_from_names() -> None:
    assert is_conversation_id("C024BE91L")
    assert is_conversation_id("G012AC86C")
    assert is_conversation_id("D024BE91L")
    assert not is_conversation_id("U024BE7LH")
    assert not is_conversation_id("#c024be91l")
    assert is_member_id("U024BE7LH")
    assert is_member_id("W012A3CDE")
    assert not is_member_id("C024BE91L")
    assert not is_member_id("ops")


def test_channels_keep_their_order() -> None:
    assert TypeAdapter(Channels).validate_python(["#b", "a"]) == ("#b", "a")


def test_a_channel_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="must not name a channel twice"):
        TypeAdapter(Channels).validate_python(["#ops", "a", "ops"])


@pytest.mark.parametrize(
    ("globs", "names", "allowed"),
    [
        ((), ("#ops",), True),
        (("ops",), ("#ops",), True),
        (("#ops",), ("ops",), True),
        (("ops",), ("#ops-eu",), False),
        (("pay-*", "ops-?"), ("#ops-1",), True),
        (("pay-*", "ops-?"), ("#ops-12",), False),
        (("C024BE91L",), ("C024BE91L",), True),
        (("pay-*",), ("C024BE91L", "pay-oncall"), True),
        (("pay-*",), ("C024BE91L", "ops"), False),
        (("c*",), ("C024BE91L",), False),
    ],
)
def test_globs_allow_a_channel_by_any_of_its_names(
    globs: tuple[str, ...], names: tuple[str, ...], allowed: bool
) -> None:
    assert is_allowed_channel(globs, *names) is allowed
