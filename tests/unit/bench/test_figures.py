"""Quantiles, bars and bodies: small, and everything that benches say rests on them."""

import json
import math
from datetime import datetime

from bench import payloads
from bench.measuring import parse_metrics, quantile
from bench.report import Bar, Report, table


def test_a_quantile_is_the_value_that_so_many_do_not_exceed() -> None:
    values = [float(value) for value in range(1, 101)]
    assert quantile(values, 0.5) == 50
    assert quantile(values, 0.99) == 99
    assert quantile(values, 1.0) == 100
    assert quantile([3.0], 0.0) == 3.0


def test_no_values_have_no_quantile() -> None:
    assert math.isnan(quantile([], 0.5))


def test_a_bar_is_met_up_to_its_limit() -> None:
    assert Bar("x", 3.0, 3.0).is_met
    assert not Bar("x", 3.1, 3.0).is_met
    assert Bar("x", 3.1, 3.0, at_least=True).is_met
    assert not Bar("x", 2.9, 3.0, at_least=True).is_met


def test_a_bar_without_a_figure_is_not_met() -> None:
    assert not Bar("x", math.nan, 3.0).is_met
    assert not Bar("x", math.nan, 3.0, at_least=True).is_met


def test_a_report_shows_verdict_figure_limit_and_ratio() -> None:
    report = Report("pacing", [Bar("time", 110.0, 100.0, "s")], ["one note"])
    assert report.lines() == [
        "pacing",
        "  NOT MET time: 110 s (at most 100 s, ratio 1.10)",
        "  one note",
    ]


def test_a_bar_with_limit_zero_has_no_ratio() -> None:
    assert Bar("lost", 0.0, 0.0).line() == "met     lost: 0 (at most 0)"


def test_a_table_aligns_its_columns() -> None:
    assert table(("a", "b"), [("long", "1")]) == "a     b\nlong  1"


def test_metrics_are_read_by_name_and_labels() -> None:
    text = '# HELP x y\nx{a="b c"} 1.5\ny 2e3\n\n'
    assert parse_metrics(text) == {'x{a="b c"}': 1.5, "y": 2000.0}


def test_bodies_hold_every_alert_once_and_are_valid_when_their_times_are_filled_in() -> None:
    bodies = payloads.batched(payloads.alerts(groups=10, of_each=10, seed=1), 64)
    filled = [payloads.ending(payloads.started(body, 1e9), 2e9) for body in bodies]
    alerts = [alert for body in filled for alert in json.loads(body)]
    assert [len(json.loads(body)) for body in filled] == [64, 36]
    assert len({alert["labels"]["pod"] for alert in alerts}) == 100
    assert len({alert["labels"]["alertname"] for alert in alerts}) == 10
    assert datetime.fromisoformat(alerts[0]["startsAt"]).timestamp() == 1e9
    assert datetime.fromisoformat(alerts[0]["endsAt"]).timestamp() == 2e9


def test_alerts_have_the_size_of_real_ones() -> None:
    (body,) = payloads.batched(payloads.alerts(groups=1, of_each=64, seed=1), 64)
    assert 350 <= len(body) / 64 <= 400


def test_the_same_seed_makes_the_same_alerts() -> None:
    first, second = (payloads.batched(payloads.alerts(5, 5, seed=7), 64) for _ in range(2))
    assert first == second
    assert first != payloads.batched(payloads.alerts(5, 5, seed=8), 64)
