"""What a Secret's value must look like before a byte of it leaves, and what its scopes enable.

In: the value, or the scopes that Slack tells. Out: a token or a flaw; capabilities. Pure. Called by
`pipeline.workspaces`.
"""

import re
from typing import Final

from tocsin.model.statuses import Capability
from tocsin.pipeline.flaws import Flaw
from tocsin.redact import Secret

REQUIRED_SCOPE: Final = "chat:write"
CUSTOMIZE_SCOPE: Final = "chat:write.customize"

_TOKEN: Final = re.compile(r"(xoxe\.)?xox[bp]-[A-Za-z0-9_-]{1,500}")
_MISTAKES: Final = (
    ("xapp-", "it is an app-level token (xapp-)"),
    ("xoxe-", "it is a refresh token (xoxe-)"),
    ("https://", "it is a URL; an incoming webhook goes with webhookSecretRef"),
)

_CAPABILITIES: Final = (
    ("ChannelChecks", ("channels:read", "groups:read")),
    ("PostWithoutInvitation", ("chat:write.public",)),
    ("Identity", (CUSTOMIZE_SCOPE,)),
    ("LookUpAmbiguousSends", ("channels:history", "groups:history")),
    ("DirectMessages", ("im:write",)),
    ("PeopleByEmail", ("users:read.email",)),
)


def check_token(value: bytes, place: str) -> Secret | Flaw:
    """Return the token, or what is wrong with it; `place` says where it was read.

    Nothing is stripped silently: what is in the Secret is what is used.
    """
    if not value.strip():
        return Flaw("TokenEmpty", f"{place} is empty: put the app's OAuth token there")
    if value != value.strip():
        return Flaw(
            "TokenHasWhitespace",
            f"{place} begins or ends with white space, probably a line break: write it without, "
            "as `kubectl create secret generic --from-literal` does",
        )
    text = value.decode("utf-8", "replace")
    if _TOKEN.fullmatch(text):
        return Secret(text)
    mistake = next((words for start, words in _MISTAKES if text.startswith(start)), "")
    return Flaw(
        "TokenMalformed",
        f"{place} is not shaped like a bot (xoxb-) or user (xoxp-) OAuth token"
        + (f": {mistake}" if mistake else "; it was not sent to Slack"),
    )


def capabilities(scopes: frozenset[str]) -> tuple[Capability, ...]:
    """Return what scopes beyond `chat:write` enable, and which are missing for it."""
    return tuple(
        Capability(
            name=name,
            available=scopes.issuperset(needed),
            missing_scopes=tuple(scope for scope in needed if scope not in scopes),
        )
        for name, needed in _CAPABILITIES
    )
