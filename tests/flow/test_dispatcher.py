"""The whole pipeline on a real store against the Slack stand-in."""

import json
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from lab.slack.control import show_channel
from lab.slack.faults import Fault
from lab.slack.server import StandIn
from tests.flow.conftest import OpenStore
from tests.flow.rig import FULL, MINIMAL, Rig, alert, config, quick_receiver, until
from tests.unit.factories import receiver
from tocsin.adapters.store import SqlStore
from tocsin.errors import StoreUnavailable
from tocsin.model.records import Step
from tocsin.pipeline.absorbing import Absorber


@pytest.fixture
def alerts_channel(slack: StandIn) -> "Shown":
    slack.limits.configure({}, enabled=False)
    return Shown(slack, "C00ALERTS")


class Shown:
    """A channel of the stand-in, as its readers see it now."""

    def __init__(self, slack: StandIn, channel: str) -> None:
        self._slack = slack
        self._channel = channel

    @property
    def messages(self) -> Sequence[dict[str, Any]]:
        channel = self._slack.state.channels[self._channel]
        shown = msgspec.json.encode(show_channel(self._slack.state, channel)["messages"])
        messages: Sequence[dict[str, Any]] = json.loads(shown)
        return messages

    def has(self, count: int, word: str = "") -> bool:
        return len(self.messages) == count and all(word in str(each) for each in self.messages)


async def test_an_accepted_alert_becomes_a_message_and_its_end_an_edit(
    store: SqlStore, slack: StandIn, alerts_channel: Shown
) -> None:
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver())
        await rig.accept(alert("web-1"))
        await until(lambda: alerts_channel.has(1, "web-1"))
        await rig.accept(alert("web-1", ends_in_seconds=-1))
        await until(lambda: alerts_channel.has(1) and alerts_channel.messages[0]["edited"])
        assert "esolved" in alerts_channel.messages[0]["text"]
        assert rig.store.backlog().rows == 0


async def test_invariant_10_nothing_is_routed_before_the_first_picture_is_whole(
    store: SqlStore, slack: StandIn, alerts_channel: Shown
) -> None:
    async with Rig(store, slack.url) as rig:
        await rig.accept(alert("web-1"))
        assert store.backlog().rows == 1
        await rig.adopt(quick_receiver())
        await until(lambda: alerts_channel.has(1, "web-1"))


async def test_invariant_10_a_start_without_the_api_server_serves_the_stored_resources(
    open_: OpenStore,
    slack: StandIn,
    alerts_channel: Shown,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = await open_()
    async with Rig(first, slack.url) as rig:
        await rig.adopt(quick_receiver())
    await first.close()
    monkeypatch.setattr("tocsin.pipeline.dispatcher._SYNC_PATIENCE_SECONDS", 0.1)
    second = await open_()
    async with Rig(second, slack.url) as rig:
        await rig.workspaces.refresh(config(slack.url))
        await rig.accept(alert("web-1"))
        await until(lambda: alerts_channel.has(1, "web-1"))
    await second.close()


async def test_what_was_told_before_a_restart_is_not_told_again(
    open_: OpenStore, slack: StandIn, alerts_channel: Shown
) -> None:
    for turn in range(3):
        store = await open_()
        async with Rig(store, slack.url) as rig:
            await rig.adopt(quick_receiver())
            await rig.accept(alert("web-1"), alert("web-2"))
            await until(lambda: alerts_channel.has(1, "web-1"))
            await until(lambda store=store: store.backlog().rows == 0)  # type: ignore[misc]
        await store.close()
        assert alerts_channel.has(1), f"after start {turn}"


async def test_a_restart_resumes_the_end_of_a_message(
    open_: OpenStore, slack: StandIn, alerts_channel: Shown
) -> None:
    store = await open_()
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver())
        await rig.accept(alert("web-1"))
        await until(lambda: alerts_channel.has(1, "web-1"))
        await rig.accept(alert("web-1", ends_in_seconds=-1))
        await until(lambda: store.backlog().rows == 0)
    await store.close()
    store = await open_()
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver())
        await until(lambda: alerts_channel.messages[0]["edited"])
    await store.close()


async def test_invariant_2_a_failed_commit_reloads_and_loses_nothing(
    store: SqlStore,
    slack: StandIn,
    alerts_channel: Shown,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit, failures = store.commit, [2]

    async def failing(step: Step) -> None:
        if failures[0] and step.done_inbox:
            failures[0] -= 1
            raise StoreUnavailable("the disk is full")
        await commit(step)

    monkeypatch.setattr(store, "commit", failing)
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver())
        await rig.accept(alert("web-1"))
        await until(lambda: alerts_channel.has(1, "web-1"))
    assert failures == [0]


async def test_invariant_3_a_row_that_cannot_be_read_is_set_aside_and_blocks_nothing(
    store: SqlStore, slack: StandIn, alerts_channel: Shown
) -> None:
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver())
        await rig.intake.accept("alertmanager/v2", "test", b"not json at all")
        await rig.accept(alert("web-1"))
        await until(lambda: alerts_channel.has(1, "web-1"))
        await until(lambda: store.backlog().rows == 0)


async def test_invariant_3_a_row_that_cannot_be_absorbed_is_set_aside_after_three_tries(
    store: SqlStore,
    slack: StandIn,
    alerts_channel: Shown,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    absorb = Absorber.absorb

    def poisoned(self: Absorber, key: Any, signal: Any, step: Step) -> None:
        if signal.labels["pod"] == "poison":
            raise RuntimeError("a bug")
        absorb(self, key, signal, step)

    monkeypatch.setattr(Absorber, "absorb", poisoned)
    monkeypatch.setattr("tocsin.pipeline.dispatcher._RELOAD_PAUSE_SECONDS", 0.01)
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver())
        await rig.accept(alert("poison"))
        await rig.accept(alert("web-1"))
        await until(lambda: alerts_channel.has(1, "web-1"))
        await until(lambda: store.backlog().rows == 0)


async def test_invariant_14_a_backlog_sends_the_newest_text(
    store: SqlStore, slack: StandIn, alerts_channel: Shown
) -> None:
    async with Rig(store, slack.url) as rig:
        rig.kube.secrets.clear()
        await rig.adopt(quick_receiver())
        await rig.accept(alert("web-1"))
        await until(lambda: store.backlog().rows == 0)
        await rig.accept(alert("web-2"))
        await until(lambda: store.backlog().rows == 0)
        assert alerts_channel.messages == []
        rig.kube.secrets["payments", "slack-token"] = {"token": FULL}
        await rig.adopt(quick_receiver())
        await until(lambda: alerts_channel.has(1, "web-2"))
        assert "web-1" in str(alerts_channel.messages[0])


@pytest.mark.parametrize("token", [FULL, MINIMAL])
async def test_invariant_16_a_dropped_connection_is_settled_where_history_can_be_read(
    store: SqlStore,
    slack: StandIn,
    alerts_channel: Shown,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tocsin.pipeline.settling._LANDING_SECONDS", 0.1)
    slack.faults.add(Fault(method="chat.postMessage", kind="drop_after", count=1))
    async with Rig(store, slack.url, token) as rig:
        await rig.adopt(quick_receiver("C00ALERTS"))
        await rig.accept(alert("web-1"))
        expected = 2 if token == MINIMAL else 1
        await until(lambda: "ok" in rig.telemetry.outcomes or _settled(rig))
        assert alerts_channel.has(expected, "web-1")


def _settled(rig: Rig) -> bool:
    tally = rig.dispatcher.tally("payments/oncall", "C00ALERTS")
    return tally.sent == 1


async def test_invariant_17_a_message_that_was_deleted_is_posted_afresh_once(
    store: SqlStore, slack: StandIn, alerts_channel: Shown
) -> None:
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver())
        await rig.accept(alert("web-1"))
        await until(lambda: alerts_channel.has(1, "web-1"))
        slack.state.delete("C00ALERTS", alerts_channel.messages[0]["ts"])
        await rig.accept(alert("web-1", ends_in_seconds=-1))
        await until(lambda: alerts_channel.has(1, "esolved"))


async def test_a_broken_channel_holds_up_no_other_and_is_tried_again(
    store: SqlStore,
    slack: StandIn,
    alerts_channel: Shown,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tocsin.pipeline.sending._BLOCKED_RETRY_SECONDS", 0.2)
    general = Shown(slack, "C0GENERAL")
    async with Rig(store, slack.url, MINIMAL) as rig:
        await rig.adopt(quick_receiver("general", "alerts"))
        await rig.accept(alert("web-1"))
        await until(lambda: alerts_channel.has(1, "web-1"))
        await until(lambda: bool(rig.dispatcher.tally("payments/oncall", "general").blocked))
        assert general.messages == []
        assert rig.dispatcher.waiting("payments/oncall", "general") == 1
        slack.state.channels["C0GENERAL"].members.add("U00TOCSIN")
        await until(lambda: general.has(1, "web-1"))
        await until(lambda: not rig.dispatcher.tally("payments/oncall", "general").blocked)


async def test_two_names_of_one_channel_get_one_message(
    store: SqlStore, slack: StandIn, alerts_channel: Shown
) -> None:
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver("alerts", "platform"))
        rig.directory.learned("T0ACME", "alerts", "C00ALERTS")
        await rig.adopt(quick_receiver("alerts", "C00ALERTS"))
        await rig.accept(alert("web-1"))
        await until(lambda: store.backlog().rows == 0)
        await until(lambda: alerts_channel.has(1, "web-1"))
        assert rig.dispatcher.waiting("payments/oncall", "C00ALERTS") == 0


async def test_an_alert_that_is_not_sent_again_resolves_by_the_clock(
    store: SqlStore, slack: StandIn, alerts_channel: Shown
) -> None:
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver())
        await rig.accept(alert("web-1", ends_in_seconds=1.5))
        await until(lambda: alerts_channel.has(1, "Firing"))
        await until(lambda: alerts_channel.has(1, "Resolved"))


async def test_invariant_7_a_restart_resolves_nothing_by_the_clock_for_a_while(
    open_: OpenStore, slack: StandIn, alerts_channel: Shown
) -> None:
    store = await open_()
    async with Rig(store, slack.url) as rig:
        await rig.adopt(quick_receiver())
        await rig.accept(alert("web-1", ends_in_seconds=1.5))
        await until(lambda: alerts_channel.has(1, "Firing"))
    await store.close()
    store = await open_()
    rig = Rig(store, slack.url)
    rig.resend_seconds = 1.5  # so nothing resolves by the clock for 3 s
    started_at = time.time()
    async with rig:
        await rig.adopt(quick_receiver())
        await until(lambda: alerts_channel.has(1, "Resolved"))
    await store.close()
    assert time.time() - started_at > 3.0


async def test_a_delivery_that_waits_too_long_is_given_up_and_says_why(
    store: SqlStore,
    slack: StandIn,
    alerts_channel: Shown,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tocsin.pipeline.delivery._EXPIRY_TURNS", 1)
    rig = Rig(store, slack.url)
    rig.horizon_seconds = 0.5
    async with rig:
        rig.kube.secrets.clear()
        await rig.adopt(quick_receiver())
        await rig.accept(alert("web-1"))
        await until(lambda: rig.dispatcher.tally("payments/oncall", "alerts").failed == 1)
        assert "DeliveryExpired" in rig.dispatcher.tally("payments/oncall", "alerts").last_error
        assert rig.dispatcher.waiting("payments/oncall", "alerts") == 0
        await until(lambda: ("payments/oncall", True) in rig.statuses.changes)
    assert alerts_channel.messages == []


async def test_a_withdrawn_grant_stops_messages_at_once(
    store: SqlStore, slack: StandIn, alerts_channel: Shown
) -> None:
    stranger = receiver("shop", "team", configRef={"name": "acme", "namespace": "payments"})
    async with Rig(store, slack.url) as rig:
        await rig.adopt(stranger)
        await rig.accept(alert("web-1", namespace="shop"))
        await until(lambda: store.backlog().rows == 0)
        assert alerts_channel.messages == []
