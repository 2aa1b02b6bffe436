"""What reconciling found out about each resource, kept until the status writer asks for it.

In: facts from the reconciler. Out: reports, with what delivery knows of the channels by then.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tocsin.model.facts import ConfigFacts, ReceiverFacts, Report
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.pipeline.ports import DeliveryFacts
from tocsin.pipeline.resource_cache import ResourceCache
from tocsin.stages.reporting import report_config, report_receiver


class Findings:
    """Facts by `namespace/name`; the reconciler puts them in and takes them out."""

    def __init__(self, cache: ResourceCache, delivery: DeliveryFacts) -> None:
        self._cache = cache
        self._delivery = delivery
        self.configs: dict[str, ConfigFacts] = {}
        self.receivers: dict[str, ReceiverFacts] = {}

    def forget(self, key: ObjectKey) -> None:
        """Drop what is known of an object, which was deleted."""
        (self.configs if key.kind is Kind.CONFIG else self.receivers).pop(key.key, None)

    def describe(self, key: ObjectKey, shown: Mapping[str, Any], now: float) -> Report | None:
        """Return the report on an object; None while it was not looked at.

        `shown` is its status as last written; `now` in seconds since the epoch.
        """
        if key.kind is Kind.CONFIG:
            config = self.configs.get(key.key)
            if config is None:
                return None
            users = len(self._cache.users_of(key.key))
            return report_config(replace(config, receivers=users), shown, now)
        receiver = self.receivers.get(key.key)
        if receiver is None:
            return None
        channels = tuple(
            replace(
                channel,
                tally=self._delivery.tally(key.key, channel.look.name),
                waiting=self._delivery.waiting(key.key, channel.look.name),
            )
            for channel in receiver.channels
        )
        return report_receiver(replace(receiver, channels=channels), shown, now)
