"""Alert rows: what tells one alert from its neighbours."""

from collections.abc import Mapping, Sequence

from tocsin.model.alert_rows import (
    Row,
    blocks_of,
    firing_rows,
    label_spans,
    links,
    resolved_rows,
)
from tocsin.model.message import GroupView
from tocsin.model.moment import date_token
from tocsin.model.overview import Overview, overview
from tocsin.model.reason import Reason
from tocsin.model.signal import Signal, Source, Status

AT = 1_754_820_240.0


def alert(
    labels: Mapping[str, str],
    notes: Mapping[str, str] | None = None,
    *,
    start: float = AT,
    end: float | None = None,
    url: str = "",
) -> Signal:
    status = Status.FIRING if end is None else Status.RESOLVED
    return Signal(Source.ALERTS, labels, notes or {}, status, start, end, start, generator_url=url)


def of(firing: Sequence[Signal], resolved: Sequence[Signal] = ()) -> Overview:
    return overview(GroupView("ns/r", {}, firing, resolved, AT, Reason.FIRST))


def lines(rows: Sequence[Row]) -> list[str]:
    return [row.line for row in rows]


def test_a_row_shows_the_labels_that_differ() -> None:
    group = of([alert({"job": "j", "pod": "a"}), alert({"job": "j", "pod": "b"})])
    assert lines(firing_rows(group, 9, 0, 0)) == ["🟡 `pod=a`", "🟡 `pod=b`"]


def test_rows_show_when_they_began_where_one_began_at_another_time() -> None:
    group = of([alert({"pod": "a"}), alert({"pod": "b"}, start=AT + 60)])
    assert lines(firing_rows(group, 9, 0, 0)) == [
        f"🟡 `pod=a` · since {date_token(AT)}",
        f"🟡 `pod=b` · since {date_token(AT + 60)}",
    ]


def test_a_start_that_nobody_knows_is_left_out() -> None:
    group = of([alert({"pod": "a"}), alert({"pod": "b"}, start=-1)])
    assert lines(firing_rows(group, 9, 0, 0)) == [
        "🟡 `pod=b`",
        f"🟡 `pod=a` · since {date_token(AT)}",
    ]


def test_an_instant_signal_was_at_a_time_not_since() -> None:
    records = [
        Signal(Source.ALERTS, {"n": str(n)}, {}, Status.INSTANT, AT + 90 * n, None, AT)
        for n in range(2)
    ]
    assert lines(firing_rows(of(records), 9, 0, 0))[1] == f"🟡 `n=1` · at {date_token(AT + 90)}"


def test_rows_that_do_not_fit_are_counted() -> None:
    group = of([alert({"pod": f"{number:02}"}) for number in range(25)])
    assert lines(firing_rows(group, 2, 0, 0)) == ["🟡 `pod=00`", "🟡 `pod=01`", "and 23 more"]


def test_the_first_rows_have_their_own_text() -> None:
    alerts = [alert({"n": str(n)}, {"summary": f"{n}% full"}) for n in range(3)]
    assert [row.text for row in firing_rows(of(alerts), 9, 2, 0)] == ["0% full", "1% full", ""]


def test_links_of_its_own_stand_in_the_row() -> None:
    alerts = [
        alert({"n": str(n)}, {"runbook_url": f"https://r/{n}"}, url=f"https://g/{n}")
        for n in range(2)
    ]
    row = "🟡 `n=0` · <https://r/0|Runbook> · <https://g/0|Graph>"
    assert lines(firing_rows(of(alerts), 9, 0, 100))[0] == row
    assert lines(firing_rows(of(alerts), 9, 0, 50))[0] == "🟡 `n=0` · <https://r/0|Runbook>"


def test_links_that_the_group_shares_do_not() -> None:
    alerts = [alert({"n": str(n)}, {"runbook_url": "https://r/"}, url="https://g/") for n in (1, 2)]
    assert lines(firing_rows(of(alerts), 9, 0, 999)) == ["🟡 `n=1`", "🟡 `n=2`"]


def test_alerts_that_nothing_tells_apart_are_told_as_such() -> None:
    assert lines(firing_rows(of([alert({}), alert({})]), 1, 0, 0))[0] == "🟡 one more of the same"


def test_a_resolved_row_says_when_and_after_how_long() -> None:
    firing, over = alert({"pod": "a"}), alert({"pod": "b"}, end=AT + 840)
    rows = resolved_rows([over], of([firing], [over]), 9)
    assert lines(rows) == [f"✅ `pod=b` · resolved {date_token(AT + 840)} after 14m"]


def test_a_resolved_row_says_only_what_is_known() -> None:
    firing = alert({"pod": "a"})
    beginless, endless = alert({"pod": "b"}, start=-1, end=AT), alert({"pod": "c"}, end=-1)
    rows = resolved_rows([beginless, endless], of([firing], [beginless, endless]), 9)
    assert lines(rows) == [f"✅ `pod=b` · resolved {date_token(AT)}", "✅ `pod=c`"]


def test_resolved_rows_leave_out_times_that_the_group_tells() -> None:
    over = [alert({"pod": pod}, end=AT + 840) for pod in "abc"]
    assert lines(resolved_rows(over, of([], over), 2)) == [
        "✅ `pod=a`",
        "✅ `pod=b`",
        "and 1 more resolved",
    ]


def test_the_telling_labels_come_first() -> None:
    labels = {"zone": "z", "app": "a", "pod": "p", "node": "n", "alertname": "Down"}
    assert label_spans(labels, 200) == "`Down` `node=n` `pod=p` `app=a` `zone=z`"


def test_a_severity_shows_only_where_the_emoji_does_not_tell_it() -> None:
    assert label_spans({"severity": "critical", "pod": "p"}, 200) == "`pod=p`"
    assert label_spans({"severity": "page"}, 200) == "`severity=page`"


def test_labels_that_do_not_fit_are_counted() -> None:
    labels = {f"label{number}": "x" * 500 for number in range(9)}
    spans = label_spans(labels, 230)
    assert spans.endswith("…` +7")
    assert len(spans) <= 230


def test_links_share_their_room() -> None:
    notes = {"runbook_url": "https://a.example/" + "r" * 100, "dashboard": "https://b/"}
    assert links(notes, "https://c/", 60) == ["<https://b/|Dashboard>", "<https://c/|Graph>"]
    assert links({"runbook_url": "javascript:x"}, "", 60) == []


def test_rows_share_a_block_until_one_has_a_text_of_its_own() -> None:
    rows = [Row("a"), Row("b", "text of b"), Row("c"), Row("d")]
    shown = [(block.get("text") or block["elements"][0])["text"] for block in blocks_of(rows)]
    assert shown == ["a\nb", "text of b", "c\nd"]
