"""An app that is not in the channel it is to post to."""

from tests.e2e.stories import Stories, play_invitation


def test_before_any_alert_the_status_names_the_invitation_that_is_missing(stories: Stories) -> None:
    before = stories.told(play_invitation).before
    assert before["status"] == "False"
    assert "type /invite @tocsin there" in before["message"]


def test_while_a_message_waits_for_an_invitation_the_status_says_so(stories: Stories) -> None:
    waiting = stories.told(play_invitation).waiting
    assert (waiting["status"], waiting["reason"]) == ("False", "NotInChannel")
    assert "#ops" in waiting["message"]
    assert "/invite @tocsin" in waiting["message"]
    assert "its messages wait" in waiting["message"]


def test_the_message_that_waited_comes_by_itself_within_60_s_of_the_invitation(
    stories: Stories,
) -> None:
    story = stories.told(play_invitation)
    assert "Firing: DiskFull" in story.message["text"]
    assert story.waited_seconds < 60
    assert story.after["status"] == "True"


def test_k8s_events_tell_that_a_channel_was_closed_and_that_it_is_open(stories: Stories) -> None:
    told = stories.told(play_invitation).told
    assert sorted(set(told)) == ["ChannelReachable", "NotInChannel"]
