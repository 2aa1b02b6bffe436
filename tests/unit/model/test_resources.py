import json
from types import MappingProxyType
from typing import Any

import pytest

from tests.kube.refused_specs import CONFIG, RECEIVER, REFUSED, Refused
from tocsin.errors import ResourceInvalid
from tocsin.model.config_spec import SlackApi
from tocsin.model.matcher import Matcher
from tocsin.model.resources import KINDS, parse_config, parse_receiver
from tocsin.model.signal import Source

_PARSERS = {"SlackConfig": parse_config, "SlackReceiver": parse_receiver}


def _body(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "one", "namespace": "team", **metadata}, "spec": spec}


def _receiver_with(**subscription: Any) -> dict[str, Any]:
    one = {"name": "one", "source": "alerts", **subscription}
    return _body({**RECEIVER, "subscriptions": [one]})


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.what)
def test_what_the_server_refuses_is_refused_here_too(refused: Refused) -> None:
    with pytest.raises(ResourceInvalid) as caught:
        _PARSERS[refused.kind](_body(refused.spec))
    assert caught.value.field.startswith(refused.field)
    assert (refused.ours or refused.words) in caught.value.message


def test_a_receiver_needs_a_config_and_channels_alone() -> None:
    receiver = parse_receiver(_body(RECEIVER, uid="u", generation=2, labels={"a": "b"}))
    assert receiver.metadata.key == "team/one"
    assert receiver.metadata.uid == "u"
    assert receiver.metadata.generation == 2
    assert receiver.metadata.labels == {"a": "b"}
    assert receiver.config_key == "team/acme"
    assert receiver.spec.enabled
    assert receiver.spec.channels == ("#alerts",)
    assert receiver.spec.builtin == ("alerts", "events", "audit")
    assert receiver.spec.subscriptions == ()
    assert receiver.spec.mute_times == receiver.spec.active_times == ()


def test_a_config_may_be_in_another_namespace() -> None:
    ref = {"name": "acme", "namespace": "platform"}
    assert parse_receiver(_body({**RECEIVER, "configRef": ref})).config_key == "platform/acme"


def test_a_config_needs_a_credential_alone() -> None:
    spec = parse_config(_body(CONFIG)).spec
    assert spec.token_secret_ref is not None
    assert spec.token_secret_ref.key == "token"
    assert spec.webhook_secret_ref is None
    assert spec.api == SlackApi()
    assert spec.api.url is None
    assert spec.api.timeout_seconds is None
    assert spec.allowed_namespaces.from_ == "Same"
    assert spec.allows_channel("#any")


def test_a_webhook_has_a_key_of_its_own() -> None:
    spec = parse_config(_body({"webhookSecretRef": {"name": "hook"}})).spec
    assert spec.webhook_secret_ref is not None
    assert spec.webhook_secret_ref.key == "url"


def test_a_config_says_how_slack_is_reached_and_for_whom() -> None:
    api = {
        "url": "http://127.0.0.1:8080/api/",
        "proxyUrl": "http://proxy.example.com:3128",
        "caBundleRef": {"name": "ca"},
        "timeout": "1m",
    }
    spec = parse_config(_body({**CONFIG, "api": api, "allowedChannels": ["pay-*"]})).spec
    assert spec.api.timeout_seconds == 60.0
    assert spec.api.ca_bundle_ref is not None
    assert (spec.api.ca_bundle_ref.kind, spec.api.ca_bundle_ref.key) == ("ConfigMap", "ca.crt")
    assert spec.allows_channel("C024BE91L", "pay-oncall")
    assert not spec.allows_channel("#ops")


def test_subscriptions_hold_seconds_and_compiled_matchers() -> None:
    matchers = [{"name": "severity", "value": "critical"}]
    body = _receiver_with(
        matchers=[*matchers, {"name": "reason", "value": "Failed.*", "matchType": "=~"}],
        groupBy=["..."],
        groupWait="0s",
        groupInterval="1m",
        repeatInterval="4h",
    )
    (subscription,) = parse_receiver(body).spec.subscriptions
    assert subscription.source is Source.ALERTS
    assert subscription.matchers == (
        Matcher("severity", "critical"),
        Matcher("reason", "Failed.*", "=~"),
    )
    assert subscription.group_by == ("...",)
    assert subscription.group_wait_seconds == 0.0
    assert subscription.group_interval_seconds == 60.0
    assert subscription.repeat_interval_seconds == 14_400.0


def test_what_a_subscription_leaves_out_is_left_open() -> None:
    (subscription,) = parse_receiver(_receiver_with()).spec.subscriptions
    assert subscription.channels is None
    assert subscription.group_by is None
    assert subscription.group_wait_seconds is None
    assert subscription.group_interval_seconds is None
    assert subscription.repeat_interval_seconds is None
    assert subscription.send_resolved
    assert subscription.updates == "Thread"


def test_the_block_of_its_own_source_is_kept() -> None:
    body = _receiver_with(source="events", events={"minCount": 3, "within": "10m"})
    (subscription,) = parse_receiver(body).spec.subscriptions
    assert subscription.events is not None
    assert (subscription.events.min_count, subscription.events.within_seconds) == (3, 600.0)


def test_all_channels_are_those_of_the_receiver_and_its_subscriptions_once_each() -> None:
    subscriptions = [
        {"name": "a", "source": "alerts"},
        {"name": "b", "source": "alerts", "channels": ["alerts", "#b"]},
        {"name": "c", "source": "alerts", "channels": ["b", "C024BE91L"]},
    ]
    spec = parse_receiver(_body({**RECEIVER, "subscriptions": subscriptions})).spec
    assert spec.all_channels == ("#alerts", "#b", "C024BE91L")


def test_fields_of_a_newer_schema_are_ignored() -> None:
    body = _body({**RECEIVER, "colour": "blue", "configRef": {"name": "acme", "kind": "Future"}})
    assert parse_receiver({**body, "future": {}}).spec == parse_receiver(_body(RECEIVER)).spec


def test_bodies_may_be_any_mapping() -> None:
    body = MappingProxyType({key: MappingProxyType(part) for key, part in _body(CONFIG).items()})
    assert parse_config(body).metadata.name == "one"


def test_an_object_can_be_parsed_again_from_what_it_keeps() -> None:
    body = _body(RECEIVER, generation=2, managedFields=[{"manager": "kubectl"}])
    receiver = parse_receiver({**body, "status": {"observedGeneration": 2}})
    assert receiver.body == {
        "metadata": {"name": "one", "namespace": "team", "generation": 2},
        "spec": RECEIVER,
    }
    assert parse_receiver(json.loads(json.dumps(receiver.body))) == receiver


def test_a_body_without_a_spec_is_refused_not_fatal() -> None:
    with pytest.raises(ResourceInvalid) as caught:
        parse_receiver({"metadata": {"name": "one", "namespace": "team"}})
    assert caught.value.field == "spec.configRef"
    assert caught.value.message == "Field required (and 1 more)"


@pytest.mark.parametrize("part", [None, "text", [], [1], 5])
def test_parts_of_another_type_are_refused_not_fatal(part: Any) -> None:
    with pytest.raises(ResourceInvalid):
        parse_config({**_body(CONFIG), "spec": part})
    with pytest.raises(ResourceInvalid):
        parse_config({**_body(CONFIG), "metadata": part})


def test_refusals_do_not_repeat_the_value() -> None:
    inline = {"tokenSecretRef": {"name": "xoxb-1234-abcd/secret"}}
    with pytest.raises(ResourceInvalid) as caught:
        parse_config(_body(inline))
    assert "xoxb" not in str(caught.value)


def test_kinds_have_the_names_that_kubectl_uses() -> None:
    assert [(kind.plural, kind.short_name) for kind in KINDS] == [
        ("slackconfigs", "slc"),
        ("slackreceivers", "slr"),
    ]
