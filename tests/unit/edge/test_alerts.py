"""Posted alerts: Alertmanager's answers, and nothing answered for that is not stored."""

import asyncio
import json
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.contract.alertmanager_cases import CASES, LABELS, Case
from tests.unit.edge.serving import NOW, Served, serving, statuses
from tests.unit.sources.posts import any_alerts, any_json, firing, resolved, webhook

ARRAY = b'[{"labels":{"alertname":"x"}}]'


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_an_array_is_answered_as_by_alertmanager(case: Case) -> None:
    async with serving() as served:
        answer = await served.post(case.payload, Content_Type=case.content_type)
        assert case.agrees_with(answer.status, answer.body), answer
        stored = [alert for row in served.store.rows for alert in json.loads(row.payload)]
        assert len(stored) == case.stored


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        pytest.param(b"[] []", "trailing characters", id="Alertmanager ignores what follows"),
        pytest.param(b"[null]", "got `null`", id="Alertmanager closes the connection"),
    ],
)
async def test_where_alertmanager_is_careless_the_sender_is_told(
    payload: bytes, message: str
) -> None:
    async with serving() as served:
        answer = await served.post(payload)
        assert answer.status == 400
        assert message in json.loads(answer.body)["message"]


async def test_a_name_may_be_any_text_as_since_alertmanager_0_27() -> None:
    async with serving() as served:
        answer = await served.post(b'[{"labels":{"a b.\xc3\xa4":"x"}}]')
        assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/alerts/", "/webhook/alertmanager"])
async def test_each_path_takes_both_kinds(path: str) -> None:
    async with serving() as served:
        payloads = {"alertmanager/v2": b" \n" + ARRAY, "alertmanager/v4": webhook(firing("a"))}
        for payload in payloads.values():
            answer = await served.post(payload, path)
            assert (answer.status, answer.body) == (200, b"")
        assert {row.kind: row.payload for row in served.store.rows} == payloads
        assert {(row.accepted_at, row.sender) for row in served.store.rows} == {(NOW, "")}


@pytest.mark.parametrize(
    ("query", "kind"),
    [("send_resolved=true", "alertmanager/v4"), ("send_resolved=false", "alertmanager/v4-instant")],
)
async def test_a_sender_says_whether_it_tells_of_resolved_alerts(query: str, kind: str) -> None:
    async with serving() as served:
        answer = await served.post(webhook(firing("a")), f"/webhook/alertmanager?{query}")
        assert answer.status == 200
        assert [row.kind for row in served.store.rows] == [kind]


async def test_a_sender_that_says_it_unclearly_is_asked() -> None:
    async with serving() as served:
        path = "/webhook/alertmanager?send_resolved=maybe"
        answer = await served.post(webhook(firing("a")), path)
        assert answer.status == 400
        assert json.loads(answer.body) == {
            "code": 400,
            "message": "send_resolved must be true or false",
        }
        assert not served.store.rows


async def test_of_a_webhook_payload_what_is_valid_is_stored() -> None:
    async with serving() as served:
        answer = await served.post(webhook(firing("a"), {"labels": {}}))
        assert answer.status == 400
        assert json.loads(answer.body) == "at least one label pair required"
        (row,) = served.store.rows
        assert [alert["labels"] for alert in json.loads(row.payload)["alerts"]] == [
            {"alertname": "a"}
        ]


async def test_an_object_that_is_no_webhook_payload_is_refused() -> None:
    async with serving() as served:
        answer = await served.post(b'{"a":1}')
        assert answer.status == 400
        assert json.loads(answer.body)["code"] == 400
        assert not served.store.rows


async def test_of_many_faults_the_first_are_told() -> None:
    async with serving() as served:
        answer = await served.post(json.dumps([{"labels": {}}] * 1000).encode())
        assert answer.status == 400
        told = json.loads(answer.body)
        assert told.count("at least one label pair required") == 10
        assert told.endswith("; and 990 more")


async def test_what_is_not_stored_is_not_answered_for() -> None:
    async with serving() as served:
        served.store.full = "the backlog is 2 GiB"
        answer = await served.post(ARRAY)
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "the backlog is 2 GiB" in json.loads(answer.body)["message"]
        assert served.intake.refused_at == NOW
        served.store.full = ""
        assert (await served.post(ARRAY)).status == 200


async def test_an_answer_waits_for_the_disk() -> None:
    async with serving() as served:
        served.store.released.clear()
        posting = asyncio.create_task(served.post(ARRAY))
        await served.store.arrivals.get()
        assert served.intake.in_flight == 1
        assert not posting.done()
        served.store.released.set()
        assert (await posting).status == 200
        assert served.intake.in_flight == 0


async def test_a_sender_that_leaves_early_is_served_all_the_same() -> None:
    async with serving() as served:
        served.store.released.clear()
        posting = asyncio.create_task(served.post(ARRAY))
        await served.store.arrivals.get()
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        served.store.released.set()
        assert (await served.post(ARRAY)).status == 200
        assert len(served.store.rows) == 2


async def test_alerts_are_counted() -> None:
    async with serving() as served:
        await served.post(webhook(firing("a"), firing("b"), resolved("c"), {"labels": {}}))
        await served.post(json.dumps([LABELS]).encode())
        assert served.metric("tocsin_alerts_received_total", status="firing") == 4
        assert served.metric("tocsin_alerts_received_total", status="resolved") == 1
        assert served.metric("tocsin_alerts_invalid_total") == 1
        assert served.metric("tocsin_intake_duration_seconds_count") == 2
        stored = sum(len(row.payload) for row in served.store.rows)
        assert served.metric("tocsin_intake_bytes_total") == stored
        requests = "tocsin_http_requests_total"
        assert served.metric(requests, path="/api/v2/alerts", code="200") == 1
        assert served.metric(requests, path="/api/v2/alerts", code="400") == 1


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def served(runner: asyncio.Runner) -> Iterator[Served]:
    """An edge that serves all examples of a property."""
    context = serving()
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


payloads = st.one_of(
    st.binary(),
    st.lists(any_alerts | any_json, max_size=3).map(msgspec.json.encode),
    st.fixed_dictionaries({"alerts": st.lists(any_alerts, max_size=3)}).map(msgspec.json.encode),
)


@given(payloads)
def test_any_bytes_posted_are_answered_and_nothing_is_our_fault(
    runner: asyncio.Runner, served: Served, payload: bytes
) -> None:
    served.store.rows.clear()
    with capture_logs() as logs:
        answer = runner.run(served.post(payload))
    assert answer.status in (200, 400, 422)
    assert not logs
    if answer.body:
        assert json.loads(answer.body)
    assert len(served.store.rows) <= 1


@given(st.binary() | st.binary().map(lambda junk: b"POST /api/v2/alerts HTTP/1.1\r\n" + junk))
def test_any_bytes_on_a_connection_are_answered_and_nothing_is_our_fault(
    runner: asyncio.Runner, served: Served, sent: bytes
) -> None:
    with capture_logs() as logs:
        raw = runner.run(served.raw(sent, ends=True))
    assert not logs
    assert all(status < 500 for status in statuses(raw))
