"""What a token must look like before it is sent anywhere, and what its scopes enable."""

import pytest

from tests.unit.pipeline.workspace_rig import TOKEN, WorkspaceRig
from tocsin.pipeline.credentials import capabilities


@pytest.fixture
def rig() -> WorkspaceRig:
    return WorkspaceRig()


@pytest.mark.parametrize(
    ("value", "reason", "words"),
    [
        (b"", "TokenEmpty", "is empty"),
        (b" \n", "TokenEmpty", "is empty"),
        (TOKEN.encode() + b"\n", "TokenHasWhitespace", "line break"),
        (b" " + TOKEN.encode(), "TokenHasWhitespace", "white space"),
        (b"xoxb-", "TokenMalformed", "not shaped like"),
        (b"hunter2", "TokenMalformed", "not sent to Slack"),
        (b"\xff\xfe", "TokenMalformed", "not shaped like"),
        (b"xapp-1-A1-2-abc", "TokenMalformed", "app-level token"),
        (b"xoxe-1-abc", "TokenMalformed", "refresh token"),
        (b"https://hooks.slack.com/services/T1/B1/abc", "TokenMalformed", "webhookSecretRef"),
        (b"xoxb-1 xoxb-2", "TokenMalformed", "not shaped like"),
    ],
)
async def test_a_value_that_is_no_token_never_reaches_slack(
    rig: WorkspaceRig, value: bytes, reason: str, words: str
) -> None:
    rig.kube.secrets["monitoring", "slack-token"] = {"token": value}
    state = await rig.refresh()
    assert (state.ready, state.reason, state.retry) == (False, reason, False)
    assert words in state.message
    assert "key token of Secret monitoring/slack-token" in state.message
    assert state.connection is None
    assert rig.slack.verified == []
    assert "abc" not in state.message


@pytest.mark.parametrize("token", [TOKEN, "xoxp-1-2-3-abc", "xoxe.xoxb-1-abc", "xoxe.xoxp-1-abc"])
async def test_bot_user_and_rotating_tokens_are_taken(rig: WorkspaceRig, token: str) -> None:
    rig.kube.keep(token)
    assert (await rig.refresh()).ready


def test_chat_write_alone_lacks_every_capability_and_names_the_scopes() -> None:
    found = {each.name: each for each in capabilities(frozenset({"chat:write"}))}
    assert {name: each.missing_scopes for name, each in found.items()} == {
        "ChannelChecks": ("channels:read", "groups:read"),
        "PostWithoutInvitation": ("chat:write.public",),
        "Identity": ("chat:write.customize",),
        "LookUpAmbiguousSends": ("channels:history", "groups:history"),
        "DirectMessages": ("im:write",),
        "PeopleByEmail": ("users:read.email",),
    }
    assert not any(each.available for each in found.values())


def test_a_capability_needs_all_of_its_scopes() -> None:
    found = {each.name: each for each in capabilities(frozenset({"channels:read", "im:write"}))}
    assert not found["ChannelChecks"].available
    assert found["ChannelChecks"].missing_scopes == ("groups:read",)
    assert found["DirectMessages"].available
    assert found["DirectMessages"].missing_scopes == ()
