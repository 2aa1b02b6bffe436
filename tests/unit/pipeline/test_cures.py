"""Sentences that say what to do about a channel that cannot be posted to."""

import pytest

from tocsin.model.workspace import Identity, TokenType
from tocsin.pipeline.cures import cure

_BOT = Identity("T0ACME", "Acme", "U0TOCSIN", "tocsin", "B0TOCSIN", TokenType.BOT, frozenset())


@pytest.mark.parametrize(
    ("code", "channel", "sentence"),
    [
        ("not_in_channel", "#ops", "the app is not in #ops: type /invite @tocsin there"),
        ("not_in_channel", "ops", "the app is not in #ops: type /invite @tocsin there"),
        (
            "not_in_channel",
            "C024BE91L",
            "the app is not in C024BE91L: type /invite @tocsin there",
        ),
        ("is_archived", "#ops", "#ops is archived: unarchive it, or name another"),
        (
            "channel_not_found",
            "#ops",
            "the app sees no channel #ops: check the name; if it is private, type "
            "/invite @tocsin there",
        ),
        (
            "channel_not_found",
            "C024BE91L",
            "the app sees no channel with the ID C024BE91L: check the name; if it is private, "
            "type /invite @tocsin there",
        ),
        ("restricted_action", "#ops", ""),
    ],
)
def test_a_refusal_of_slack_names_the_cure_where_there_is_one(
    code: str, channel: str, sentence: str
) -> None:
    assert cure(code, channel, _BOT) == sentence


def test_a_person_whose_token_it_is_has_to_join() -> None:
    grace = Identity("T0ACME", "Acme", "U0GRACE", "grace", "", TokenType.USER, frozenset())
    assert cure("not_in_channel", "ops", grace) == "@grace is not in #ops, and must join it"
