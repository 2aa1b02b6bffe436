"""Incoming webhooks, through Slack's own client and by bare HTTP."""

import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from lab.slack.faults import Fault
from lab.slack.limits import Rule
from lab.slack.server import StandIn
from lab.slack.workspace import Webhook
from tests.lab.slack_talk import SECTION, error, journaled, shown, unlimited, web


def hook(slack: StandIn, url: str = "") -> AsyncWebhookClient:
    return AsyncWebhookClient(url or slack.webhook_url("B0HOOK"), retry_handlers=[])


async def send(slack: StandIn, **content: Any) -> WebhookResponse:
    return await hook(slack).send(**content)


def seen(response: WebhookResponse) -> tuple[int, str]:
    return response.status_code, response.body


async def test_a_message_is_answered_with_ok_in_plain_text(slack: StandIn) -> None:
    response = await send(slack, text="x", blocks=[SECTION], attachments=[{"text": "a"}])
    assert seen(response) == (200, "ok")
    [message] = await shown(slack, "C00ALERTS")
    assert (message["author"], message["text"]) == ("Alerts webhook", "x")
    assert message["blocks"] == [{"block_id": "b0", **SECTION}]


async def test_a_form_with_a_payload_is_taken(slack: StandIn) -> None:
    body = urlencode({"payload": json.dumps({"text": "x"})}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.webhook_url("B0HOOK"), data=body, headers=headers) as response,
    ):
        assert (response.status, await response.text()) == (200, "ok")


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'"\xff"'])
async def test_what_is_no_json_object_is_an_invalid_payload(slack: StandIn, body: bytes) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.webhook_url("B0HOOK"), data=body) as response,
    ):
        assert (response.status, await response.text()) == (400, "invalid_payload")


async def test_a_webhook_takes_posts_only(slack: StandIn) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(slack.webhook_url("B0HOOK")) as response,
    ):
        assert response.status == 405


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "x", "blocks": [{"type": "banner"}]}, "invalid_blocks"),
        ({"text": "x", "attachments": [{"blocks": [{"type": "banner"}]}]}, "invalid_attachments"),
        ({"text": "x", "attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
    ],
)
async def test_content_that_is_refused_is_a_bad_request(
    slack: StandIn, content: dict[str, Any], code: str
) -> None:
    assert seen(await hook(slack).send_dict(content)) == (400, code)


async def test_a_wrong_address_says_which_part_is_wrong(slack: StandIn) -> None:
    wrong = {
        "services/T0NONE/B0HOOK/lab-webhook-secret": (404, "no_team"),
        "services/T0ACME/B0NONE/lab-webhook-secret": (404, "no_service"),
        "services/T0ACME/B0HOOK/guessed": (403, "invalid_token"),
    }
    for path, expected in wrong.items():
        response = await hook(slack, f"{slack.url}/{path}").send(text="x")
        assert seen(response) == expected


async def test_a_webhook_switched_off_is_no_service(slack: StandIn) -> None:
    slack.state.webhooks["B0HOOK"].enabled = False
    assert seen(await send(slack, text="x")) == (404, "no_service")


async def test_an_archived_channel_is_gone(slack: StandIn) -> None:
    slack.state.channels["C00ALERTS"].archived = True
    assert seen(await send(slack, text="x")) == (410, "channel_is_archived")


async def test_a_channel_that_is_not_there_is_not_found(slack: StandIn) -> None:
    slack.state.put(Webhook(id="B0LOST", team="T0ACME", secret="s", channel="C0LOST"))
    response = await hook(slack, slack.webhook_url("B0LOST")).send(text="x")
    assert seen(response) == (404, "channel_not_found")


async def test_a_second_message_within_the_second_waits(slack: StandIn) -> None:
    await send(slack, text="x")
    response = await send(slack, text="y")
    assert seen(response) == (429, "rate_limited")
    assert response.headers["Retry-After"] == "1"
    slack.limits.configure({"webhook": Rule(60, 2)})
    assert seen(await send(slack, text="y")) == (200, "ok")


async def test_a_message_may_reply_in_a_thread(slack: StandIn) -> None:
    ts = (await web(slack).chat_postMessage(channel="alerts", text="parent"))["ts"]
    response = await hook(slack).send_dict({"text": "reply", "thread_ts": ts})
    assert response.status_code == 200
    [thread] = await shown(slack, "C00ALERTS")
    assert [reply["text"] for reply in thread["replies"]] == ["reply"]
    slack.limits.configure({}, enabled=False)
    bad = await hook(slack).send_dict({"text": "reply", "thread_ts": "then"})
    assert seen(bad) == (400, "invalid_thread_ts")


async def test_an_app_cannot_edit_what_a_webhook_posted(slack: StandIn) -> None:
    client = unlimited(slack)
    await send(slack, text="x")
    [message] = await shown(slack, "C00ALERTS")
    call = client.chat_update(channel="C00ALERTS", ts=message["ts"], text="y")
    assert await error(call) == "cant_update_message"


async def test_webhooks_have_faults_too(slack: StandIn) -> None:
    slack.faults.add(
        Fault(kind="error", error="rollup_error", method="webhook", count=1),
        Fault(kind="status", status=503, channel="alerts", count=1),
        Fault(kind="drop_after", method="webhook", count=1),
    )
    assert seen(await send(slack, text="1")) == (500, "rollup_error")
    assert seen(await send(slack, text="2")) == (503, "")
    with pytest.raises(aiohttp.ClientError):
        await send(slack, text="3")
    assert [m["text"] for m in await shown(slack, "C00ALERTS")] == ["3"]
    assert [(e.answer, e.status, e.text) for e in journaled(slack)] == [
        ("rollup_error", 500, "1"),
        ("http 503", 503, "2"),
        ("ok", 0, "3"),
    ]


async def test_the_journal_tells_which_webhook_posted_and_not_its_secret(slack: StandIn) -> None:
    await send(slack, text="x", blocks=[SECTION])
    await hook(slack, f"{slack.url}/services/T0ACME/B0HOOK/guessed").send(text="y")
    first, second = journaled(slack)
    assert (first.method, first.answer, first.status) == ("webhook", "ok", 200)
    assert (first.team, first.channel, first.text) == ("T0ACME", "C00ALERTS", "x")
    assert first.blocks == [SECTION]
    assert first.ts == (await shown(slack, "C00ALERTS"))[0]["ts"]
    assert (second.answer, second.status, second.accepted) == ("invalid_token", 403, False)
    assert first.token != second.token
    written = slack.journal_path.read_text()
    assert "lab-webhook-secret" not in written
    assert "guessed" not in written
