"""Which hosts and proxies are allowed."""

import pytest

from tocsin.model.config_spec import SlackApi
from tocsin.pipeline.endpoints import Endpoints, api_url, proxy_url

ENDPOINTS = Endpoints(
    ("Slack.Example.com", "gateway.example.com:8443", "127.0.0.1:8080", "localhost", "[::1]:8080"),
    ("http://proxy.example.com:3128/",),
)


def reason(url: str) -> str:
    flaw = ENDPOINTS.flaw(SlackApi(url=url))
    return flaw.reason if flaw else ""


@pytest.mark.parametrize(
    "url",
    [
        "https://slack.com/api/",
        "https://SLACK.com:443/api",
        "https://acme.enterprise.slack.com/api/",
        "https://slack-gov.com/api/",
        "https://slack.example.com/api/",
        "https://gateway.example.com:8443/api/",
        "http://127.0.0.1:8080/api/",
        "http://localhost/api/",
        "http://[::1]:8080/api/",
    ],
)
def test_slacks_own_and_listed_hosts_are_allowed(url: str) -> None:
    assert reason(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://slack.com:8443/api/",
        "https://evilslack.com/api/",
        "https://slack.com.evil.example/api/",
        "https://slack.example.com:8443/api/",
        "https://gateway.example.com/api/",
        "https://10.0.0.1/api/",
        "http://127.0.0.1:8081/api/",
        "http://localhost:8080/api/",
        "https://kubernetes.default.svc/api/",
    ],
)
def test_other_hosts_and_ports_are_not_allowed(url: str) -> None:
    assert reason(url) == "HostNotAllowed"


@pytest.mark.parametrize("url", ["http://slack.com/api/", "http://slack.example.com/api/"])
def test_without_tls_only_loopback_hosts_are_called(url: str) -> None:
    assert reason_of_unchecked(url) == "HostNotAllowed"


def reason_of_unchecked(url: str) -> str:
    """As for an object that an older schema let in."""
    flaw = ENDPOINTS.flaw(SlackApi.model_construct(url=url, proxy_url=None))
    return flaw.reason if flaw else ""


def test_the_default_is_slack_itself_without_a_proxy() -> None:
    assert ENDPOINTS.flaw(SlackApi()) is None
    assert api_url(SlackApi()) == "https://slack.com/api/"
    assert proxy_url(SlackApi()) == ""


def test_a_proxy_must_be_listed_to_the_letter() -> None:
    assert ENDPOINTS.flaw(SlackApi(proxy_url="http://proxy.example.com:3128")) is None
    for other in ("http://proxy.example.com:3129", "https://proxy.example.com:3128"):
        flaw = ENDPOINTS.flaw(SlackApi(proxy_url=other))
        assert flaw is not None
        assert flaw.reason == "ProxyNotAllowed"
        assert other in flaw.message
