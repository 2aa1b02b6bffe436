"""A real Prometheus on loopback, and rule files for it from PrometheusRule objects.

In: PrometheusOptions. Out: a running server with its URL. Used by the demo, the tests and benches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

from lab import tools
from lab.process import Child, Command, free_port
from lab.readiness import answers

# What Prometheus 2.42 knows of a rule group. A PrometheusRule may carry more, for Thanos or later
# releases of Prometheus, and Prometheus refuses a file with a field that it does not know.
_GROUP_FIELDS = ("name", "interval", "limit", "rules")


@dataclass(frozen=True, slots=True)
class AlertTarget:
    """What Prometheus is to take for an Alertmanager: a base URL, and a bearer token's file."""

    url: str
    token_file: Path | None = None


@dataclass(frozen=True, slots=True)
class PrometheusOptions:
    """What a Prometheus is to evaluate, whom it tells, and how often.

    `rules` is the content of its rule file (see `rule_groups`); `scraped` are `host:port`
    addresses, each with `/metrics`. `resend_delay_seconds` is how often it repeats a firing alert
    (Prometheus's own default is 60): it learns its Alertmanagers 5 s after it starts, and what
    fires before that is only heard when repeated.
    """

    rules: Mapping[str, Any]
    targets: Sequence[AlertTarget]
    scraped: Sequence[str] = ()
    external_labels: Mapping[str, str] = field(default_factory=dict)
    interval_seconds: float = 1
    resend_delay_seconds: float = 5


class Prometheus:
    """A Prometheus that lives as long as its `with` block, its files and log in `folder`."""

    def __init__(self, folder: Path, options: PrometheusOptions) -> None:
        self._folder = folder
        self._options = options
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        _write_yaml(self._folder / "rules.yml", self._options.rules)
        config = self._folder / "prometheus.yml"
        _write_yaml(config, _configuration(self._options))
        tool = tools.prometheus()
        arguments: list[str | Path] = [
            tool.program,
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            f"--rules.alert.resend-delay={duration(self._options.resend_delay_seconds)}",
        ]
        self._child = Child(Command(arguments, tool.environment()), self._folder / "prometheus.log")
        self._child.wait_until(lambda: answers(f"{self.url}/-/ready"))
        return self

    def __exit__(self, *error: object) -> None:
        self._child.stop()


def rule_groups(
    prometheus_rule: Mapping[str, Any], *, hold_seconds: float, interval_seconds: float = 1
) -> dict[str, Any]:
    """A PrometheusRule object as the content of a Prometheus rule file, in a hurry.

    Each alert's `for` becomes `hold_seconds` where it has one, and each group's own
    interval gives way to `interval_seconds`. Labels of a group go to its rules, which is what
    Prometheus 3 does with them.
    """
    return {
        "groups": [
            _rule_group(group, hold_seconds) | {"interval": duration(interval_seconds)}
            for group in prometheus_rule["spec"]["groups"]
        ]
    }


def _rule_group(group: Mapping[str, Any], hold_seconds: float) -> dict[str, Any]:
    known = {name: group[name] for name in _GROUP_FIELDS if name in group}
    return known | {"rules": [_rule(rule, group, hold_seconds) for rule in group["rules"]]}


def _rule(rule: Mapping[str, Any], group: Mapping[str, Any], hold_seconds: float) -> dict[str, Any]:
    written = dict(rule)
    labels = {**group.get("labels", {}), **rule.get("labels", {})}
    if labels:
        written["labels"] = labels
    if "for" in rule:
        written["for"] = duration(hold_seconds)
    return written


def duration(seconds: float) -> str:
    """A time span in Prometheus's notation, to the millisecond."""
    return f"{round(seconds * 1000)}ms"


def _configuration(options: PrometheusOptions) -> dict[str, Any]:
    interval = duration(options.interval_seconds)
    return {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
            "external_labels": dict(options.external_labels),
        },
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [_alertmanager(target) for target in options.targets]},
        "scrape_configs": [
            {
                "job_name": "lab",
                "honor_labels": True,
                "static_configs": [{"targets": list(options.scraped)}],
            }
        ],
    }


def _alertmanager(target: AlertTarget) -> dict[str, Any]:
    parts = urlsplit(target.url)
    entry: dict[str, Any] = {
        "scheme": parts.scheme,
        "path_prefix": parts.path or "/",
        "api_version": "v2",
        "static_configs": [{"targets": [parts.netloc]}],
    }
    if target.token_file is not None:
        entry["authorization"] = {"credentials_file": str(target.token_file)}
    return entry


def _write_yaml(file: Path, document: Mapping[str, Any]) -> None:
    file.write_text(yaml.safe_dump(dict(document), sort_keys=False))
