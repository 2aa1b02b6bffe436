"""The grants that a SlackConfig makes."""

from typing import Any

import pytest

from tocsin.model.resources import SlackConfig, parse_config
from tocsin.stages.granting import may_post, may_use


def _config(**spec: Any) -> SlackConfig:
    return parse_config(
        {
            "metadata": {"name": "acme", "namespace": "monitoring"},
            "spec": {"tokenSecretRef": {"name": "slack-token"}, **spec},
        }
    )


def test_without_a_grant_only_the_configs_own_namespace_may_use_it() -> None:
    config = _config()
    assert may_use(config, "monitoring", {})
    assert not may_use(config, "payments", {"team": "payments"})


def test_a_grant_to_all_is_one_to_every_namespace() -> None:
    assert may_use(_config(allowedNamespaces={"from": "All"}), "payments", {})


def test_a_grant_by_selector_looks_at_the_namespaces_labels() -> None:
    selector = {"matchLabels": {"slack": "yes"}}
    config = _config(allowedNamespaces={"from": "Selector", "selector": selector})
    assert may_use(config, "payments", {"slack": "yes"})
    assert not may_use(config, "payments", {"slack": "no"})
    assert not may_use(config, "payments", {})
    assert may_use(config, "monitoring", {})


def test_without_globs_every_channel_may_be_posted_to() -> None:
    assert may_post(_config(), "#general")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("#team-a",), True),
        (("team-a",), True),
        (("general",), False),
        (("C024BE91L", "team-a", "C024BE91L"), True),
        (("C024BE91L", "", ""), False),
        (("C0FREE0001",), True),
    ],
)
def test_globs_decide_by_any_of_a_channels_names(names: tuple[str, ...], expected: bool) -> None:
    config = _config(allowedChannels=["#team-*", "C0FREE*"])
    assert may_post(config, *names) is expected
