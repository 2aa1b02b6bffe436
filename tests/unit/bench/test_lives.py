"""The sender's side of a fault run: what is due when, and what it knows of each alert."""

import math
import random

from bench import payloads
from bench.lives import LEASE_SECONDS, RESEND_SECONDS, RESOLVED_RESEND_SECONDS, Life, Story


def life(ends_at: float = 50.0) -> Life:
    return Life("001x0000", 1, 10.0, ends_at, b"@" + payloads.ENDS_AT)


def test_an_alert_is_due_from_its_beginning_until_it_is_acknowledged() -> None:
    new = life()
    assert not new.is_due(9.9)
    assert new.is_due(10.0)
    new.acknowledged(posted_at=10.0, now=10.1)
    assert new.fired_at == 10.1
    assert not new.is_due(10.2)


def test_a_firing_alert_is_posted_again_and_again() -> None:
    firing = life()
    firing.acknowledged(10.0, 10.0)
    assert firing.is_due(10.0 + RESEND_SECONDS)


def test_what_was_posted_as_firing_and_acknowledged_after_its_end_did_not_end() -> None:
    late = life()
    late.acknowledged(posted_at=49.9, now=50.5)
    assert late.fired_at == 50.5
    assert late.over_at is None
    assert late.is_due(50.5)


def test_a_resolved_alert_is_posted_until_acknowledged_and_for_a_while_after() -> None:
    over = life()
    over.acknowledged(49.0, 49.0)
    assert over.is_due(200.0)
    over.acknowledged(200.0, 200.0)
    assert over.is_due(200.0 + RESEND_SECONDS)
    assert not over.is_due(200.1 + RESOLVED_RESEND_SECONDS)


def test_a_firing_alert_carries_a_lease_and_a_resolved_one_its_end() -> None:
    ending = life()
    firing = ending.encoded(10.0)
    assert payloads.ending(b"@" + payloads.ENDS_AT, 10.0 + LEASE_SECONDS) == firing
    assert ending.posted_over_at is None
    assert payloads.ending(b"@" + payloads.ENDS_AT, 50.0) == ending.encoded(60.0)
    assert ending.posted_over_at == 60.0


def run(story: Story, until: float, closing_from: float = math.inf) -> None:
    """Acknowledge everything that is due at once, every tenth of a second."""
    for tick in range(int(until * 10)):
        now = tick / 10
        for due in list(story.due(now, closing=now >= closing_from)):
            due.acknowledged(now, now)


def test_episodes_follow_each_other_with_new_identities() -> None:
    story = Story(7, random.Random(1), next_at=0.0)
    run(story, 60.0)
    identities = [each.identity for each in story.lives]
    assert len(identities) > 3
    assert len(set(identities)) == len(identities)
    assert identities[0] == "007x0000"


def test_a_group_has_two_episodes_and_another_takes_its_place() -> None:
    story = Story(7, random.Random(1), next_at=0.0)
    run(story, 100.0)
    assert [each.group for each in story.lives[:15]] == [7] * 6 + [107] * 6 + [207] * 3


def test_an_episode_begins_only_after_the_one_before_is_over_and_told() -> None:
    story = Story(7, random.Random(1), next_at=0.0)
    run(story, 60.0)
    first, second = story.lives[:3], story.lives[3:6]
    assert max(each.over_at or math.inf for each in first) < min(each.begins_at for each in second)


def test_a_closing_story_comes_to_rest_resolved() -> None:
    story = Story(7, random.Random(1), next_at=0.0)
    run(story, 100.0, closing_from=30.0)
    assert story.is_settled()
    assert all(each.over_at is not None for each in story.lives)


def test_a_story_that_stays_ends_with_one_alert_that_fires_for_ever() -> None:
    story = Story(7, random.Random(1), next_at=0.0, stays=True)
    run(story, 30.0)
    assert not story.is_settled()
    run(story, 100.0, closing_from=30.0)
    assert story.is_settled()
    assert [each.ends_at == math.inf for each in story.lives].count(True) == 1


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = (Story(7, random.Random("1/7"), next_at=0.0) for _ in range(2))
    run(first, 60.0)
    run(second, 60.0)
    assert [each.ends_at for each in first.lives] == [each.ends_at for each in second.lives]
