"""Severity: words people use, and their place on the scale."""

import pytest

from tocsin.model.severity import SEVERITY, UNRATED, severity_of, severity_rank


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("critical", "critical"),
        ("CRITICAL", "critical"),
        ("page", "critical"),
        ("P1", "critical"),
        ("SEV-1", "critical"),
        ("error", "error"),
        ("High", "error"),
        ("major", "error"),
        ("sev 2", "error"),
        ("warning", "warning"),
        ("warn", "warning"),
        ("minor", "warning"),
        ("p3", "warning"),
        ("info", "info"),
        ("p_5", "info"),
        ("none", "none"),
    ],
)
def test_a_word_has_its_place_on_the_scale(word: str, name: str) -> None:
    assert severity_of({"severity": word}).name == name


@pytest.mark.parametrize("labels", [{}, {"severity": "blue"}, {"severity": "critical" * 1000}])
def test_what_nobody_rated_counts_like_a_warning(labels: dict[str, str]) -> None:
    assert severity_of(labels) is UNRATED
    assert severity_rank(labels) == severity_rank({"severity": "warning"})


def test_priority_counts_where_severity_says_nothing() -> None:
    assert severity_of({"priority": "P1"}).name == "critical"
    assert severity_of({"severity": "blue", "priority": "P1"}).name == "critical"
    assert severity_of({"severity": "info", "priority": "P1"}).name == "info"


def test_the_scale_runs_from_worst_to_none() -> None:
    assert [step.name for step in SEVERITY] == ["critical", "error", "warning", "info", "none"]
    assert [step.rank for step in SEVERITY] == [4, 3, 2, 1, 0]


def test_no_word_stands_for_two_severities() -> None:
    words = [word for step in SEVERITY for word in (step.name, *step.aliases.split())]
    assert len(words) == len(set(words))
    assert {severity_of({"severity": word}).name for word in words} == {s.name for s in SEVERITY}
