from typing import Any

import pytest

from tocsin.model.selectors import AllowedNamespaces, LabelSelector

_LABELS = {"team": "pay", "env": "prod"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({}, True),
        ({"matchLabels": {"team": "pay"}}, True),
        ({"matchLabels": {"team": "pay", "env": "test"}}, False),
        ({"matchLabels": {"absent": ""}}, False),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "pay"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["pay"]}]}, False),
        ({"matchExpressions": [{"key": "absent", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "absent", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "absent", "operator": "DoesNotExist"}]}, True),
        (
            {
                "matchLabels": {"team": "pay"},
                "matchExpressions": [{"key": "env", "operator": "DoesNotExist"}],
            },
            False,
        ),
    ],
)
def test_selectors_match_as_in_kubernetes(selector: dict[str, Any], matches: bool) -> None:
    assert LabelSelector.model_validate(selector).matches(_LABELS) is matches


@pytest.mark.parametrize(
    ("grant", "other", "admitted"),
    [
        ({}, "own", True),
        ({}, "other", False),
        ({"from": "All"}, "other", True),
        ({"from": "Selector", "selector": {"matchLabels": {"team": "pay"}}}, "other", True),
        ({"from": "Selector", "selector": {"matchLabels": {"team": "ops"}}}, "other", False),
        ({"from": "Selector", "selector": {"matchLabels": {"team": "ops"}}}, "own", True),
    ],
)
def test_grants_admit_the_own_namespace_and_whom_they_name(
    grant: dict[str, Any], other: str, admitted: bool
) -> None:
    assert AllowedNamespaces.model_validate(grant).admits("own", other, _LABELS) is admitted
