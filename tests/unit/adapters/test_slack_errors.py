"""Each of Slack's refusals has its class."""

from typing import Any

import aiohttp
import pytest

from tocsin.adapters.slack_errors import Refusal, failed, refused, unclear
from tocsin.errors import (
    SlackAmbiguous,
    SlackCredentialRejected,
    SlackDestinationRejected,
    SlackError,
    SlackMessageGone,
    SlackPayloadRejected,
    SlackTransient,
)

POST = "chat.postMessage"
LIST = "conversations.list"


def judged(code: str, status: int = 200, method: str = POST, **body: Any) -> SlackError:
    return refused(method, "slack.com", Refusal(status, {"ok": False, "error": code, **body}))


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (
            SlackTransient,
            "ratelimited rate_limited service_unavailable request_timeout team_added_to_org "
            "org_login_required message_limit_exceeded external_channel_migrating",
        ),
        (SlackAmbiguous, "internal_error fatal_error update_failed"),
        (
            SlackCredentialRejected,
            "invalid_auth not_authed account_inactive token_revoked token_expired missing_scope "
            "not_allowed_token_type accesslimited two_factor_setup_required "
            "enterprise_is_restricted app_access_restricted team_access_not_granted",
        ),
        (
            SlackDestinationRejected,
            "channel_not_found not_in_channel is_archived is_inactive restricted_action "
            "restricted_action_read_only_channel restricted_action_thread_only_channel "
            "posting_to_general_channel_denied messages_tab_disabled team_not_found "
            "no_permission access_denied ekm_access_denied user_not_found cannot_dm_bot",
        ),
        (
            SlackMessageGone,
            "message_not_found cant_update_message edit_window_closed block_mismatch "
            "thread_not_found cannot_reply_to_message restricted_action_non_threadable_channel",
        ),
        (
            SlackPayloadRejected,
            "invalid_blocks invalid_blocks_format invalid_attachments msg_blocks_too_long "
            "msg_too_long no_text too_many_attachments attachment_payload_limit_exceeded "
            "invalid_metadata_format metadata_too_large markdown_text_conflict invalid_arguments",
        ),
    ],
)
def test_codes_have_their_class(kind: type[SlackError], codes: str) -> None:
    for code in codes.split():
        error = judged(code)
        assert type(error) is kind, code
        assert error.code == code


def test_an_unknown_code_is_tried_again() -> None:
    assert type(judged("not_known_when_this_was_written")) is SlackTransient


def test_an_unknown_code_with_a_server_error_leaves_the_outcome_open() -> None:
    assert type(judged("not_known_when_this_was_written", 500)) is SlackAmbiguous
    assert type(judged("service_unavailable", 503)) is SlackTransient
    assert type(judged("channel_not_found", 500)) is SlackDestinationRejected


def test_reads_are_never_ambiguous() -> None:
    assert type(judged("internal_error", method=LIST)) is SlackTransient
    assert type(refused(LIST, "slack.com", Refusal(502, {}))) is SlackTransient
    assert type(unclear(LIST, "timeout", "slow")) is SlackTransient
    assert type(unclear("chat.update", "timeout", "slow")) is SlackAmbiguous


def test_a_missing_scope_stops_the_workspace_only_where_nothing_can_be_posted_without_it() -> None:
    assert type(judged("missing_scope", needed="chat:write")) is SlackCredentialRejected
    assert type(judged("missing_scope", needed="im:write")) is SlackDestinationRejected
    listing = judged("missing_scope", method=LIST, needed="channels:read", provided="chat:write")
    assert type(listing) is SlackCredentialRejected
    assert "needed channels:read; provided chat:write" in str(listing)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("0", 0.0), ("999999", 3600.0), ("", None), ("soon", None), ("-1", None)],
)
def test_retry_after_is_read_and_bounded(header: str, seconds: float | None) -> None:
    error = refused(POST, "slack.com", Refusal(429, {"ok": False}, header))
    assert isinstance(error, SlackTransient)
    assert (error.code, error.retry_after_seconds) == ("ratelimited", seconds)


def test_a_full_workspace_is_left_alone_for_long() -> None:
    error = judged("message_limit_exceeded")
    assert isinstance(error, SlackTransient)
    assert error.retry_after_seconds == 600.0


def test_the_explanation_of_a_refused_message_is_kept_and_bounded() -> None:
    messages = ["[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text]", 7]
    error = judged("invalid_blocks", response_metadata={"messages": messages})
    assert "json-pointer:/blocks/1/text" in str(error)
    assert len(str(judged("invalid_blocks", response_metadata={"messages": ["x" * 9999]}))) < 600
    assert str(judged("invalid_blocks", response_metadata=None)).endswith("invalid_blocks")


@pytest.mark.parametrize("code", ["", 7, None, "Not A Code", "x" * 99, "<!channel>"])
def test_what_is_no_code_is_not_repeated(code: Any) -> None:
    error = refused(POST, "slack.com", Refusal(200, {"ok": False, "error": code}))
    assert type(error) is SlackAmbiguous
    assert error.code == "malformed_answer"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (302, SlackTransient, "redirected"),
        (403, SlackTransient, "http_403"),
        (404, SlackTransient, "http_404"),
        (500, SlackAmbiguous, "http_500"),
        (200, SlackAmbiguous, "malformed_answer"),
    ],
)
def test_answers_that_are_not_slacks_are_judged_by_their_status(
    status: int, kind: type[SlackError], code: str
) -> None:
    error = refused(POST, "slack.internal", Refusal(status, {}, "", "is not a JSON object"))
    assert (type(error), error.code) == (kind, code)
    assert "slack.internal" in str(error)
    assert "is not a JSON object" in str(error)


def test_tokens_in_slacks_words_are_masked() -> None:
    error = judged("invalid_arguments", response_metadata={"messages": ["bad xoxb-1-2-secret"]})
    assert "secret" not in str(error)


def test_an_invalid_url_was_never_called() -> None:
    error = failed(POST, "slack.com", aiohttp.InvalidURL("http://["))
    assert (type(error), error.code) == (SlackTransient, "invalid_url")


def test_a_connection_that_breaks_leaves_the_outcome_open() -> None:
    error = failed(POST, "slack.com", aiohttp.ServerDisconnectedError())
    assert (type(error), error.code) == (SlackAmbiguous, "disconnected")
