"""Turns Slack's refusals and failed requests into Tocsin's errors.

In: what Slack answered, or what aiohttp raised, for one Web API method. Out: a `SlackError` that
holds no token: its text is made of Slack's own words, redacted, never of a request. Called by
`adapters.slack_client`. Codes as documented with chat.postMessage, chat.update and auth.test at
docs.slack.dev.

A code that is not listed becomes `SlackTransient`: with `ok: false` Slack says that it did not
accept, so trying again repeats nothing; giving up at once could lose a message to a passing
trouble, and blaming the token or the channel would stop messages that would arrive.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ssl import SSLCertVerificationError
from typing import Any, Final

import aiohttp

from tocsin.errors import (
    SlackAmbiguous,
    SlackCredentialRejected,
    SlackDestinationRejected,
    SlackError,
    SlackMessageGone,
    SlackPayloadRejected,
    SlackTransient,
)
from tocsin.redact import redact

WRITES: Final = frozenset({"chat.postMessage", "chat.update"})
"""Methods of which a lost answer leaves open whether they were carried out."""

_LIMITED: Final = frozenset({"ratelimited", "rate_limited"})
_WORKSPACE_FULL: Final = "message_limit_exceeded"
_WORKSPACE_FULL_SECONDS: Final = 600.0
_MAX_RETRY_AFTER_SECONDS: Final = 3600.0
_UNFINISHED: Final = frozenset({"internal_error", "fatal_error", "update_failed"})

_CLASSES: Final[Mapping[type[SlackError], str]] = {
    SlackCredentialRejected: (
        "account_inactive accesslimited app_access_restricted enterprise_is_restricted "
        "invalid_auth missing_scope not_allowed_token_type not_authed team_access_not_granted "
        "token_expired token_revoked two_factor_setup_required"
    ),
    # Three of these sound like the token's fault, but Slack documents them as one conversation's.
    # Who posts to it must not be able to stop a workspace that others share.
    SlackDestinationRejected: (
        "access_denied cannot_dm_bot channel_not_found ekm_access_denied is_archived is_inactive "
        "messages_tab_disabled no_permission not_in_channel team_not_found user_disabled "
        "user_not_found"
    ),
    SlackMessageGone: (
        "block_mismatch cannot_reply_to_message cant_update_message edit_window_closed "
        "invalid_thread_ts message_not_found restricted_action_non_threadable_channel "
        "thread_not_found"
    ),
    SlackPayloadRejected: (
        "attachment_payload_limit_exceeded markdown_text_conflict "
        "metadata_must_be_sent_from_app no_text"
    ),
}
_CLASS_OF: Final[Mapping[str, type[SlackError]]] = {
    code: kind for kind, codes in _CLASSES.items() for code in codes.split()
}
_FAMILIES: Final[tuple[tuple[re.Pattern[str], type[SlackError]], ...]] = (
    (re.compile("restricted_action.*|posting_to_.*_denied"), SlackDestinationRejected),
    (re.compile("invalid_.*|too_many_.*|.*_too_(long|large)"), SlackPayloadRejected),
)
_CODE_SHAPE: Final = re.compile("[a-z0-9_.-]{1,80}")
_MAX_DETAIL_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Slack answered instead of `ok`.

    `body` is the answer's JSON object, empty where it was none; then `problem` says what it was.
    `retry_after` is the header's text, empty where there was none.
    """

    status: int
    body: Mapping[str, Any]
    retry_after: str = ""
    problem: str = ""

    @property
    def code(self) -> str:
        """Slack's error code, empty where the answer has none."""
        code = self.body.get("error")
        return code if isinstance(code, str) and _CODE_SHAPE.fullmatch(code) else ""


def refused(method: str, host: str, refusal: Refusal) -> SlackError:
    """Return the error for a call of `method` that `host` answered and did not carry out."""
    code = refusal.code
    if refusal.status == 429 or code in _LIMITED:
        text = f"Slack limits how often {method} may be called"
        return SlackTransient(code or "ratelimited", text, _retry_after_seconds(refusal))
    if not code:
        return _answered_otherwise(method, host, refusal)
    text = redact(f"Slack refused {method}: {code}{_details(refusal.body)}")
    if code in _UNFINISHED:
        return unclear(method, code, text)
    if code == _WORKSPACE_FULL:
        return SlackTransient(code, text, _WORKSPACE_FULL_SECONDS)
    kind = _CLASS_OF.get(code) or _family(code)
    if code == "missing_scope" and method in WRITES and not _lacks_right_to_post(refusal.body):
        kind = SlackDestinationRejected
    if kind is not None:
        return kind(code, text)
    if refusal.status >= 500 and code != "service_unavailable":
        return unclear(method, code, text)
    return SlackTransient(code, text, _retry_after_seconds(refusal))


def unclear(method: str, code: str, text: str) -> SlackError:
    """Return the error for a call that may have been carried out; reads can just be repeated."""
    return SlackAmbiguous(code, text) if method in WRITES else SlackTransient(code, text)


def _family(code: str) -> type[SlackError] | None:
    return next((kind for shape, kind in _FAMILIES if shape.fullmatch(code)), None)


def _lacks_right_to_post(body: Mapping[str, Any]) -> bool:
    """Whether the scope that a post lacks is the one that every post needs."""
    needed = body.get("needed")
    return not isinstance(needed, str) or "chat:write" in needed.split(",")


def _answered_otherwise(method: str, host: str, refusal: Refusal) -> SlackError:
    """The error for an answer that is not one of Slack's Web API."""
    status, problem = refusal.status, refusal.problem or "names no error"
    text = redact(f"{host} answered {method} with HTTP {status}, and the answer {problem}")
    if 300 <= status < 400:
        return SlackTransient(
            "redirected", f"{text}: redirects are not followed; check spec.api.url"
        )
    if 400 <= status < 500:
        cure = "check spec.api.url, and what is between the cluster and Slack"
        return SlackTransient(f"http_{status}", f"{text}: {cure}")
    return unclear(method, "malformed_answer" if status < 300 else f"http_{status}", text)


def _retry_after_seconds(refusal: Refusal) -> float | None:
    if not (refusal.retry_after.isascii() and refusal.retry_after.isdigit()):
        return None
    return min(float(refusal.retry_after), _MAX_RETRY_AFTER_SECONDS)


def _details(body: Mapping[str, Any]) -> str:
    """Return what Slack adds to a code: the scope it needs, or what is wrong with the blocks."""
    parts = [
        f"{key} {body[key]}" for key in ("needed", "provided") if isinstance(body.get(key), str)
    ]
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    if isinstance(messages, list):
        parts += [message for message in messages if isinstance(message, str)]
    text = "; ".join(parts)[:_MAX_DETAIL_CHARACTERS]
    return f" ({text})" if text else ""


_Text = Callable[[str, Any], str]


def _tls_text(host: str, error: Any) -> str:
    """Python does not tell who issued a certificate that it refuses; OpenSSL's reason it does."""
    cause = getattr(error, "certificate_error", None) or error.os_error
    if isinstance(cause, SSLCertVerificationError):
        reason = f"its certificate was refused: {cause.verify_message}"
    else:
        reason = getattr(cause, "reason", "") or type(cause).__name__
    return (
        f"no trusted TLS connection to {host}: {reason}. If a private authority or a proxy of "
        "yours signs its certificates, name that authority's certificate in spec.api.caBundleRef"
    )


_NOT_SENT: Final[tuple[tuple[tuple[type[Exception], ...], str, _Text], ...]] = (
    (
        (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError),
        "tls_failed",
        _tls_text,
    ),
    (
        (aiohttp.ClientHttpProxyError,),
        "proxy_refused",
        lambda host, error: f"the proxy refused to connect to {host}: HTTP {error.status}",
    ),
    (
        (aiohttp.ClientProxyConnectionError,),
        "proxy_unreachable",
        lambda host, error: (
            f"no connection to the proxy for {host}: {error.strerror or 'unreachable'}"
        ),
    ),
    (
        (aiohttp.ClientConnectorDNSError,),
        "dns_failed",
        lambda host, _error: f"the name {host} does not resolve",
    ),
    (
        (aiohttp.ClientConnectorError,),
        "connect_failed",
        lambda host, error: f"no connection to {host}: {error.strerror or 'unreachable'}",
    ),
    (
        (aiohttp.ConnectionTimeoutError,),
        "connect_timeout",
        lambda host, _error: f"no connection to {host} within the time-out",
    ),
    (
        (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError),
        "invalid_url",
        lambda host, _error: f"the URL of {host} or of the proxy for it is invalid",
    ),
)


def failed(method: str, host: str, error: Exception) -> SlackError:
    """Return the error for a call that `host` did not answer; `error` is aiohttp's or the OS's."""
    for kinds, code, text in _NOT_SENT:
        if isinstance(error, kinds):
            return SlackTransient(code, redact(text(host, error)))
    if isinstance(error, TimeoutError):
        return unclear(method, "timeout", f"{host} did not answer {method} within the time-out")
    return unclear(method, "disconnected", f"the connection to {host} broke during {method}")
