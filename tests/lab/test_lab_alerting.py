"""Prometheus and Alertmanager are real ones: a rule fires, and whoever is listed hears of it."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

from lab.alertmanager import Alertmanager
from lab.prometheus import AlertTarget, Prometheus, PrometheusOptions, rule_groups
from lab.readiness import wait_until
from tests.lab.observing import LOOPBACK, Request, children, listening_addresses, recorder

PROMETHEUS_RULE: dict[str, Any] = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "PrometheusRule",
    "metadata": {"name": "sky"},
    "spec": {
        "groups": [
            {
                "name": "sky.rules",
                "interval": "5m",
                "partial_response_strategy": "warn",
                "labels": {"team": "weather", "severity": "none"},
                "rules": [
                    {"record": "sky:blue", "expr": "vector(1)"},
                    {
                        "alert": "SkyIsBlue",
                        "expr": "vector(1) > 0",
                        "for": "15m",
                        "labels": {"severity": "info"},
                    },
                ],
            }
        ]
    },
}


def test_a_prometheus_rule_becomes_a_rule_file_that_does_not_wait() -> None:
    (group,) = rule_groups(PROMETHEUS_RULE, hold_seconds=0.5, interval_seconds=2)["groups"]
    assert group == {
        "name": "sky.rules",
        "interval": "2000ms",
        "rules": [
            {
                "record": "sky:blue",
                "expr": "vector(1)",
                "labels": {"team": "weather", "severity": "none"},
            },
            {
                "alert": "SkyIsBlue",
                "expr": "vector(1) > 0",
                "for": "500ms",
                "labels": {"team": "weather", "severity": "info"},
            },
        ],
    }


def test_an_alert_without_a_hold_still_has_none() -> None:
    rule = {"spec": {"groups": [{"name": "now", "rules": [{"alert": "Now", "expr": "vector(1)"}]}]}}
    (group,) = rule_groups(rule, hold_seconds=1)["groups"]
    assert group["rules"] == [{"alert": "Now", "expr": "vector(1)"}]


def test_a_rule_that_fires_reaches_each_listed_alertmanager(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("ingest-me")
    configuration = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}
    before = children(os.getpid())
    with recorder() as recorded, Alertmanager(tmp_path / "am", configuration) as alertmanager:
        options = PrometheusOptions(
            rules=rule_groups(PROMETHEUS_RULE, hold_seconds=0),
            targets=[
                AlertTarget(alertmanager.url),
                AlertTarget(f"{recorded.url}/alerts", token_file),
            ],
            external_labels={"cluster": "lab"},
        )
        with Prometheus(tmp_path / "prometheus", options):
            assert listening_addresses(children(os.getpid()) - before) == {LOOPBACK}
            wait_until(lambda: len(alerts_of(alertmanager)) == 1, "the alert in Alertmanager")
            wait_until(lambda: recorded.requests != [], "the alert at the second target")
        (alert,) = alerts_of(alertmanager)
    assert alert["labels"] == {
        "alertname": "SkyIsBlue",
        "cluster": "lab",
        "severity": "info",
        "team": "weather",
    }
    assert recorded.requests[0].path == "/alerts/api/v2/alerts"
    assert recorded.requests[0].authorization == "Bearer ingest-me"
    assert children(os.getpid()) == before


def alerts_of(alertmanager: Alertmanager) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{alertmanager.url}/api/v2/alerts") as answer:
        alerts: list[dict[str, Any]] = json.load(answer)
        return alerts


def test_prometheus_scrapes_what_it_is_given(tmp_path: Path) -> None:
    up = {"alert": "SeesItself", "expr": 'up{job="lab"} == 1'}
    rules = {"groups": [{"name": "up", "rules": [up]}]}
    with recorder() as recorded, Alertmanager(tmp_path / "am", webhook(recorded.url)) as scraped:
        target = scraped.url.removeprefix("http://")
        options = PrometheusOptions(
            rules=rules, targets=[AlertTarget(recorded.url)], scraped=[target]
        )
        with Prometheus(tmp_path / "prometheus", options):
            wait_until(lambda: recorded.requests != [], "an alert about a scraped target")
    assert recorded.requests[0].body[0]["labels"]["instance"] == target


def webhook(url: str) -> dict[str, Any]:
    """An Alertmanager configuration that sends everything to `url` at once."""
    return {
        "route": {"receiver": "hook", "group_wait": "0s"},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": url}]}],
    }


def test_alertmanager_notifies_its_webhook_and_keeps_to_its_core(tmp_path: Path) -> None:
    core = max(os.sched_getaffinity(0))
    with (
        recorder() as recorded,
        Alertmanager(tmp_path, webhook(f"{recorded.url}/hook"), core=core) as alertmanager,
    ):
        post(f"{alertmanager.url}/api/v2/alerts", [{"labels": {"alertname": "Up"}}])
        wait_until(lambda: recorded.requests != [], "the webhook call")
        assert os.sched_getaffinity(alertmanager.pid) == {core}
    assert_is_version_4(recorded.requests[0])


def assert_is_version_4(request: Request) -> None:
    assert request.path == "/hook"
    assert request.body["version"] == "4"
    assert request.body["alerts"][0]["labels"] == {"alertname": "Up"}


def post(url: str, body: object) -> None:
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)):
        pass
