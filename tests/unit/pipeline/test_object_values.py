"""Reading Secrets and ConfigMaps: what is missing, and what holds while the API server is away."""

import pytest

from tests.unit.pipeline.workspace_rig import AUTHORITY, WorkspaceRig
from tocsin.errors import KubeForbidden, KubeUnavailable


@pytest.fixture
def rig() -> WorkspaceRig:
    return WorkspaceRig()


async def test_an_absent_secret_and_an_absent_key_are_told_apart(rig: WorkspaceRig) -> None:
    rig.kube.secrets.clear()
    state = await rig.refresh()
    assert (state.reason, state.retry) == ("SecretNotFound", True)
    assert "Secret monitoring/slack-token does not exist" in state.message
    rig.kube.secrets["monitoring", "slack-token"] = {"tokn": b"x"}
    state = await rig.refresh()
    assert state.reason == "SecretKeyNotFound"
    assert "no key token" in state.message


async def test_a_secret_that_may_not_be_read_is_the_operators_trouble(rig: WorkspaceRig) -> None:
    rig.kube.error = KubeForbidden("no")
    state = await rig.refresh()
    assert state.reason == "SecretForbidden"
    assert "must allow get on secrets" in state.message


async def test_while_the_api_server_is_away_the_last_token_stays_in_use(rig: WorkspaceRig) -> None:
    good = await rig.refresh()
    rig.kube.error = KubeUnavailable("connection refused")
    assert await rig.refresh() is good
    rig.clock.now += 7200
    assert (await rig.refresh()).ready
    assert len(rig.slack.verified) == 2


async def test_an_api_server_that_was_never_there_is_waited_for(rig: WorkspaceRig) -> None:
    rig.kube.error = KubeUnavailable("connection refused")
    state = await rig.refresh()
    assert (state.ready, state.reason, state.retry) == (False, "SecretUnreadable", True)
    rig.kube.error = None
    assert (await rig.refresh()).ready


async def test_a_deleted_secret_ends_the_use_of_its_token_even_if_the_api_server_fails_after(
    rig: WorkspaceRig,
) -> None:
    await rig.refresh()
    rig.kube.secrets.clear()
    assert not (await rig.refresh()).ready
    rig.kube.error = KubeUnavailable("connection refused")
    assert (await rig.refresh()).reason == "SecretUnreadable"


async def test_another_secrets_token_is_not_used_in_place_of_one_that_cannot_be_read(
    rig: WorkspaceRig,
) -> None:
    await rig.refresh()
    rig.kube.error = KubeUnavailable("connection refused")
    state = await rig.refresh(tokenSecretRef={"name": "other"})
    assert state.reason == "SecretUnreadable"


async def test_authorities_may_be_in_a_secret_and_are_read_anew(rig: WorkspaceRig) -> None:
    rig.kube.secrets["monitoring", "ca"] = {"pem": AUTHORITY.read_bytes()}
    reference = {"api": {"caBundleRef": {"kind": "Secret", "name": "ca", "key": "pem"}}}
    assert (await rig.refresh(**reference)).ready
    rig.kube.secrets["monitoring", "ca"] = {"pem": AUTHORITY.read_bytes() + b"\n"}
    assert (await rig.refresh(**reference)).ready
    assert len(rig.slack.verified) == 2


async def test_authorities_that_are_missing_or_no_certificates_are_named(rig: WorkspaceRig) -> None:
    reference = {"api": {"caBundleRef": {"name": "corporate"}}}
    assert (await rig.refresh(**reference)).reason == "CABundleNotFound"
    for wrong in (b"not a certificate", b"\xff"):
        rig.kube.config_maps["monitoring", "corporate"] = {"ca.crt": wrong}
        state = await rig.refresh(**reference)
        assert state.reason == "CABundleInvalid"
        assert "ca.crt of ConfigMap monitoring/corporate" in state.message
    rig.kube.config_maps["monitoring", "corporate"] = {}
    assert (await rig.refresh(**reference)).reason == "CABundleKeyNotFound"
    assert rig.slack.verified == []


async def test_a_forgotten_workspace_leaves_no_token_behind(rig: WorkspaceRig) -> None:
    await rig.refresh()
    rig.workspaces.forget("monitoring/acme")
    assert rig.workspaces.state("monitoring/acme") is None
    rig.kube.error = KubeUnavailable("connection refused")
    assert (await rig.refresh()).reason == "SecretUnreadable"
