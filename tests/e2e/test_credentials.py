"""SlackConfigs that are wrong, and become right; tokens that end while they are in use."""

import time
from datetime import datetime

import pytest

from tests.e2e.payloads import alert
from tests.e2e.site import Site
from tests.e2e.stories import FLAWS, Flaw, Stories, play_repairs, play_revocation
from tests.e2e.tenant import Tenant

_AT_ONCE_SECONDS = 15
"""The Secret is looked at every 25 s without a reason."""


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.name)
def test_a_wrong_slackconfig_is_not_ready_with_a_reason_of_its_own(
    stories: Stories, flaw: Flaw
) -> None:
    wrong = stories.told(play_repairs)[flaw.name].wrong
    assert (wrong["status"], wrong["reason"]) == ("False", flaw.reason)
    assert flaw.words in wrong["message"]


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.name)
def test_a_slackconfig_becomes_ready_by_itself_within_30_s_of_being_put_right(
    stories: Stories, flaw: Flaw
) -> None:
    repair = stories.told(play_repairs)[flaw.name]
    assert (repair.right["status"], repair.right["reason"]) == ("True", "Verified")
    ready_at = datetime.fromisoformat(repair.right["lastTransitionTime"]).timestamp()
    assert ready_at <= repair.repaired_at + 30


def test_a_token_rotated_after_slack_revoked_the_old_one_counts_at_once_and_nothing_is_lost(
    site: Site, tenant: Tenant
) -> None:
    tenant.declare("ops")
    old, new = tenant.token, tenant.slack.issue_token()
    site.apply(tenant.secret(new))
    tenant.slack.revoke(old)
    posted_at = time.time()
    site.accept(alert("DiskFull", tenant.namespace))
    message = tenant.slack.await_message("ops", "DiskFull")
    assert float(message["ts"]) < posted_at + _AT_ONCE_SECONDS
    site.await_ready(tenant.config_place, tenant.receiver_place)
    assert len(tenant.slack.messages("ops")) == 1


def test_while_slack_refuses_the_token_the_status_says_so_and_messages_wait_for_the_next(
    stories: Stories,
) -> None:
    story = stories.told(play_revocation)
    assert story.config["status"] == story.receiver["status"] == "False"
    assert "token_revoked" in story.config["message"]
    assert "put a valid token into the Secret" in story.config["message"]
    assert "token_revoked" in story.receiver["message"]
    assert "Firing: DiskFull" in story.message["text"]
    assert story.waited_seconds < 30
