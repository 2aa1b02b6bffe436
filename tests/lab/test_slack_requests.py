"""What all methods have in common: who may call, in what form, and the frame of the answer."""

import json
from urllib.parse import urlencode

import aiohttp
import pytest

from lab.slack.server import StandIn
from lab.slack.workspace import Team, User
from tests.lab.slack_talk import FULL, MINIMAL, error, grant, raw, refusal, unlimited, web

JSON = "application/json; charset=utf-8"
FORM = "application/x-www-form-urlencoded"


async def test_auth_test_says_who_the_token_acts_as(slack: StandIn) -> None:
    answer = await web(slack).auth_test()
    assert answer.data == {
        "ok": True,
        "url": "https://acme.slack.com/",
        "team": "Acme",
        "team_id": "T0ACME",
        "user": "tocsin",
        "user_id": "U00TOCSIN",
        "bot_id": "B0TOCSIN",
        "is_enterprise_install": False,
    }


async def test_a_token_of_a_person_has_no_bot(slack: StandIn) -> None:
    token = grant(slack, "chat:write", user="U000GRACE", kind="user")
    answer = await web(slack, token).auth_test()
    assert (answer["user"], answer.get("bot_id")) == ("grace", None)


async def test_every_authenticated_answer_names_the_scopes(slack: StandIn) -> None:
    granted = await web(slack, MINIMAL).auth_test()
    assert granted.headers["x-oauth-scopes"] == "chat:write"
    refused = await refusal(web(slack, MINIMAL).users_lookupByEmail(email="grace@acme.example"))
    assert refused.headers["x-oauth-scopes"] == "chat:write"
    assert refused.headers["x-accepted-oauth-scopes"] == "users:read.email"


async def test_a_missing_scope_is_told_with_what_is_needed_and_provided(slack: StandIn) -> None:
    refused = await refusal(web(slack, MINIMAL).users_lookupByEmail(email="grace@acme.example"))
    assert refused["error"] == "missing_scope"
    assert refused["needed"] == "users:read.email"
    assert refused["provided"] == "chat:write"


async def test_without_a_token_nobody_is_authenticated(slack: StandIn) -> None:
    status, answer = await raw(slack, "auth.test")
    assert (status, answer) == (200, {"ok": False, "error": "not_authed"})


async def test_an_unknown_token_is_invalid(slack: StandIn) -> None:
    refused = await refusal(web(slack, "xoxb-no-such-token").auth_test())
    assert refused["error"] == "invalid_auth"
    assert "x-oauth-scopes" not in refused.headers


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("revoked", "token_revoked"),
        ("expired", "token_expired"),
        ("inactive", "account_inactive"),
    ],
)
async def test_a_token_that_is_no_longer_good_says_why(
    slack: StandIn, state: str, code: str
) -> None:
    assert await error(web(slack, grant(slack, state=state)).auth_test()) == code


async def test_a_token_may_be_a_field_of_a_form(slack: StandIn) -> None:
    status, answer = await raw(slack, "auth.test", f"token={FULL}".encode(), Content_Type=FORM)
    assert (status, answer["ok"]) == (200, True)


async def test_a_token_may_not_be_a_field_of_json(slack: StandIn) -> None:
    body = json.dumps({"token": FULL}).encode()
    _, answer = await raw(slack, "auth.test", body, Content_Type=JSON)
    assert answer["error"] == "not_authed"


async def test_a_multipart_form_is_read(slack: StandIn) -> None:
    form = aiohttp.FormData({"token": FULL, "email": "grace@acme.example"})
    form.add_field("ignored", b"file", filename="file.txt")
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.api_url + "users.lookupByEmail", data=form) as response,
    ):
        assert (await response.json())["user"]["id"] == "U000GRACE"


async def test_a_reading_method_takes_a_query(slack: StandIn) -> None:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {FULL}"}) as session,
        session.get(slack.api_url + "conversations.info?channel=C00ALERTS") as response,
    ):
        assert (await response.json())["channel"]["name"] == "alerts"


async def test_structures_in_a_form_are_json_in_a_string(slack: StandIn) -> None:
    blocks = json.dumps([{"type": "divider"}])
    body = urlencode({"channel": "C00ALERTS", "text": "x", "blocks": blocks}).encode()
    headers = {"Content_Type": FORM, "Authorization": f"Bearer {FULL}"}
    _, answer = await raw(slack, "chat.postMessage", body, **headers)
    assert answer["message"]["blocks"] == [{"block_id": "b0", "type": "divider"}]


async def test_json_is_ignored_where_slack_reads_none(slack: StandIn) -> None:
    body = json.dumps({"channel": "C00ALERTS"}).encode()
    headers = {"Content_Type": JSON, "Authorization": f"Bearer {FULL}"}
    _, answer = await raw(slack, "conversations.info", body, **headers)
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] missing required field: channel [json-pointer:/channel]"
    ]


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{", JSON, "invalid_json"),
        (b'"\xff"', JSON, "invalid_json"),
        (b"[]", JSON, "json_not_object"),
        (b"<xml/>", "text/xml", "invalid_post_type"),
        (b"text=x", "", "missing_post_type"),
        (b"text=\xff", FORM, "invalid_form_data"),
        (b"no boundary", "multipart/form-data", "invalid_form_data"),
        (b"{}", "application/json; charset=utf-16", "invalid_charset"),
    ],
)
async def test_a_body_in_no_readable_form_is_refused(
    slack: StandIn, body: bytes, content_type: str, code: str
) -> None:
    status, answer = await raw(slack, "chat.postMessage", body, Content_Type=content_type)
    assert (status, answer["error"]) == (200, code)


async def test_an_argument_of_the_wrong_type_is_refused(slack: StandIn) -> None:
    call = web(slack).api_call("chat.postMessage", json={"channel": 5, "text": "x"})
    assert await error(call) == "invalid_arguments"
    call = web(slack).api_call("chat.postMessage", json={"channel": "C00ALERTS", "text": ["x"]})
    assert await error(call) == "invalid_arguments"


async def test_an_unknown_method_is_named(slack: StandIn) -> None:
    refused = await refusal(web(slack).api_call("chat.shout"))
    assert (refused["error"], refused["req_method"]) == ("unknown_method", "chat.shout")


async def test_json_without_a_charset_is_warned_about(slack: StandIn) -> None:
    headers = {"Content_Type": "application/json", "Authorization": f"Bearer {FULL}"}
    _, answer = await raw(slack, "auth.test", b"{}", **headers)
    assert answer["warning"] == "missing_charset"
    assert answer["response_metadata"]["warnings"] == ["missing_charset"]


async def test_a_form_with_a_charset_is_warned_about(slack: StandIn) -> None:
    headers = {"Content_Type": FORM + ";charset=utf-8", "Authorization": f"Bearer {FULL}"}
    _, answer = await raw(slack, "auth.test", b"", **headers)
    assert answer["warning"] == "superfluous_charset"


async def test_one_teams_token_sees_nothing_of_another_team(slack: StandIn) -> None:
    slack.state.put(Team(id="T0OTHER", name="Other"))
    slack.state.put(User(id="U0OTHER", team="T0OTHER", name="other", is_bot=True))
    token = grant(slack, *slack.state.tokens[FULL].scopes, team="T0OTHER", user="U0OTHER")
    other = web(slack, token)
    unlimited(slack)
    assert await error(other.chat_postMessage(channel="C00ALERTS", text="x")) == "channel_not_found"
    assert await error(other.chat_postMessage(channel="#alerts", text="x")) == "channel_not_found"
    assert await error(other.chat_postMessage(channel="U000GRACE", text="x")) == "channel_not_found"
    assert await error(other.users_lookupByEmail(email="grace@acme.example")) == "users_not_found"
    assert (await other.conversations_list())["channels"] == []
