"""Overview: what a group's alerts have in common, and which matter most."""

from collections.abc import Mapping, Sequence

from tocsin.model.message import GroupView
from tocsin.model.overview import (
    description_of,
    links_of,
    most_important,
    overview,
    summary_of,
    text_apart,
)
from tocsin.model.reason import Reason
from tocsin.model.signal import Signal, Source, Status


def alert(
    labels: Mapping[str, str],
    notes: Mapping[str, str] | None = None,
    *,
    start: float = 100.0,
    end: float | None = None,
    url: str = "",
) -> Signal:
    status = Status.FIRING if end is None else Status.RESOLVED
    return Signal(Source.ALERTS, labels, notes or {}, status, start, end, start, generator_url=url)


def view(firing: Sequence[Signal], resolved: Sequence[Signal] = (), cluster: str = "") -> GroupView:
    return GroupView("ns/r", {}, firing, resolved, 500.0, Reason.FIRST, cluster)


def test_the_worst_comes_first_then_the_oldest_then_the_labels() -> None:
    old = alert({"pod": "d"}, start=50)
    first, second = alert({"pod": "a"}), alert({"pod": "b"})
    critical = alert({"pod": "z", "severity": "critical"}, start=400)
    assert most_important([second, first, critical, old], 3) == [critical, old, first]


def test_names_and_severities_are_told_worst_first() -> None:
    alerts = [
        alert({"alertname": "B"}),
        alert({"alertname": "C", "severity": "info"}),
        alert({"alertname": "C", "severity": "page"}),
        alert({"alertname": "A"}),
        alert({"job": "nameless"}),
    ]
    group = overview(view(alerts))
    assert group.names == ["C", "A", "B"]
    assert [(step.name, count) for step, count in group.severities.items()] == [
        ("critical", 1),
        ("", 3),
        ("info", 1),
    ]
    assert group.worst.name == "critical"


def test_labels_are_shared_by_all_and_annotations_by_what_fires() -> None:
    firing = [alert({"a": "1", "b": "x"}, {"summary": "s", "runbook": "r"}, url="g")] * 2
    over = alert({"a": "1", "b": "y"}, {"summary": "other"}, end=200)
    group = overview(view(firing, [over]))
    assert group.shared == {"a": "1"}
    assert group.notes == {"summary": "s", "runbook": "r"}
    assert group.source_url == "g"
    assert group.count == 2


def test_what_differs_is_not_shared() -> None:
    one = alert({"a": "1"}, {"summary": "disk is 91% full"}, url="g")
    two = alert({"a": "2"}, {"summary": "disk is 95% full"}, url="h")
    group = overview(view([one, two]))
    assert (group.shared, group.notes, group.source_url) == ({}, {}, "")


def test_texts_that_differ_only_by_their_own_labels_stand_there_once() -> None:
    one = alert({"ns": "pay", "pod": "web-1", "id": "1"}, {"description": "pay/web-1 is down"})
    two = alert({"ns": "pay", "pod": "web-22", "id": "2"}, {"description": "pay/web-22 is down"})
    assert overview(view([one, two])).notes == {"description": "pay/… is down"}


def test_short_label_values_do_not_tear_texts_apart() -> None:
    one = alert({"id": "a"}, {"summary": "a day"})
    two = alert({"id": "b"}, {"summary": "b day"})
    assert overview(view([one, two])).notes == {}


def test_times_span_what_fires_or_else_what_resolved() -> None:
    early, late = alert({}, start=100, end=150), alert({}, start=120, end=300)
    unknown = alert({}, start=-62_135_596_800, end=-1)
    over = overview(view([], [late, early, unknown]))
    assert (over.started_at, over.ended_at) == (100, 300)
    firing = overview(view([alert({}, start=130)], [early]))
    assert (firing.started_at, firing.ended_at) == (130, None)
    assert overview(view([], [unknown])).ended_at is None
    assert overview(view([], [unknown])).started_at is None


def test_the_cluster_is_the_one_that_all_name_or_else_our_own() -> None:
    here, there = alert({"cluster": "eu"}), alert({"cluster": "us"})
    assert overview(view([here], cluster="own")).cluster == "eu"
    assert overview(view([here, there], cluster="own")).cluster == ""
    assert overview(view([alert({})], cluster="own")).cluster == "own"


def test_the_summary_is_what_comes_closest_to_one() -> None:
    assert summary_of({"message": "m", "summary": "s", "summaryCn": "c"}) == "s"
    assert summary_of({"message": "m", "summaryCn": "c"}) == "m"
    assert summary_of({"description": "d", "message": "m"}) == "d"
    assert summary_of({"summaryCn": "c"}) == "c"
    assert summary_of({"runbook_url": "r"}) == ""


def test_the_description_says_no_more_than_is_new() -> None:
    assert description_of({"summary": "s", "description": "d"}) == "d"
    assert description_of({"summary": "s", "message": "m"}) == "m"
    assert description_of({"summary": "s", "description": "s"}) == ""
    assert description_of({"message": "m"}) == ""
    assert description_of({"summary": "s"}) == ""


def test_links_come_most_useful_first() -> None:
    notes = {"dashboard": "d", "runbook": "r", "runbook_url": "u"}
    assert links_of(notes, "g") == [("Runbook", "u"), ("Dashboard", "d"), ("Graph", "g")]
    assert links_of({}, "") == []


def test_what_an_alert_says_apart_leaves_out_what_its_group_says() -> None:
    shared = {"summary": "s"}
    one = alert({}, {**shared, "description": "disk is 91% full", "summaryCn": "c1"})
    two = alert({}, {**shared, "description": "disk is 95% full", "summaryCn": "c2"})
    group = overview(view([one, two]))
    assert text_apart(one, group) == "disk is 91% full"
    same = overview(view([alert({}, {**shared, "summaryCn": "c"})] * 2))
    assert text_apart(alert({}, {**shared, "summaryCn": "c9"}), same) == ""
    chinese = overview(view([alert({}, {"summaryCn": "一"}), alert({}, {"summaryCn": "二"})]))
    assert text_apart(alert({}, {"summaryCn": "一"}), chinese) == "一"
