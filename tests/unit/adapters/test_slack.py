"""The Slack port: what is sent, and what of Slack's answers is believed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from tocsin.adapters.slack import SlackWebApi
from tocsin.errors import SlackAmbiguous, SlackMessageGone, SlackTransient
from tocsin.model.message import Message, MessageRef
from tocsin.model.workspace import ChannelInfo, Connection
from tocsin.redact import Secret

ACME = Connection("monitoring/acme", Secret("xoxb-1-2-abc"))
MESSAGE = Message("DiskFull is firing", ({"type": "divider"},), ({"color": "#fff", "blocks": []},))


class ScriptedClient:
    """Gives answers in order, and keeps what was asked."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def post(
        self, connection: Connection, method: str, arguments: dict[str, Any]
    ) -> AsyncSlackResponse:
        assert connection.config == "monitoring/acme"
        self.calls.append((method, dict(arguments)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return AsyncSlackResponse(
            client=None,
            http_verb="POST",
            api_url="",
            req_args={},
            data=dict(answer),
            headers={"X-OAuth-Scopes": " chat:write, channels:read,"},
            status_code=200,
        )

    get = post


class Rig:
    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *answers: Mapping[str, Any] | Exception
    ) -> None:
        self.client = ScriptedClient(*answers)
        monkeypatch.setattr("tocsin.adapters.slack.SlackClient", lambda _proxies: self.client)
        self.waits: list[float] = []
        self.slack = SlackWebApi({}, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_a_post_is_shown_as_written_without_previews(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch, {"ok": True, "channel": "C1", "ts": "1700000000.000100"})
    ref = await rig.slack.post(ACME, "ops", MESSAGE, "d-1")
    assert ref == MessageRef("C1", "1700000000.000100")
    assert rig.client.calls == [
        (
            "chat.postMessage",
            {
                "channel": "ops",
                "text": "DiskFull is firing",
                "blocks": ({"type": "divider"},),
                "attachments": ({"color": "#fff", "blocks": []},),
                "metadata": {"event_type": "tocsin_delivery", "event_payload": {"id": "d-1"}},
                "parse": "none",
                "link_names": False,
                "unfurl_links": False,
                "unfurl_media": False,
            },
        )
    ]


async def test_a_post_says_nothing_of_what_it_does_not_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch, {"ok": True, "channel": "C1", "ts": "1.1"})
    await rig.slack.post(ACME, "ops", Message("plain"), "d-1")
    [(_, arguments)] = rig.client.calls
    absent = {"blocks", "attachments", "thread_ts", "reply_broadcast", "username", "icon_emoji"}
    assert not absent & arguments.keys()


async def test_a_reply_is_broadcast(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, {"ok": True, "channel": "C1", "ts": "1.1"})
    await rig.slack.post(ACME, "C1", MESSAGE, "d-1", thread_ts="1700000000.000100")
    [(_, arguments)] = rig.client.calls
    assert (arguments["thread_ts"], arguments["reply_broadcast"]) == ("1700000000.000100", True)


async def test_an_edit_repeats_how_it_is_shown_and_clears_what_it_does_not_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch, {"ok": True})
    await rig.slack.edit(ACME, MessageRef("C1", "1.1"), Message("over"), "d-2")
    assert rig.client.calls == [
        (
            "chat.update",
            {
                "channel": "C1",
                "ts": "1.1",
                "text": "over",
                "blocks": (),
                "attachments": (),
                "metadata": {"event_type": "tocsin_delivery", "event_payload": {"id": "d-2"}},
                "parse": "none",
                "link_names": False,
            },
        )
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": True},
        {"ok": True, "channel": "C1"},
        {"ok": True, "channel": "C1", "ts": 1.1},
        {"ok": True, "channel": "C1", "ts": "now"},
        {"ok": True, "channel": "not an id", "ts": "1.1"},
        {"ok": True, "channel": "C1\n", "ts": "1.1"},
    ],
)
async def test_a_post_whose_answer_is_malformed_has_an_open_outcome(
    monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any]
) -> None:
    rig = Rig(monkeypatch, answer)
    with pytest.raises(SlackAmbiguous) as raised:
        await rig.slack.post(ACME, "ops", MESSAGE, "d-1")
    assert raised.value.code == "malformed_answer"
    assert raised.value.__context__ is None


async def test_only_a_post_takes_the_configs_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, {"ok": True, "channel": "C1", "ts": "1.1"}, {"ok": True})
    own = replace(ACME, username="Night watch", icon_url="https://example.com/bell.png")
    await rig.slack.post(own, "ops", MESSAGE, "d-1")
    await rig.slack.edit(own, MessageRef("C1", "1.1"), MESSAGE, "d-2")
    [(_, post), (_, edit)] = rig.client.calls
    assert (post["username"], post["icon_url"]) == ("Night watch", "https://example.com/bell.png")
    assert not {"username", "icon_url"} & edit.keys()


async def test_a_reply_is_looked_for_in_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = SlackMessageGone("thread_not_found")
    rig = Rig(monkeypatch, {"messages": [OURS]}, gone)
    assert await rig.slack.find(ACME, "C1", "d-1", 1000.0, "1.0") == MessageRef("C1", "1.5")
    assert await rig.slack.find(ACME, "C1", "d-1", 1000.0, "1.0") is None
    method, arguments = rig.client.calls[0]
    assert (method, arguments["ts"]) == ("conversations.replies", "1.0")


async def test_one_conversation_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, {"channel": {"id": "C1", "name": "ops", "is_member": True}})
    assert await rig.slack.channel(ACME, "C1") == ChannelInfo("C1", "ops", False, True, False)


async def test_scopes_come_from_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, {"ok": True, "team_id": "T1", "user_id": "U1", "team": "x" * 999})
    identity = await rig.slack.verify(ACME)
    assert identity.scopes == {"chat:write", "channels:read"}
    assert len(identity.team) == 255


async def test_a_malformed_identity_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, {"ok": True, "team_id": ["T1"], "user_id": "U1"})
    with pytest.raises(SlackTransient, match="malformed"):
        await rig.slack.verify(ACME)


OTHERS = [
    {"ts": "1.1"},
    {"ts": "1.2", "metadata": {"event_type": "deploy", "event_payload": {"id": "d-1"}}},
    {"ts": "1.3", "metadata": {"event_type": "tocsin_delivery", "event_payload": "d-1"}},
    {"ts": "1.4", "metadata": {"event_type": "tocsin_delivery", "event_payload": {"id": "d-2"}}},
]
OURS = {"ts": "1.5", "metadata": {"event_type": "tocsin_delivery", "event_payload": {"id": "d-1"}}}


async def test_a_delivery_is_recognised_by_its_metadata_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch, {"messages": [*OTHERS, OURS]}, {"messages": OTHERS})
    assert await rig.slack.find(ACME, "C1", "d-1", 1000.5) == MessageRef("C1", "1.5")
    assert await rig.slack.find(ACME, "C1", "d-1", 1000.5) is None
    method, arguments = rig.client.calls[0]
    assert method == "conversations.history"
    assert arguments == {
        "channel": "C1",
        "oldest": "1000.500000",
        "latest": "4600.500000",
        "inclusive": "true",
        "include_all_metadata": "true",
        "limit": "200",
    }


async def test_a_history_that_has_more_and_does_not_show_it_is_no_absence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch, {"messages": OTHERS, "has_more": True})
    with pytest.raises(SlackTransient) as raised:
        await rig.slack.find(ACME, "C1", "d-1", 1000.0)
    assert raised.value.code == "incomplete_history"


async def test_a_history_without_end_is_no_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    page = {"messages": OTHERS, "response_metadata": {"next_cursor": "more"}}
    rig = Rig(monkeypatch, *[page] * 50)
    with pytest.raises(SlackTransient) as raised:
        await rig.slack.find(ACME, "C1", "d-1", 1000.0)
    assert raised.value.code == "incomplete_history"
    assert rig.client.calls[1][1]["cursor"] == "more"


async def test_of_two_channels_with_one_name_the_one_in_use_is_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channels = [
        {"id": "C1", "name": "ops", "is_archived": True},
        {"id": "C2", "name": "ops"},
        {"id": "C3", "name": "ops", "is_archived": True},
        {"id": "D4", "is_im": True},
    ]
    rig = Rig(monkeypatch, {"channels": channels, "response_metadata": {"next_cursor": None}})
    listing = await rig.slack.channels(ACME, private=False)
    assert set(listing.by_id) == {"C1", "C2", "C3", "D4"}
    assert {name: info.id for name, info in listing.by_name.items()} == {"ops": "C2"}
    assert listing.by_id["D4"].is_member
    assert rig.client.calls[0][1]["types"] == "public_channel"


async def test_a_long_listing_is_paced_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    page = {"channels": [{"id": "C1"}], "response_metadata": {"next_cursor": "more"}}
    rig = Rig(monkeypatch, *[page] * 500)
    with pytest.raises(SlackTransient) as raised:
        await rig.slack.channels(ACME, private=True)
    assert raised.value.code == "too_many_channels"
    assert rig.waits == [3.0] * 490


async def test_a_listing_waits_for_slack_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = SlackTransient("ratelimited", "", 120.0)
    page = {"channels": [{"id": "C1", "name": "ops"}]}
    rig = Rig(monkeypatch, limited, limited, page, *[limited] * 3)
    assert "ops" in (await rig.slack.channels(ACME, private=False)).by_name
    with pytest.raises(SlackTransient, match="ratelimited"):
        await rig.slack.channels(ACME, private=False)
    assert rig.waits == [120.0] * 4


async def test_a_listing_that_fails_otherwise_fails_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch, SlackTransient("http_502"))
    with pytest.raises(SlackTransient, match="http_502"):
        await rig.slack.channels(ACME, private=False)
    assert rig.waits == []
