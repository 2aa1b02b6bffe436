"""Where the access to the API server comes from."""

from pathlib import Path

import pytest
from kubernetes.aio.config import incluster_config

from tocsin.adapters.kube_access import load_access
from tocsin.errors import KubeUnavailable


@pytest.fixture
def service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a pod finds its service account."""
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("made-up")
    authority.write_text("an authority")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return tmp_path


async def test_in_a_pod_it_is_the_service_accounts(service_account: Path) -> None:
    access = await load_access(None)
    assert access.host == "https://10.0.0.1:443"
    assert access.ssl_ca_cert == str(service_account / "ca.crt")
    assert await access.get_api_key_with_prefix("BearerToken") == "bearer made-up"


async def test_in_a_pod_without_a_token_it_fails_with_a_cure(service_account: Path) -> None:
    (service_account / "token").unlink()
    with pytest.raises(KubeUnavailable, match=r"service account .*TOCSIN_KUBECONFIG"):
        await load_access(None)


async def test_two_accesses_do_not_share_credentials(service_account: Path) -> None:
    first = await load_access(None)
    (service_account / "token").write_text("another")
    second = await load_access(None)
    assert await first.get_api_key_with_prefix("BearerToken") == "bearer made-up"
    assert await second.get_api_key_with_prefix("BearerToken") == "bearer another"
