"""Workspaces: each way in which a credential can be wrong, and when Slack is asked."""

import ssl
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.pipeline.doubles import identity
from tests.unit.pipeline.workspace_rig import AUTHORITY, TOKEN, WorkspaceRig
from tocsin.errors import SlackAmbiguous, SlackCredentialRejected, SlackTransient
from tocsin.model.resources import parse_config


@pytest.fixture
def rig() -> WorkspaceRig:
    return WorkspaceRig()


async def test_a_good_token_makes_the_workspace_ready(rig: WorkspaceRig) -> None:
    assert rig.workspaces.state("monitoring/acme") is None
    state = await rig.refresh()
    assert (state.ready, state.reason) == (True, "Verified")
    assert state.message == "posts to Acme as @tocsin"
    assert state.verified_at == rig.clock.now
    assert state.identity == rig.slack.identity
    assert state.connection is not None
    assert state.connection.api_url == "https://slack.com/api/"
    assert state.connection.timeout_seconds == 10.0
    assert state.connection.token.reveal() == TOKEN
    assert rig.workspaces.state("monitoring/acme") is state
    assert TOKEN not in repr(state)


async def test_the_connection_is_as_the_config_says(rig: WorkspaceRig) -> None:
    state = await rig.refresh(
        username="Night watch",
        iconEmoji=":bell:",
        api={
            "url": "https://slack.example.com/api",
            "proxyUrl": "http://proxy.example.com:3128/",
            "timeout": "3s",
        },
    )
    connection = state.connection
    assert connection is not None
    assert connection.api_url == "https://slack.example.com/api/"
    assert connection.proxy_url == "http://proxy.example.com:3128"
    assert connection.timeout_seconds == 3.0
    assert (connection.username, connection.icon_emoji) == ("Night watch", ":bell:")


async def test_without_the_scope_for_it_messages_go_under_the_apps_own_name(
    rig: WorkspaceRig,
) -> None:
    rig.slack.identity = identity("chat:write")
    state = await rig.refresh(username="Night watch", iconEmoji=":bell:")
    assert state.connection is not None
    assert (state.connection.username, state.connection.icon_emoji) == ("", "")
    lacking = {each.name: each.missing_scopes for each in state.capabilities if not each.available}
    assert lacking["Identity"] == ("chat:write.customize",)
    await rig.refresh(username="Night watch", iconEmoji=":bell:")
    assert len(rig.slack.verified) == 1


async def test_a_webhook_is_named_as_not_supported_yet(rig: WorkspaceRig) -> None:
    state = await rig.workspaces.refresh(
        parse_config(
            {
                "metadata": {"namespace": "monitoring", "name": "hook"},
                "spec": {"webhookSecretRef": {"name": "hook"}},
            }
        )
    )
    assert (state.reason, state.retry) == ("WebhookNotSupportedYet", False)
    assert "tokenSecretRef" in state.message


async def test_a_host_and_a_proxy_that_are_not_allowed_get_no_token(rig: WorkspaceRig) -> None:
    state = await rig.refresh(api={"url": "https://slack.internal/api/"})
    assert (state.reason, state.retry) == ("HostNotAllowed", False)
    assert "slack.internal" in state.message
    assert "TOCSIN_ALLOWED_SLACK_HOSTS" in state.message
    state = await rig.refresh(api={"proxyUrl": "http://mine:3128"})
    assert state.reason == "ProxyNotAllowed"
    assert "TOCSIN_ALLOWED_PROXIES" in state.message
    assert rig.slack.verified == []


async def test_own_authorities_are_trusted_beside_the_systems(rig: WorkspaceRig) -> None:
    rig.kube.config_maps["monitoring", "corporate"] = {"ca.crt": AUTHORITY.read_bytes()}
    reference = {"api": {"caBundleRef": {"name": "corporate"}}}
    state = await rig.refresh(**reference)
    assert state.connection is not None
    context = state.connection.ca
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    subjects = [str(each["subject"]) for each in context.get_ca_certs()]
    assert any("Tocsin test authority" in subject for subject in subjects)
    assert len(subjects) > 1
    assert await rig.refresh(**reference) is state, "unchanged authorities change nothing"


async def test_slack_is_asked_once_an_hour_while_nothing_changes(rig: WorkspaceRig) -> None:
    first = await rig.refresh()
    rig.clock.now += 3599
    assert await rig.refresh() is first
    assert len(rig.slack.verified) == 1
    rig.clock.now += 1
    assert (await rig.refresh()).verified_at == rig.clock.now
    assert len(rig.slack.verified) == 2


async def test_a_rotated_token_is_verified_and_in_use_at_once(rig: WorkspaceRig) -> None:
    await rig.refresh()
    rig.kube.keep("xoxb-3333-4444-new")
    state = await rig.refresh()
    assert state.connection is not None
    assert state.connection.token.reveal() == "xoxb-3333-4444-new"


@pytest.mark.parametrize(
    ("error", "reason", "retry"),
    [
        (SlackCredentialRejected("invalid_auth", "Slack refused"), "TokenRejected", False),
        (SlackCredentialRejected("missing_scope", "Slack refused"), "ScopeMissing", False),
        (SlackTransient("tls_failed", "caBundleRef"), "TLSFailed", False),
        (SlackTransient("timeout", "slow"), "Timeout", True),
        (SlackTransient("connect_timeout", "slow"), "Timeout", True),
        (SlackTransient("ratelimited", "slow", 30.0), "SlackUnavailable", True),
        (SlackAmbiguous("http_502", "bad gateway"), "SlackUnavailable", True),
    ],
)
async def test_what_slack_says_of_a_new_token_becomes_a_named_condition(
    rig: WorkspaceRig, error: Any, reason: str, retry: bool
) -> None:
    rig.slack.error = error
    state = await rig.refresh()
    assert (state.ready, state.reason, state.retry) == (False, reason, retry)
    assert str(error) in state.message
    assert (state.connection, state.verified_at) == (None, 0.0)


async def test_a_token_that_cannot_post_is_not_ready_and_says_which_scope_to_add(
    rig: WorkspaceRig,
) -> None:
    rig.slack.identity = identity("channels:read")
    state = await rig.refresh()
    assert (state.ready, state.reason, state.connection) == (False, "ScopeMissing", None)
    assert "chat:write" in state.message
    assert state.identity == rig.slack.identity


async def test_a_scope_that_was_added_counts_within_a_minute(rig: WorkspaceRig) -> None:
    rig.slack.identity = identity("channels:read")
    await rig.refresh()
    rig.slack.identity = identity("channels:read", "chat:write")
    rig.clock.now += 30
    assert not (await rig.refresh()).ready
    rig.clock.now += 30
    assert (await rig.refresh()).ready


async def test_trouble_at_slack_leaves_a_good_workspace_ready(rig: WorkspaceRig) -> None:
    good = await rig.refresh()
    rig.clock.now += 3600
    rig.slack.error = SlackTransient("timeout", "slow")
    assert await rig.refresh() is good
    assert len(rig.slack.verified) == 2


async def test_trouble_at_slack_does_not_make_a_new_token_ready(rig: WorkspaceRig) -> None:
    await rig.refresh()
    rig.kube.keep("xoxb-3333-4444-new")
    rig.slack.error = SlackTransient("timeout", "slow")
    assert not (await rig.refresh()).ready
    rig.slack.error = None
    assert (await rig.refresh()).ready


async def test_a_token_that_is_refused_at_the_hourly_look_ends_readiness(rig: WorkspaceRig) -> None:
    await rig.refresh()
    rig.clock.now += 3600
    rig.slack.error = SlackCredentialRejected("token_revoked", "Slack refused")
    assert (await rig.refresh()).reason == "TokenRejected"


async def test_a_suspicion_ends_readiness_and_has_slack_asked_at_once(rig: WorkspaceRig) -> None:
    await rig.refresh()
    rig.workspaces.suspect("monitoring/acme", SlackCredentialRejected("token_revoked", "refused"))
    state = rig.workspaces.state("monitoring/acme")
    assert state is not None
    assert (state.ready, state.reason, state.connection) == (False, "TokenRejected", None)
    assert state.identity is not None
    rig.kube.keep("xoxb-3333-4444-new")
    assert (await rig.refresh()).ready


async def test_a_suspicion_that_proves_wrong_is_not_asked_about_again_for_a_minute(
    rig: WorkspaceRig,
) -> None:
    refused = SlackCredentialRejected("not_allowed_token_type", "refused")
    await rig.refresh()
    rig.workspaces.suspect("monitoring/acme", refused)
    assert (await rig.refresh()).ready
    rig.workspaces.suspect("monitoring/acme", refused)
    assert not (await rig.refresh()).ready
    assert len(rig.slack.verified) == 2
    rig.clock.now += 60
    assert (await rig.refresh()).ready


async def test_a_suspicion_stands_until_slack_has_answered(rig: WorkspaceRig) -> None:
    await rig.refresh()
    rig.workspaces.suspect("monitoring/acme", SlackCredentialRejected("token_revoked", "refused"))
    rig.slack.error = SlackTransient("timeout", "slow")
    assert (await rig.refresh()).reason == "TokenRejected"
    rig.slack.error = None
    assert (await rig.refresh()).ready


async def test_a_late_refusal_of_the_old_token_says_nothing_of_the_new_one(
    rig: WorkspaceRig,
) -> None:
    old = (await rig.refresh()).connection
    rig.kube.keep("xoxb-3333-4444-new")
    state = await rig.refresh()
    refused = SlackCredentialRejected("token_revoked", "refused")
    rig.workspaces.suspect("monitoring/acme", refused, old)
    assert rig.workspaces.state("monitoring/acme") is state
    rig.workspaces.suspect("monitoring/acme", refused, state.connection)
    assert rig.workspaces.state("monitoring/acme") == replace(
        state,
        ready=False,
        reason="TokenRejected",
        message="refused: put a valid token into the Secret",
        connection=None,
        retry=True,
    )


async def test_suspicion_of_what_is_unknown_or_not_ready_changes_nothing(rig: WorkspaceRig) -> None:
    refused = SlackCredentialRejected("token_revoked", "refused")
    rig.workspaces.suspect("monitoring/acme", refused)
    assert rig.workspaces.state("monitoring/acme") is None
    rig.kube.secrets.clear()
    state = await rig.refresh()
    rig.workspaces.suspect("monitoring/acme", refused)
    assert rig.workspaces.state("monitoring/acme") is state
