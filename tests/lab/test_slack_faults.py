"""Faults on demand: what the client sees, what was accepted, and what the journal says."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from lab.slack.errors import BadControl
from lab.slack.faults import Fault, FaultPlan
from lab.slack.server import StandIn
from tests.lab.slack_talk import (
    control,
    error,
    eventually,
    journaled,
    refusal,
    shown,
    unlimited,
    web,
)

CHANNEL: dict[str, Any] = {"channel": "alerts", "text": "x"}


async def plan(slack: StandIn, **fault: Any) -> None:
    """Put one fault in force through the control API."""
    status, answer = await control(slack, "POST", "faults", [fault])
    assert status == 200, answer


async def accepted(slack: StandIn) -> list[str]:
    return [message["text"] for message in await shown(slack, "C00ALERTS")]


@pytest.mark.parametrize("status", [500, 503, 504])
async def test_an_injected_status_is_answered_and_nothing_is_accepted(
    slack: StandIn, status: int
) -> None:
    await plan(slack, kind="status", status=status, count=1)
    with pytest.raises(SlackApiError) as failed:
        await web(slack).chat_postMessage(**CHANNEL)
    assert failed.value.response.status_code == status
    assert await accepted(slack) == []
    [entry] = journaled(slack)
    assert (entry.answer, entry.status, entry.fault) == (f"http {status}", status, "status")
    assert (entry.asked, entry.channel, entry.text) == ("alerts", "C00ALERTS", "x")
    assert not entry.accepted


async def test_an_injected_502_has_an_html_body(slack: StandIn) -> None:
    await plan(slack, kind="status", status=502)
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.api_url + "auth.test") as response,
    ):
        assert (response.status, response.content_type) == (502, "text/html")
        assert (await response.text()).startswith("<!DOCTYPE html>")


async def test_an_injected_429_says_when_to_come_back(slack: StandIn) -> None:
    await plan(slack, kind="status", status=429, retry_after_seconds=17)
    refused = await refusal(web(slack).chat_postMessage(**CHANNEL))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "17")
    assert refused["error"] == "ratelimited"


async def test_an_injected_error_is_answered_as_slack_answers_it(slack: StandIn) -> None:
    await plan(slack, kind="error", error="fatal_error", method="chat.postMessage", count=1)
    client = web(slack)
    assert (await client.auth_test())["ok"]
    assert await error(client.chat_postMessage(**CHANNEL)) == "fatal_error"
    assert (await client.chat_postMessage(**CHANNEL))["ok"]
    assert [(e.answer, e.fault) for e in journaled(slack)] == [
        ("ok", ""),
        ("fatal_error", "error"),
        ("ok", ""),
    ]


async def test_a_connection_dropped_before_leaves_nothing(slack: StandIn) -> None:
    await plan(slack, kind="drop_before", count=1)
    with pytest.raises(aiohttp.ClientError):
        await web(slack).chat_postMessage(**CHANNEL)
    assert await accepted(slack) == []
    [entry] = journaled(slack)
    assert (entry.answer, entry.status, entry.fault) == ("dropped", 0, "drop_before")


async def test_a_connection_dropped_after_leaves_the_message(slack: StandIn) -> None:
    await plan(slack, kind="drop_after", count=1)
    with pytest.raises(aiohttp.ClientError):
        await web(slack).chat_postMessage(**CHANNEL)
    [message] = await shown(slack, "C00ALERTS")
    [entry] = journaled(slack)
    assert (entry.answer, entry.status, entry.fault) == ("ok", 0, "drop_after")
    assert (entry.accepted, entry.ts, entry.channel) == (True, message["ts"], "C00ALERTS")


async def test_a_request_that_times_out_is_never_accepted(slack: StandIn) -> None:
    await plan(slack, kind="timeout", count=1)
    timeout = aiohttp.ClientTimeout(total=0.3)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        client = web(slack)
        client.session = session
        with pytest.raises(TimeoutError):
            await client.chat_postMessage(**CHANNEL)
    assert await accepted(slack) == []
    [entry] = journaled(slack)
    assert (entry.answer, entry.status, entry.fault) == ("unanswered", 0, "timeout")


async def test_the_stand_in_stops_while_a_request_waits_for_ever(slack: StandIn) -> None:
    await plan(slack, kind="timeout")
    waiting = asyncio.ensure_future(web(slack).auth_test())
    await eventually(lambda: journaled(slack))
    await slack.__aexit__(None, None, None)
    with pytest.raises(aiohttp.ClientError):
        await waiting
    await slack.__aenter__()


async def test_a_delayed_answer_comes_after_its_delay(slack: StandIn) -> None:
    await plan(slack, kind="delay", delay_seconds=0.2, count=1)
    assert (await web(slack).chat_postMessage(**CHANNEL))["ok"]
    [entry] = journaled(slack)
    assert (entry.answer, entry.fault) == ("ok", "delay")
    assert entry.duration_seconds >= 0.2


async def test_a_delayed_post_is_accepted_though_the_client_gave_up(slack: StandIn) -> None:
    await plan(slack, kind="delay", delay_seconds=0.5, count=1)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.1)) as session:
        client = web(slack)
        client.session = session
        with pytest.raises(TimeoutError):
            await client.chat_postMessage(**CHANNEL)
    assert await accepted(slack) == []
    await eventually(lambda: journaled(slack))
    assert await accepted(slack) == ["x"]


@pytest.mark.parametrize("channel", ["alerts", "#alerts", "C00ALERTS"])
async def test_a_fault_may_strike_one_channel_however_it_is_named(
    slack: StandIn, channel: str
) -> None:
    await plan(slack, kind="error", error="is_archived", channel=channel)
    client = unlimited(slack)
    assert (await client.chat_postMessage(channel="platform", text="x"))["ok"]
    assert (await client.auth_test())["ok"]
    for asked in ("alerts", "#alerts", "C00ALERTS"):
        assert await error(client.chat_postMessage(channel=asked, text="x")) == "is_archived"


async def test_a_fault_may_name_a_channel_that_is_not_there(slack: StandIn) -> None:
    await plan(slack, kind="error", error="internal_error", channel="#nowhere")
    call = web(slack).chat_postMessage(channel="nowhere", text="x")
    assert await error(call) == "internal_error"


async def test_faults_are_shown_with_what_is_left_and_cleared(slack: StandIn) -> None:
    await plan(slack, kind="error", count=2)
    await plan(slack, kind="status", status=500, method="chat.update")
    await error(web(slack).auth_test())
    _, answer = await control(slack, "GET", "faults")
    assert [(f["kind"], f["count"]) for f in answer["faults"]] == [("error", 1), ("status", None)]
    assert (await control(slack, "DELETE", "faults"))[1] == {"faults": []}
    assert (await web(slack).auth_test())["ok"]


def test_the_first_fault_that_fires_is_the_one() -> None:
    faults = FaultPlan()
    faults.add(Fault(kind="error", error="a", count=1), Fault(kind="error", error="b", count=1))
    drawn = [faults.draw("auth.test", frozenset()) for _ in range(3)]
    assert [fault and fault.error for fault in drawn] == ["a", "b", None]
    assert not faults


def test_a_probable_fault_strikes_its_share_and_the_same_ones_again() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = FaultPlan()
        faults.add(Fault(kind="error", probability=0.3, seed=seed))
        return [faults.draw("auth.test", frozenset()) is not None for _ in range(1000)]

    assert 250 <= sum(strikes(7)) <= 350
    assert strikes(7) == strikes(7)
    assert strikes(7) != strikes(8)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 418},
        {"probability": 0},
        {"probability": 1.1},
        {"count": 0},
        {"delay_seconds": -1},
        {"retry_after_seconds": 0},
    ],
)
def test_a_fault_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    faults = FaultPlan()
    with pytest.raises(BadControl):
        faults.add(Fault(kind="error"), Fault(kind="status", **fields))
    assert not faults


@pytest.mark.parametrize(
    "fault", [{"kind": "explode"}, {"kind": "error", "often": True}, {"kind": "status", "count": 0}]
)
async def test_the_control_api_refuses_a_fault_that_cannot_be(
    slack: StandIn, fault: dict[str, Any]
) -> None:
    status, answer = await control(slack, "POST", "faults", [fault])
    assert status == 400
    assert answer["error"]
    assert (await control(slack, "GET", "faults"))[1] == {"faults": []}
