"""Routing: who takes a signal, who may see it, and for which channels."""

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import receiver, signal
from tocsin.model.entry import entries_of
from tocsin.model.matcher import Matcher
from tocsin.model.resources import SlackReceiver
from tocsin.model.signal import Signal
from tocsin.stages.routing import Route, Routes

PLATFORM = frozenset({"tocsin-system"})


def routes(*receivers: SlackReceiver, cluster: str = "") -> Routes:
    return Routes((entry for each in receivers for entry in entries_of(each)), PLATFORM, cluster)


def names(found: Iterable[Route]) -> list[str]:
    return [f"{route.entry.receiver}:{route.entry.name}" for route in found]


def test_a_tenant_takes_the_signals_of_its_own_namespace_only() -> None:
    asked = routes(receiver("payments"), receiver("shop"))
    assert names(asked.route(signal("payments"))) == ["payments/oncall:builtin/alerts"]


def test_the_platform_takes_every_signal_also_those_without_a_namespace() -> None:
    asked = routes(receiver("tocsin-system"), receiver("payments"))
    assert names(asked.route(signal(""))) == ["tocsin-system/oncall:builtin/alerts"]
    assert names(asked.route(signal("payments"))) == [
        "tocsin-system/oncall:builtin/alerts",
        "payments/oncall:builtin/alerts",
    ]


def test_the_platform_takes_its_own_namespaces_signals_once() -> None:
    found = routes(receiver("tocsin-system")).route(signal("tocsin-system"))
    assert names(found) == ["tocsin-system/oncall:builtin/alerts"]


def test_a_tenant_takes_no_signal_of_another_cluster() -> None:
    asked = routes(receiver("payments"), receiver("tocsin-system"), cluster="eu")
    assert names(asked.route(signal("payments", cluster="us"))) == [
        "tocsin-system/oncall:builtin/alerts"
    ]
    assert len(asked.route(signal("payments", cluster="eu"))) == 2
    assert len(asked.route(signal("payments"))) == 2


def test_the_builtin_policy_leaves_the_heartbeat_out() -> None:
    asked = routes(receiver("payments"))
    assert asked.route(signal(alertname="Watchdog")) == ()


def test_without_builtin_policies_only_subscriptions_take() -> None:
    subscription = {"name": "urgent", "source": "alerts", "matchers": [_equals("severity", "page")]}
    asked = routes(receiver(builtin=[], subscriptions=[subscription]))
    assert asked.route(signal()) == ()
    assert names(asked.route(signal(severity="page"))) == ["payments/oncall:urgent"]


def test_a_signal_of_another_source_is_not_taken() -> None:
    subscription = {"name": "rollouts", "source": "events"}
    assert routes(receiver(builtin=[], subscriptions=[subscription])).route(signal()) == ()


def test_the_first_entry_that_takes_a_signal_has_the_channel() -> None:
    asked = routes(receiver(subscriptions=[{"name": "all", "source": "alerts"}]))
    assert names(asked.route(signal())) == ["payments/oncall:all"]


def test_a_later_entry_takes_it_for_its_other_channels() -> None:
    first = {"name": "first", "source": "alerts", "channels": ["ops"]}
    second = {"name": "second", "source": "alerts", "channels": ["ops", "dev"]}
    asked = routes(receiver(builtin=[], subscriptions=[first, second]))
    found = asked.route(signal())
    assert names(found) == ["payments/oncall:first", "payments/oncall:second"]
    assert [route.withheld for route in found] == [frozenset(), frozenset({"ops"})]


def test_receivers_do_not_withhold_channels_from_each_other() -> None:
    found = routes(receiver(name="a"), receiver(name="b")).route(signal())
    assert [route.withheld for route in found] == [frozenset(), frozenset()]


def test_a_required_empty_value_means_that_the_label_is_absent() -> None:
    subscription = {"name": "plain", "source": "alerts", "matchers": [_equals("team", "")]}
    asked = routes(receiver(builtin=[], subscriptions=[subscription]))
    assert names(asked.route(signal())) == ["payments/oncall:plain"]
    assert asked.route(signal(team="a")) == ()


def test_the_index_asks_few_of_many_receivers(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [
        receiver(
            "tocsin-system",
            f"r{number}",
            builtin=[],
            subscriptions=[
                {
                    "name": "one",
                    "source": "alerts",
                    "matchers": [_equals("alertname", f"Alert{number}"), _equals("severity", "x")],
                }
            ],
        )
        for number in range(500)
    ]
    asked = routes(*many)
    asked_matchers: list[Matcher] = []
    matches = Matcher.matches

    def counted(self: Matcher, labels: Mapping[str, str]) -> bool:
        asked_matchers.append(self)
        return matches(self, labels)

    monkeypatch.setattr(Matcher, "matches", counted)
    found = asked.route(signal("", alertname="Alert7", severity="x"))
    assert names(found) == ["tocsin-system/r7:one"]
    assert len(asked_matchers) == 2


_values = st.sampled_from(["", "a", "b", "ab"])
_matchers = st.builds(
    lambda name, value, kind: {"name": name, "value": value, "matchType": kind},
    st.sampled_from(["alertname", "severity", "team"]),
    _values,
    st.sampled_from(["=", "!=", "=~", "!~"]),
)


@given(
    st.lists(st.lists(_matchers, max_size=3), max_size=6),
    st.fixed_dictionaries({"alertname": _values, "severity": _values, "team": _values}),
)
def test_the_index_changes_no_answer(
    matchers: list[list[dict[str, str]]], labels: dict[str, str]
) -> None:
    receivers = [
        receiver(
            name=f"r{number}",
            builtin=[],
            subscriptions=[{"name": "one", "source": "alerts", "matchers": each}],
        )
        for number, each in enumerate(matchers)
    ]
    asked: Signal = signal("payments", **labels)
    every = [entry for each in receivers for entry in entries_of(each)]
    taking = [entry for entry in every if all(m.matches(asked.labels) for m in entry.matchers)]
    assert [route.entry for route in routes(*receivers).route(asked)] == taking


def _equals(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}
