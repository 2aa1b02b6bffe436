"""The rate limits: each method's budget, what shares one, and what a client is told."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from lab.slack.limits import DEFAULT_RULES, Limits, Rule
from lab.slack.server import StandIn
from lab.slack.workspace import Team
from tests.lab.slack_talk import SECTION, control, error, grant, journaled, refusal, web


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize("burst", [1, 3, 10])
def test_a_burst_is_admitted_at_once_and_then_one_a_second(burst: int) -> None:
    clock = Clock()
    limits = Limits({"chat.postMessage": Rule(60, burst)}, clock=clock)

    def posts_admitted(tries: int) -> int:
        return sum(not limits.take("chat.postMessage", "T1", "C1") for _ in range(tries))

    assert posts_admitted(20) == burst
    clock.seconds += 0.99
    assert posts_admitted(1) == 0
    clock.seconds += 0.01
    assert posts_admitted(2) == 1
    clock.seconds += 3600
    assert posts_admitted(20) == burst


def test_the_wait_is_in_whole_seconds_and_long_enough() -> None:
    clock = Clock()
    limits = Limits({"conversations.list": Rule(20, 1)}, clock=clock)
    assert limits.take("conversations.list", "T1") == 0
    assert limits.take("conversations.list", "T1") == 3
    clock.seconds += 2.5
    assert limits.take("conversations.list", "T1") == 1
    clock.seconds += 1
    assert limits.take("conversations.list", "T1") == 0


@pytest.mark.parametrize("method", DEFAULT_RULES)
def test_each_method_keeps_to_its_rule(method: str) -> None:
    clock = Clock()
    limits = Limits(clock=clock)
    rule = DEFAULT_RULES[method]
    admitted = 0
    for _ in range(600):
        admitted += not limits.take(method, "T1")
        clock.seconds += 0.1
    assert admitted == pytest.approx(min(600, rule.burst + rule.per_minute), abs=1)


def test_budgets_are_apart_by_method_team_and_channel() -> None:
    limits = Limits({name: Rule(60, 1) for name in ("a", "b")}, clock=Clock())
    buckets = [("a", "T1", "C1"), ("a", "T1", "C2"), ("a", "T2", "C1"), ("b", "T1", "C1")]
    assert [limits.take(*bucket) for bucket in buckets] == [0, 0, 0, 0]
    assert [limits.take(*bucket) for bucket in buckets] == [1, 1, 1, 1]


def test_a_method_without_a_rule_is_not_limited() -> None:
    limits = Limits({}, clock=Clock())
    assert [limits.take("api.test", "T1") for _ in range(100)] == [0] * 100


def test_limits_switched_off_admit_everything() -> None:
    limits = Limits(enabled=False, clock=Clock())
    assert [limits.take("chat.postMessage", "T1", "C1") for _ in range(100)] == [0] * 100


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (float("inf"), 1), (60, 0), (-1, 1)])
def test_a_rule_that_cannot_be_is_refused(per_minute: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive per_minute and a burst"):
        Rule(per_minute, burst)


async def test_a_second_post_within_the_second_waits(slack: StandIn) -> None:
    client = web(slack)
    await client.chat_postMessage(channel="alerts", text="x")
    refused = await refusal(client.chat_postMessage(channel="C00ALERTS", text="x"))
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1"
    assert refused.data == {"ok": False, "error": "ratelimited"}
    assert refused.headers["x-oauth-scopes"].startswith("chat:write")
    assert (await client.chat_postMessage(channel="platform", text="x"))["ok"]
    assert [entry.answer for entry in journaled(slack)] == ["ok", "ratelimited", "ok"]


async def test_a_post_refused_for_its_content_is_counted_too(slack: StandIn) -> None:
    client = web(slack)
    bad: list[Any] = [{"type": "banner"}]
    call = client.chat_postMessage(channel="alerts", text="x", blocks=bad)
    assert await error(call) == "invalid_blocks"
    assert await error(client.chat_postMessage(channel="alerts", text="x")) == "ratelimited"


async def test_a_post_to_no_channel_costs_no_channel_anything(slack: StandIn) -> None:
    client = web(slack)
    for _ in range(3):
        refused = client.chat_postMessage(channel="nowhere", text="x")
        assert await error(refused) == "channel_not_found"


async def test_edits_share_one_budget_over_all_channels_of_a_team(slack: StandIn) -> None:
    client = web(slack)
    one = await client.chat_postMessage(channel="alerts", text="x")
    other = await client.chat_postMessage(channel="platform", text="x")
    slack.limits.configure({"chat.update": Rule(50, 2)})
    for posted in (one, other):
        await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="y")
    refused = await refusal(
        client.chat_update(channel=one["channel"], ts=one["ts"], text="z", blocks=[SECTION])
    )
    assert refused.headers["Retry-After"] == "2"
    slack.state.put(Team(id="T0OTHER", name="Other"))
    elsewhere = web(slack, grant(slack, "chat:write", team="T0OTHER", user="U0OTHER"))
    call = elsewhere.chat_update(channel="C00ALERTS", ts=one["ts"], text="y")
    assert await error(call) == "channel_not_found"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("auth.test", {}),
        ("conversations.info", {"channel": "C00ALERTS"}),
        ("conversations.list", {}),
        ("conversations.history", {"channel": "C00ALERTS"}),
        ("conversations.replies", {"channel": "C00ALERTS", "ts": "1"}),
        ("conversations.open", {"users": "U000GRACE"}),
        ("users.lookupByEmail", {"email": "grace@acme.example"}),
        ("chat.update", {"channel": "C00ALERTS", "ts": "1", "text": "x"}),
    ],
)
async def test_every_other_method_is_limited_by_team(
    slack: StandIn, method: str, arguments: dict[str, str]
) -> None:
    slack.limits.configure({method: Rule(20, 1)})
    client = web(slack)

    async def outcome() -> Any:
        try:
            return (await client.api_call(method, params=arguments)).status_code
        except SlackApiError as refused:
            return refused.response.status_code

    assert [await outcome(), await outcome()] == [200, 429]


async def test_limits_are_shown_and_set_while_it_runs(slack: StandIn) -> None:
    status, now = await control(slack, "GET", "limits")
    assert status == 200
    assert now["enabled"] is True
    assert now["rules"]["chat.postMessage"] == {"per_minute": 60, "burst": 1}
    change = {"rules": {"chat.postMessage": {"per_minute": 60, "burst": 3}}}
    _, now = await control(slack, "POST", "limits", change)
    assert now["rules"]["chat.postMessage"]["burst"] == 3
    assert now["rules"]["chat.update"] == {"per_minute": 50, "burst": 10}
    client = web(slack)
    for _ in range(3):
        await client.chat_postMessage(channel="alerts", text="x")
    assert await error(client.chat_postMessage(channel="alerts", text="x")) == "ratelimited"
    await control(slack, "POST", "limits", {"enabled": False})
    assert (await client.chat_postMessage(channel="alerts", text="x"))["ok"]
    await control(slack, "POST", "reset")
    assert (await control(slack, "GET", "limits"))[1]["rules"]["chat.postMessage"]["burst"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"rules": {"chat.postMessage": {"per_minute": 60, "burst": 0}}},
        {"rules": {"chat.postMessage": {"per_second": 1, "burst": 1}}},
        {"limits": {}},
        [],
    ],
)
async def test_limits_that_make_no_sense_are_refused(slack: StandIn, change: Any) -> None:
    status, answer = await control(slack, "POST", "limits", change)
    assert status == 400
    assert answer["error"]
