"""What conftest.py hands to tests works together with pytest's own parts."""

import json
import urllib.request
from asyncio import to_thread

from lab.kubectl import Cluster
from lab.slack.server import StandIn


async def test_the_slack_of_a_test_answers_and_keeps_a_journal(slack: StandIn) -> None:
    token = next(iter(slack.state.tokens))
    assert await to_thread(ask_who_i_am, slack.api_url, token) == {"ok": True}


def ask_who_i_am(api_url: str, token: str) -> dict[str, bool]:
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{api_url}auth.test", b"", headers)
    with urllib.request.urlopen(request) as answer:
        return {"ok": json.load(answer)["ok"]}


def test_each_test_has_a_namespace_of_its_own(control_plane: Cluster, namespace: str) -> None:
    phase = "jsonpath={.status.phase}"
    assert control_plane.kubectl("get", "namespace", namespace, "-o", phase) == "Active"
