"""Small makers of model objects for unit tests, with plain defaults."""

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.model.resources import SlackReceiver, parse_receiver
from tocsin.model.signal import Signal, Source, Status


def signal(namespace: str = "payments", **labels: str) -> Signal:
    """A firing alert, accepted at 1000 s."""
    every = {"alertname": "Down", **({"namespace": namespace} if namespace else {}), **labels}
    return Signal(Source.ALERTS, every, {}, Status.FIRING, 900.0, 1200.0, 1000.0, namespace)


def receiver(
    namespace: str = "payments",
    name: str = "oncall",
    *,
    channels: Sequence[str] = ("ops",),
    subscriptions: Sequence[Mapping[str, Any]] = (),
    **spec: Any,
) -> SlackReceiver:
    """A receiver as the API server would hold it."""
    return parse_receiver(
        {
            "metadata": {"namespace": namespace, "name": name, "uid": "u", "generation": 1},
            "spec": {
                "configRef": {"name": "acme"},
                "channels": list(channels),
                "subscriptions": [dict(each) for each in subscriptions],
                **spec,
            },
        }
    )
