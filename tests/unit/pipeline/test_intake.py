"""Intake: what it says of a payload is what the disk said."""

import asyncio
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from tests.unit.edge.serving import RecordingStore
from tocsin.edge.metrics import Metrics
from tocsin.errors import StoreUnavailable
from tocsin.model.records import InboxRow
from tocsin.pipeline.intake import Intake
from tocsin.pipeline.ports import Store


class Setting:
    """An intake over a store that remembers, at 100 s."""

    def __init__(self) -> None:
        self.store = RecordingStore()
        self.registry = CollectorRegistry()
        self.intake = Intake(cast("Store", self.store), Metrics(self.registry, ""), lambda: 100.0)

    def accepted(self) -> float | None:
        return self.registry.get_sample_value("tocsin_intake_duration_seconds_count")


@pytest.fixture
async def setting() -> Setting:
    return Setting()


async def test_what_is_accepted_is_in_the_store_with_the_time_it_came(setting: Setting) -> None:
    await setting.intake.accept("kind", "sender", b"payload")
    assert setting.store.rows == [InboxRow(0, 100.0, "kind", "sender", b"payload")]
    assert setting.accepted() == 1
    assert setting.intake.refused_at == 0


async def test_what_the_store_does_not_take_is_not_accepted(setting: Setting) -> None:
    setting.store.full = "the disk is full"
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await setting.intake.accept("kind", "sender", b"payload")
    assert setting.accepted() == 0
    assert setting.intake.refused_at == 100
    assert setting.intake.in_flight == 0


async def test_payloads_on_their_way_to_the_disk_are_counted(setting: Setting) -> None:
    setting.store.released.clear()
    accepting = [asyncio.create_task(setting.intake.accept("", "", b"")) for _ in range(2)]
    for _ in accepting:
        await setting.store.arrivals.get()
    assert setting.intake.in_flight == 2
    setting.store.released.set()
    await asyncio.gather(*accepting)
    assert setting.intake.in_flight == 0
