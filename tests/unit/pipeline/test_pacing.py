"""The pacer: against token buckets whose size it is not told, over a network that jitters."""

import heapq
import math
import random
from dataclasses import dataclass

import pytest

from tocsin.model.group import Operation
from tocsin.pipeline.pacing import SlackPacer

POST, REPLY, EDIT = Operation.POST, Operation.REPLY, Operation.EDIT


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bucket:
    """Slack's side: `burst` calls at once, then one each `interval`; whole seconds to wait."""

    interval: float
    burst: int
    full_at: float = 0.0

    def refuses(self, now: float) -> int:
        full_at = max(self.full_at, now)
        wait = full_at - (self.burst - 1) * self.interval - now
        if wait > 1e-9:
            return max(1, math.ceil(wait))
        self.full_at = full_at + self.interval
        return 0


@dataclass
class Outcome:
    last_arrival: float
    refusals: int

    def over_ideal(self, calls: int, bucket: Bucket) -> float:
        return self.last_arrival / ((calls - bucket.burst) * bucket.interval)


class Network:
    """Sends `calls` through the pacer; each way takes `delay` and an exponential `jitter`."""

    def __init__(
        self, bucket: Bucket, operation: Operation, *, delay: float, jitter: float, seed: int
    ) -> None:
        self.bucket = bucket
        self.operation = operation
        self.delay = delay
        self.jitter = jitter
        self.random = random.Random(seed)
        self.clock = Clock()
        self.pacer = SlackPacer(1.0, 50.0, self.clock)
        self.events: list[tuple[float, int, str, int]] = []
        self.number = 0

    def later(self, seconds: float, kind: str, retry_after: int = 0) -> None:
        self.at(self.clock.now + seconds, kind, retry_after)

    def at(self, time: float, kind: str, retry_after: int = 0) -> None:
        self.number += 1
        heapq.heappush(self.events, (time, self.number, kind, retry_after))

    def way(self) -> float:
        return self.delay + self.random.expovariate(1 / self.jitter)

    def send(self, calls: int, in_flight: int) -> Outcome:
        outcome = Outcome(0.0, 0)
        waiting, free, looks_at = calls, in_flight, 0.0
        self.later(0, "look")
        while self.events:
            self.clock.now, _, kind, retry_after = heapq.heappop(self.events)
            if kind == "arrival":
                refused = self.bucket.refuses(self.clock.now)
                if refused:
                    outcome.refusals += 1
                else:
                    outcome.last_arrival = self.clock.now
                self.later(self.way(), "refused" if refused else "taken", refused)
            elif kind == "taken":
                free += 1
            elif kind == "refused":
                free += 1
                waiting += 1
                self.pacer.paused("T1", "C1", self.operation, retry_after)
            while waiting and free:
                slot = self.pacer.next_slot("T1", "C1", self.operation)
                if slot > self.clock.now:
                    if slot != looks_at:
                        self.at(slot, "look")
                        looks_at = slot
                    break
                self.pacer.take("T1", "C1", self.operation)
                waiting, free = waiting - 1, free - 1
                self.later(self.way(), "arrival")
        return outcome


@pytest.mark.parametrize("in_flight", [1, 8])
@pytest.mark.parametrize(("delay", "jitter"), [(0.0005, 0.001), (0.01, 0.01), (0.15, 0.005)])
@pytest.mark.parametrize("burst", [1, 3, 10])
def test_a_hundred_posts_arrive_almost_as_fast_as_possible_with_three_refusals_at_most(
    burst: int, delay: float, jitter: float, in_flight: int
) -> None:
    for seed in range(5):
        bucket = Bucket(1.0, burst)
        network = Network(bucket, POST, delay=delay, jitter=jitter, seed=seed)
        outcome = network.send(100, in_flight)
        assert outcome.over_ideal(100, bucket) <= 1.1
        assert outcome.refusals <= 3


@pytest.mark.parametrize("burst", [1, 3, 10, 50])
def test_five_hundred_edits_meet_three_refusals_at_most(burst: int) -> None:
    for seed in range(3):
        bucket = Bucket(60 / 50, burst)
        network = Network(bucket, EDIT, delay=0.05, jitter=0.01, seed=seed)
        outcome = network.send(500, in_flight=4)
        assert outcome.over_ideal(500, bucket) <= 1.2
        assert outcome.refusals <= 3


def test_a_learned_burst_is_remembered_and_not_overrun_again() -> None:
    bucket = Bucket(1.0, 3)
    network = Network(bucket, POST, delay=0.01, jitter=0.001, seed=1)
    assert network.send(20, in_flight=4).refusals == 1
    network.clock.now += 60
    assert network.send(20, in_flight=4).refusals == 0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pacer(clock: Clock) -> SlackPacer:
    return SlackPacer(1.0, 50.0, clock)


def exhaust(pacer: SlackPacer, clock: Clock, channel: str, operation: Operation) -> None:
    """Spend a whole burst."""
    for _ in range(20):
        clock.now = max(clock.now, pacer.next_slot("T1", channel, operation))
        pacer.take("T1", channel, operation)


def test_an_unused_channel_is_free_at_once(pacer: SlackPacer, clock: Clock) -> None:
    clock.now = 1000.0
    assert pacer.next_slot("T1", "C1", POST) <= clock.now


def test_a_busy_channel_holds_no_other_up(pacer: SlackPacer, clock: Clock) -> None:
    exhaust(pacer, clock, "C1", POST)
    assert pacer.next_slot("T1", "C1", POST) > clock.now
    for other in (("T1", "C2"), ("T2", "C1")):
        assert pacer.next_slot(*other, POST) <= clock.now


def test_replies_and_posts_share_the_channels_budget(pacer: SlackPacer, clock: Clock) -> None:
    exhaust(pacer, clock, "C1", REPLY)
    assert pacer.next_slot("T1", "C1", POST) == pacer.next_slot("T1", "C1", REPLY) > clock.now


def test_edits_share_the_workspaces_budget_and_never_hold_posts_up(
    pacer: SlackPacer, clock: Clock
) -> None:
    exhaust(pacer, clock, "C1", EDIT)
    assert pacer.next_slot("T1", "C2", EDIT) > clock.now
    assert pacer.next_slot("T1", "C1", POST) <= clock.now
    assert pacer.next_slot("T2", "C1", EDIT) <= clock.now


def test_posts_stay_below_one_a_second_once_the_burst_is_spent(
    pacer: SlackPacer, clock: Clock
) -> None:
    exhaust(pacer, clock, "C1", POST)
    before = clock.now
    exhaust(pacer, clock, "C1", POST)
    assert 20 < clock.now - before < 22


def test_a_retry_after_pauses_exactly_that_budget(pacer: SlackPacer, clock: Clock) -> None:
    pacer.take("T1", "C1", POST)
    pacer.paused("T1", "C1", POST, 30.0)
    assert pacer.next_slot("T1", "C1", POST) == 30.0
    assert pacer.next_slot("T1", "C2", POST) <= clock.now
    assert pacer.next_slot("T1", "C1", EDIT) <= clock.now


def test_after_a_pause_calls_go_one_by_one(pacer: SlackPacer, clock: Clock) -> None:
    pacer.take("T1", "C1", POST)
    pacer.paused("T1", "C1", POST, 30.0)
    clock.now = 30.0
    pacer.take("T1", "C1", POST)
    assert 31.0 < pacer.next_slot("T1", "C1", POST) < 31.1


def test_a_shorter_retry_after_does_not_shorten_a_pause(pacer: SlackPacer, clock: Clock) -> None:
    pacer.paused("T1", "C1", POST, 30.0)
    pacer.paused("T1", "C1", POST, 1.0)
    assert pacer.next_slot("T1", "C1", POST) == 30.0


def test_refusals_of_calls_that_were_under_way_teach_nothing_more(
    pacer: SlackPacer, clock: Clock
) -> None:
    for _ in range(6):
        clock.now = max(clock.now, pacer.next_slot("T1", "C1", POST))
        pacer.take("T1", "C1", POST)
    pacer.paused("T1", "C1", POST, 1.0)
    learned = pacer.next_slot("T1", "C1", POST)
    pacer.paused("T1", "C1", POST, 1.0)
    assert pacer.next_slot("T1", "C1", POST) == learned


def test_a_refusal_without_a_burst_slows_the_channel_down_up_to_a_bound(
    pacer: SlackPacer, clock: Clock
) -> None:
    gaps = []
    for _ in range(6):
        clock.now = max(clock.now, pacer.next_slot("T1", "C1", POST))
        pacer.take("T1", "C1", POST)
        gaps.append(pacer.next_slot("T1", "C1", POST) - clock.now)
        pacer.paused("T1", "C1", POST, 1.0)
    assert gaps[1] < gaps[2]
    assert gaps[-1] == gaps[-2] == pytest.approx(1.09)


def test_zero_means_no_limit_but_a_refusal_still_pauses(clock: Clock) -> None:
    pacer = SlackPacer(0, 0, clock)
    for operation in (POST, EDIT):
        for _ in range(1000):
            assert pacer.next_slot("T1", "C1", operation) <= clock.now
            pacer.take("T1", "C1", operation)
        pacer.paused("T1", "C1", operation, 5.0)
        assert pacer.next_slot("T1", "C1", operation) == 5.0


def test_a_channel_that_is_quiet_for_an_hour_is_forgotten_and_its_burst_with_it(
    pacer: SlackPacer, clock: Clock
) -> None:
    pacer.take("T1", "C1", POST)
    pacer.paused("T1", "C1", POST, 1.0)
    for minute in range(61):
        clock.now = 60.0 * minute + 2
        pacer.take("T1", "C2", POST)
    pacer.take("T1", "C1", POST)
    assert pacer.next_slot("T1", "C1", POST) == pytest.approx(clock.now + 0.25)
