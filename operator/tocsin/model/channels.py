"""How a receiver names a channel: `#name` or `name`, a conversation ID, or a member ID.

Used by the resource models, and by whatever looks channels up or posts to them.
"""

import re
from fnmatch import fnmatchcase
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from tocsin.model.schema import Pattern, Text, cel, list_type

MAX_CHANNELS: Final = 20
_MAX_NAME_CHARACTERS: Final = 80

_CONVERSATION_ID: Final = re.compile("[CGD][A-Z0-9]{8,}")
_MEMBER_ID: Final = re.compile("[UW][A-Z0-9]{8,}")

_SHAPE: Final = Pattern(
    # Names in scripts without case (letters Lo, Lm) and with combining marks (M) are Slack's, too.
    r"^(#?[\p{Ll}\p{Lo}\p{Lm}\p{M}\p{Nd}_-]+|[CGDUW][A-Z0-9]{8,20})$",
    "must be a channel name (lower-case letters, digits, hyphens and underscores, with or "
    "without #), a channel ID such as C024BE91L, or a member ID such as U024BE7LH",
)
_LENGTH: Final = Pattern(
    f"^#?[^#]{{1,{_MAX_NAME_CHARACTERS}}}$",
    f"must have at most {_MAX_NAME_CHARACTERS} characters after the #",
)

ChannelReference = Annotated[str, Text(_MAX_NAME_CHARACTERS + 1, _SHAPE, _LENGTH)]


def bare_name(reference: str) -> str:
    """Return `reference` without a leading `#`, which means nothing to Slack."""
    return reference.removeprefix("#")


def is_conversation_id(reference: str) -> bool:
    """Whether `reference` is the ID of a channel (C), private channel (G) or direct message (D)."""
    return _CONVERSATION_ID.fullmatch(reference) is not None


def is_member_id(reference: str) -> bool:
    """Whether `reference` is a person's ID (U, or W in an Enterprise organisation)."""
    return _MEMBER_ID.fullmatch(reference) is not None


def is_allowed_channel(globs: tuple[str, ...], *names: str) -> bool:
    """Whether any of a channel's names (its reference, its real name, its ID) fits a glob.

    `*` stands for any characters and `?` for one; a leading `#` on either side means nothing; no
    globs allow every channel.
    """
    return not globs or any(
        fnmatchcase(bare_name(name), bare_name(glob)) for glob in globs for name in names
    )


_TWICE: Final = "must not name a channel twice, with and without #"


def _distinct(channels: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(map(bare_name, channels))) < len(channels):
        raise ValueError(_TWICE)
    return channels


Channels = Annotated[
    tuple[ChannelReference, ...],
    Field(
        min_length=1,
        max_length=MAX_CHANNELS,
        json_schema_extra={
            **list_type("set"),
            **cel(("self.all(channel, !(('#' + channel) in self))", _TWICE)),
        },
    ),
    AfterValidator(_distinct),
]
"""One to twenty channels, in the order in which they were written, each once."""
