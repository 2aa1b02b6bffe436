"""Which proxy a URL is reached through."""

import pytest
from yarl import URL

from tocsin.adapters.proxies import proxy_for

SLACK = URL("https://slack.com/api/")
PROXIES = {"https": "http://secure:3128", "http": "http://plain:3128"}


def test_each_scheme_has_its_proxy_and_all_stands_in_for_both() -> None:
    assert proxy_for(SLACK, PROXIES) == "http://secure:3128"
    assert proxy_for(URL("http://slack.example.com/api/"), PROXIES) == "http://plain:3128"
    assert proxy_for(SLACK, {"all": "http://any:3128"}) == "http://any:3128"
    assert proxy_for(SLACK, {}) == ""


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_loopback_is_reached_directly(host: str) -> None:
    assert proxy_for(URL(f"http://{host}:8080/api/"), PROXIES) == ""


@pytest.mark.parametrize(
    "no_proxy",
    [
        "*",
        "slack.com",
        "SLACK.com",
        ".com",
        "*.com",
        "example.com, slack.com",
        ",,slack.com",
        "slack.com:443",
    ],
)
def test_hosts_that_no_proxy_names_are_reached_directly(no_proxy: str) -> None:
    assert proxy_for(SLACK, {**PROXIES, "no": no_proxy}) == ""


@pytest.mark.parametrize(
    "no_proxy",
    ["", "example.com", "ack.com", "slack.com:8443", "acme.slack.com", ".", "10.0.0.0/8"],
)
def test_other_hosts_are_not(no_proxy: str) -> None:
    assert proxy_for(SLACK, {**PROXIES, "no": no_proxy}) == "http://secure:3128"


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3"),
        ("[fd00::1]", "fd00::/8"),
        ("[fd00::1]", "[fd00::1]"),
    ],
)
def test_addresses_and_networks_may_be_named(host: str, no_proxy: str) -> None:
    url = URL(f"https://{host}/api/")
    assert proxy_for(url, {**PROXIES, "no": no_proxy}) == ""
    assert proxy_for(url, {**PROXIES, "no": "192.168.0.0/16"}) == "http://secure:3128"
