"""Reconciling, from a change of a resource to its status and to the snapshot, in virtual time."""

import asyncio

import pytest

from tests.unit.pipeline.api_server import config_spec, receiver_spec
from tests.unit.pipeline.doubles import identity
from tests.unit.pipeline.reconciling import Control, running
from tests.virtual_time import virtual_time
from tocsin.errors import KubeNotFound, SlackCredentialRejected
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.model.tally import Tally
from tocsin.model.workspace import Connection, Identity

CONFIG, RECEIVER = Kind.CONFIG, Kind.RECEIVER


async def _settled(control: Control, seconds: float = 2.0) -> None:
    await asyncio.sleep(seconds)


@virtual_time
async def test_a_config_and_a_receiver_in_order_are_ready() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec("#a"))
        await _settled(control)
        assert control.condition(CONFIG, "acme") == ("True", "Verified", "posts to Acme as @tocsin")
        assert control.condition(RECEIVER, "ops") == (
            "True",
            "Succeeded",
            "sends with SlackConfig monitoring/acme",
        )
        assert control.condition(RECEIVER, "ops", "Delivering")[:2] == ("True", "Reachable")
        assert control.status(RECEIVER, "ops")["channels"][0]["id"] == "C00000001"
        assert control.status(CONFIG, "acme")["team"]["name"] == "Acme"


@virtual_time
async def test_how_many_receivers_use_a_config_is_in_its_status() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        await _settled(control)
        assert control.status(CONFIG, "acme")["receivers"] == 0
        control.apply(RECEIVER, "ops", receiver_spec())
        control.apply(RECEIVER, "dev", receiver_spec())
        await _settled(control, 40)
        assert control.status(CONFIG, "acme")["receivers"] == 2
        control.apply(RECEIVER, "dev", receiver_spec(config="other"))
        control.delete(RECEIVER, "ops")
        await _settled(control, 40)
        assert control.status(CONFIG, "acme")["receivers"] == 0


@virtual_time
async def test_a_receiver_waits_for_its_config_and_is_ready_once_it_comes() -> None:
    async with running() as control:
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control)
        assert control.condition(RECEIVER, "ops") == (
            "False",
            "ConfigNotFound",
            "SlackConfig monitoring/acme does not exist: create it, or correct spec.configRef",
        )
        assert control.condition(RECEIVER, "ops", "Reconciling")[0] == "True"
        control.apply(CONFIG, "acme", config_spec())
        await _settled(control)
        assert control.condition(RECEIVER, "ops")[0] == "True"
        control.delete(CONFIG, "acme")
        await _settled(control)
        assert control.condition(RECEIVER, "ops")[1] == "ConfigNotFound"
        assert control.workspaces.state("monitoring/acme") is None


@virtual_time
async def test_a_config_without_its_secret_makes_its_receivers_wait_and_is_looked_at_again() -> (
    None
):
    async with running() as control:
        secrets = control.server.secrets.copy()
        control.server.secrets.clear()
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control)
        assert control.condition(CONFIG, "acme")[:2] == ("False", "SecretNotFound")
        status, reason, message = control.condition(RECEIVER, "ops")
        assert (status, reason) == ("False", "ConfigNotReady")
        assert message.startswith("SlackConfig monitoring/acme: ")
        assert control.condition(RECEIVER, "ops", "Delivering")[0] == "False"
        control.server.secrets.update(secrets)
        await _settled(control, 30)
        assert control.condition(CONFIG, "acme")[0] == "True"
        assert control.condition(RECEIVER, "ops")[0] == "True"


@virtual_time
async def test_a_rotated_secret_is_used_within_thirty_seconds() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control)
        control.server.secrets["monitoring", "slack-token"] = {"token": b"xoxb-3-4-made-up"}
        await _settled(control, 28)
        state = control.workspaces.state("monitoring/acme")
        assert state is not None
        assert state.connection is not None
        assert state.connection.token.reveal() == "xoxb-3-4-made-up"


@virtual_time
async def test_a_suspected_credential_is_looked_at_at_once() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control)
        control.slack.error = SlackCredentialRejected("token_revoked")
        control.workspaces.suspect("monitoring/acme", control.slack.error)
        control.reconciler.suspected("monitoring/acme")
        await _settled(control, 0.5)
        assert control.condition(CONFIG, "acme")[:2] == ("False", "TokenRejected")
        assert control.condition(RECEIVER, "ops")[:2] == ("False", "ConfigNotReady")
        assert control.condition(RECEIVER, "ops", "Stalled")[0] == "True"


@virtual_time
async def test_an_unused_config_that_is_well_is_seldom_looked_at() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        await _settled(control, 300)
        del control.server.secrets["monitoring", "slack-token"]
        await _settled(control, 200)
        assert control.condition(CONFIG, "acme")[0] == "True"
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control)
        assert control.condition(CONFIG, "acme")[:2] == ("False", "SecretNotFound")


@virtual_time
async def test_a_namespace_without_a_grant_may_not_use_a_config() -> None:
    async with running() as control:
        control.server.labels["payments"] = {}
        control.apply(CONFIG, "acme", config_spec())
        reference = {"name": "acme", "namespace": "monitoring"}
        control.apply(RECEIVER, "oncall", receiver_spec(configRef=reference), "payments")
        await _settled(control)
        assert control.condition(RECEIVER, "oncall", namespace="payments") == (
            "False",
            "NotAllowed",
            "SlackConfig monitoring/acme does not allow namespace payments: "
            "use another, or have its owner allow it in spec.allowedNamespaces",
        )
        assert control.condition(RECEIVER, "oncall", "Stalled", "payments")[0] == "True"
        control.apply(CONFIG, "acme", config_spec(allowedNamespaces={"from": "All"}))
        await _settled(control)
        assert control.condition(RECEIVER, "oncall", namespace="payments")[0] == "True"


@virtual_time
async def test_a_grant_by_selector_follows_the_namespaces_labels() -> None:
    async with running() as control:
        control.server.labels["payments"] = {}
        grant = {"from": "Selector", "selector": {"matchLabels": {"slack": "yes"}}}
        control.apply(CONFIG, "acme", config_spec(allowedNamespaces=grant))
        reference = {"name": "acme", "namespace": "monitoring"}
        control.apply(RECEIVER, "oncall", receiver_spec(configRef=reference), "payments")
        await _settled(control)
        assert control.condition(RECEIVER, "oncall", namespace="payments")[1] == "NotAllowed"
        snapshots = len(control.sink.snapshots)
        control.server.labels["payments"] = {"slack": "yes"}
        await _settled(control, 700)
        assert control.condition(RECEIVER, "oncall", namespace="payments")[0] == "True"
        assert len(control.sink.snapshots) > snapshots
        assert control.sink.snapshots[-1][1].namespaces["payments"] == {"slack": "yes"}


@virtual_time
async def test_a_channel_that_the_config_does_not_allow_is_named_and_the_others_are_served() -> (
    None
):
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec(allowedChannels=["a"]))
        control.apply(RECEIVER, "ops", receiver_spec("#a", "#b"))
        await _settled(control)
        status, reason, message = control.condition(RECEIVER, "ops")
        assert (status, reason) == ("False", "ChannelNotAllowed")
        assert "does not allow #b: " in message
        first, second = control.status(RECEIVER, "ops")["channels"]
        assert (first["reachable"], second["reachable"]) == ("True", "False")
        assert second["reason"] == "NotAllowed"


@virtual_time
async def test_a_channel_that_the_app_is_not_in_is_looked_at_again_within_a_minute() -> None:
    async with running() as control:
        control.slack.identity = identity("chat:write", "channels:read", "groups:read")
        control.slack.has("C00000002", "b", member=False)
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec("#b"))
        await _settled(control)
        assert control.condition(RECEIVER, "ops")[0] == "True"
        assert control.condition(RECEIVER, "ops", "Delivering") == (
            "False",
            "NotInChannel",
            "the app is not in #b: type /invite @tocsin there",
        )
        control.slack.has("C00000002", "b")
        await _settled(control, 60)
        assert control.condition(RECEIVER, "ops", "Delivering")[0] == "True"
        assert control.server.events == [
            ("ops", "NotInChannel", True),
            ("ops", "ChannelReachable", False),
        ]


@virtual_time
async def test_five_thousand_receivers_do_not_mean_five_thousand_calls_to_slack() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        for number in range(300):
            control.apply(RECEIVER, f"r{number}", receiver_spec("#a"))
        await _settled(control, 120)
        assert control.condition(RECEIVER, "r299", "Delivering")[0] == "True"
        assert len(control.slack.listed) <= 4
        assert len(control.slack.asked) <= 4


@virtual_time
async def test_a_disabled_receiver_is_healthy_and_needs_no_config() -> None:
    async with running() as control:
        control.apply(RECEIVER, "ops", receiver_spec(enabled=False))
        await _settled(control)
        assert control.condition(RECEIVER, "ops")[:2] == ("True", "Disabled")
        assert control.condition(RECEIVER, "ops", "Delivering")[:2] == ("Unknown", "Disabled")


@virtual_time
async def test_a_malformed_object_is_a_condition_on_it_and_harms_nothing_else() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec("#a"))
        control.apply(RECEIVER, "bad", receiver_spec("#a", "a"))
        control.apply(CONFIG, "broken", {})
        control.apply(RECEIVER, "user", receiver_spec(config="broken"))
        await _settled(control)
        status, reason, message = control.condition(RECEIVER, "bad")
        assert (status, reason) == ("False", "Invalid")
        assert message.startswith("spec.channels: ")
        assert message.endswith("nothing is done for this object until it is corrected")
        assert control.condition(RECEIVER, "bad", "Stalled")[0] == "True"
        assert control.status(RECEIVER, "bad")["observedGeneration"] == 1
        assert control.condition(CONFIG, "broken")[:2] == ("False", "Invalid")
        assert control.condition(RECEIVER, "user")[1] == "ConfigInvalid"
        assert control.condition(RECEIVER, "ops")[0] == "True"
        snapshot = control.sink.snapshots[-1][1]
        assert snapshot.receivers.keys() == {"monitoring/ops", "monitoring/user"}
        assert snapshot.configs.keys() == {"monitoring/acme"}


@virtual_time
async def test_an_object_that_is_spoilt_leaves_the_snapshot_and_comes_back_corrected() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec("#a"))
        await _settled(control)
        control.apply(RECEIVER, "ops", receiver_spec("#a", "a"))
        control.apply(CONFIG, "acme", {})
        await _settled(control)
        assert not control.sink.snapshots[-1][1].receivers
        assert control.workspaces.state("monitoring/acme") is None
        control.apply(RECEIVER, "ops", receiver_spec("#a"))
        control.apply(CONFIG, "acme", config_spec())
        await _settled(control)
        assert control.condition(RECEIVER, "ops")[0] == "True"
        assert control.status(RECEIVER, "ops")["observedGeneration"] == 3


@virtual_time
async def test_nothing_is_adopted_before_the_first_full_sync() -> None:
    async with running() as control:
        control.server.refusals[CONFIG] = KubeNotFound("no CRD yet")
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control, 300)
        assert not control.sink.snapshots
        del control.server.refusals[CONFIG]
        await _settled(control, 10)
        assert control.sink.snapshots[-1][1].receivers.keys() == {"monitoring/ops"}


@virtual_time
async def test_an_empty_cluster_is_a_whole_picture() -> None:
    async with running() as control:
        await _settled(control)
        assert [snapshot.receivers for _, snapshot in control.sink.snapshots] == [{}]


@virtual_time
async def test_changes_that_come_together_are_one_snapshot_within_fifty_milliseconds() -> None:
    async with running() as control:
        await _settled(control)
        before = len(control.sink.snapshots)
        began = asyncio.get_running_loop().time()
        for number in range(100):
            control.apply(RECEIVER, f"r{number}", receiver_spec())
        await _settled(control)
        (adopted,) = control.sink.snapshots[before:]
        assert adopted[0] - began <= 0.05
        assert len(adopted[1].receivers) == 100


@virtual_time
async def test_a_snapshot_that_could_not_be_stored_is_fed_again() -> None:
    async with running() as control:
        await _settled(control)
        control.sink.is_away = True
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control, 30)
        control.sink.is_away = False
        await _settled(control)
        assert control.sink.snapshots[-1][1].receivers.keys() == {"monitoring/ops"}


@virtual_time
async def test_a_deleted_receiver_is_forgotten() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control)
        control.delete(RECEIVER, "ops")
        await _settled(control)
        assert not control.sink.snapshots[-1][1].receivers
        patches = len(control.server.patches)
        control.writer.changed("monitoring/ops", transition=True)
        await _settled(control, 700)
        receivers = [key for _, key, _ in control.server.patches[patches:]]
        assert "monitoring/ops" not in receivers


@virtual_time
async def test_a_config_deleted_while_slack_is_asked_leaves_no_credential_behind() -> None:
    async with running() as control:
        verify = control.slack.verify

        async def hesitate(connection: Connection) -> Identity:
            await asyncio.sleep(5)
            return await verify(connection)

        control.slack.verify = hesitate  # type: ignore[method-assign]  # Slack is slow today
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec())
        control.writer.changed("monitoring/ops", transition=True)
        control.writer.report(ObjectKey(CONFIG, "monitoring/acme"), transition=True)
        await _settled(control)
        assert control.server.patches == []
        control.delete(CONFIG, "acme")
        await _settled(control, 30)
        assert control.workspaces.state("monitoring/acme") is None
        assert control.condition(RECEIVER, "ops")[1] == "ConfigNotFound"


@virtual_time
async def test_objects_deleted_while_they_are_looked_at_leave_nothing_behind() -> None:
    async with running() as control:
        control.slack.listing_seconds = 3
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control, 0.05)
        control.delete(RECEIVER, "ops")
        control.delete(CONFIG, "acme")
        await _settled(control, 60)
        assert control.workspaces.state("monitoring/acme") is None
        assert "monitoring/ops" not in [key for _, key, _ in control.server.patches]


@virtual_time
async def test_a_receiver_created_anew_starts_with_a_status_of_its_own() -> None:
    async with running() as control:
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control)
        assert control.condition(RECEIVER, "ops")[1] == "ConfigNotFound"
        control.server.delete(RECEIVER, "ops")
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control)
        assert control.condition(RECEIVER, "ops")[1] == "ConfigNotFound"


@virtual_time
async def test_statuses_found_at_a_start_are_not_written_again() -> None:
    async with running() as control:
        control.apply(CONFIG, "acme", config_spec())
        control.apply(RECEIVER, "ops", receiver_spec())
        await _settled(control)
        objects, found = control.server.objects, len(control.server.patches)
        assert found == 2
    async with running() as restarted:
        restarted.server.objects = objects
        await _settled(restarted, 60)
        assert restarted.server.patches == [] or all(
            patch.keys() <= {"lastVerifiedTime"} for _, _, patch in restarted.server.patches
        )
        assert restarted.server.events == []


@pytest.mark.parametrize("transition", [True, False])
def test_what_delivery_tells_is_in_the_status(transition: bool) -> None:
    @virtual_time
    async def scenario() -> None:
        async with running() as control:
            control.apply(CONFIG, "acme", config_spec())
            control.apply(RECEIVER, "ops", receiver_spec("#a"))
            await _settled(control)
            control.deliveries.tallies["monitoring/ops", "#a"] = Tally(sent=7)
            control.deliveries.waits["monitoring/ops", "#a"] = 2
            control.writer.changed("monitoring/ops", transition=transition)
            await _settled(control, 1 if transition else 31)
            (channel,) = control.status(RECEIVER, "ops")["channels"]
            assert (channel["sent"], channel["pending"]) == (7, 2)

    scenario()
