from tocsin.adapters.store_inbox import MEMORY_BYTES, InboxMemory, InboxSlice
from tocsin.model.records import Backlog, InboxRow, Step

NOW = 1_800_000_000.0


def memory(*payloads: bytes, is_whole: bool = True) -> InboxMemory:
    rows = [
        InboxRow(number, NOW + number, "k", "s", payload) for number, payload in enumerate(payloads)
    ]
    sums = (len(rows), sum(map(len, payloads)))
    return InboxMemory(InboxSlice(rows, is_whole, sums), len(rows))


def store(inbox: InboxMemory, payload: bytes, *, is_stored: bool = True) -> InboxRow:
    row = inbox.submit("k", "s", payload, NOW)
    inbox.append_settled(row, is_stored)
    return row


def shown(inbox: InboxMemory, limit: int = 10) -> list[int]:
    return [row.id for row in inbox.oldest(limit)]


def test_what_was_stored_is_shown_from_the_start() -> None:
    inbox = memory(b"one", b"three")
    assert shown(inbox) == [0, 1]
    assert inbox.backlog() == Backlog(2, 8, NOW)
    assert inbox.arrived.is_set()


def test_a_row_on_its_way_is_counted_as_claimed_but_not_shown() -> None:
    inbox = memory()
    row = inbox.submit("k", "s", b"12345", NOW)
    assert (shown(inbox), inbox.claimed_bytes, inbox.backlog()) == ([], 5, Backlog(0, 0, None))
    assert not inbox.arrived.is_set()
    inbox.append_settled(row, is_stored=True)
    assert (shown(inbox), inbox.claimed_bytes) == ([0], 5)
    assert inbox.arrived.is_set()


def test_a_row_that_was_not_stored_leaves_no_trace_and_its_number_is_not_used_again() -> None:
    inbox = memory()
    store(inbox, b"lost", is_stored=False)
    assert (shown(inbox), inbox.claimed_bytes) == ([], 0)
    assert store(inbox, b"next").id == 1


def test_rows_that_a_step_removes_are_hidden_until_it_settles() -> None:
    inbox = memory(b"a", b"b", b"c")
    step = Step(done_inbox=[0], rejected_inbox={1: "bad"})
    inbox.step_submitted(step)
    assert (shown(inbox), inbox.hidden) == ([2], 2)
    inbox.step_settled(step, is_stored=False)
    assert (shown(inbox), inbox.hidden, inbox.backlog().rows) == ([0, 1, 2], 0, 3)
    inbox.step_submitted(step)
    inbox.step_settled(step, is_stored=True)
    assert (shown(inbox), inbox.backlog()) == ([2], Backlog(1, 1, NOW + 2))


def test_a_hidden_last_row_is_nothing_to_wake_up_for() -> None:
    inbox = memory(b"a")
    step = Step(done_inbox=[0])
    inbox.step_submitted(step)
    assert not inbox.arrived.is_set()
    inbox.step_settled(step, is_stored=False)
    assert inbox.arrived.is_set()


def test_failures_are_counted_on_the_rows_that_are_here() -> None:
    inbox = memory(b"a", b"b")
    inbox.step_settled(Step(failed_inbox=[0, 0, 99]), is_stored=True)
    assert [row.attempts for row in inbox.oldest(10)] == [2, 0]


def test_payloads_beyond_the_bound_stay_on_disk_and_later_ones_behind_them() -> None:
    inbox = memory()
    store(inbox, bytes(MEMORY_BYTES - 1))
    store(inbox, b"22")
    store(inbox, b"3")
    assert (shown(inbox), inbox.is_whole) == ([0], False)
    assert inbox.backlog() == Backlog(3, MEMORY_BYTES + 2, NOW)
    inbox.step_settled(Step(done_inbox=[0]), is_stored=True)
    assert (shown(inbox), inbox.backlog()) == ([], Backlog(2, 3, NOW))
    assert inbox.arrived.is_set()
    refilled = [InboxRow(1, NOW + 1, "k", "s", b"22"), InboxRow(2, NOW + 1, "k", "s", b"3")]
    inbox.refill(InboxSlice(refilled, is_whole=True, sums=None))
    assert (shown(inbox), inbox.is_whole) == ([1, 2], True)
    assert inbox.backlog() == Backlog(2, 3, NOW + 1)


def test_in_doubt_nothing_is_shown_until_the_database_was_asked() -> None:
    inbox = memory(b"a", b"b")
    inbox.doubt()
    assert (shown(inbox), inbox.is_whole, inbox.is_certain) == ([], False, False)
    assert inbox.backlog().rows == 2
    inbox.refill(InboxSlice([], is_whole=True, sums=(0, 0)))
    assert inbox.is_certain
    assert inbox.backlog() == Backlog(0, 0, None)
    assert not inbox.arrived.is_set()


def test_removing_a_row_that_memory_forgot_asks_for_a_recount() -> None:
    inbox = memory(b"a", is_whole=False)
    inbox.step_settled(Step(done_inbox=[7]), is_stored=True)
    assert not inbox.is_certain
    assert shown(inbox) == [0]
