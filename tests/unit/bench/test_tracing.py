"""The judge of traces, on the lines that strace writes."""

from bench.tracing import parse_trace, unsynced

WAL = "7</data/tocsin.db-wal>"
SOCKET = "9<socket:[4711]>"
ASKED = f'10 100.000000 recvfrom({SOCKET}, "POST / ... 001x9999", 65536, 0) = 60 <0.000010>'
WRITTEN = f'11 100.001000 pwrite64({WAL}, "..001x9999..", 4096, 4120) = 4096 <0.000020>'
SYNCED = f"11 100.002000 fdatasync({WAL}) = 0 <0.000300>"
ANSWERED = (
    f'10 100.003000 sendto({SOCKET}, "HTTP/1.1 200 OK\\r\\n", 150, 0, NULL, 0) = 150 <0.000010>'
)


def judged(*lines: str) -> list[str]:
    return unsynced(list(parse_trace(lines)), ["001x9999"])


def test_an_answer_after_the_sync_of_what_was_written_is_sound() -> None:
    assert judged(ASKED, WRITTEN, SYNCED, ANSWERED) == []


def test_an_answer_without_a_sync_is_found() -> None:
    assert judged(ASKED, WRITTEN, ANSWERED) == [
        "alert 001x9999 was answered for before it was synced to disk"
    ]


def test_a_sync_that_returns_after_the_answer_was_sent_is_too_late() -> None:
    late = f"11 100.002900 fdatasync({WAL}) = 0 <0.000300>"
    assert len(judged(ASKED, WRITTEN, late, ANSWERED)) == 1


def test_a_sync_before_the_bytes_were_written_does_not_count() -> None:
    early = f"11 100.000500 fdatasync({WAL}) = 0 <0.000300>"
    assert len(judged(ASKED, early, WRITTEN, ANSWERED)) == 1


def test_a_sync_of_another_file_does_not_count() -> None:
    other = "11 100.002000 fdatasync(8</data/other>) = 0 <0.000300>"
    assert len(judged(ASKED, WRITTEN, other, ANSWERED)) == 1


def test_a_sync_that_failed_does_not_count() -> None:
    failed = f"11 100.002000 fdatasync({WAL}) = -1 EIO (Input/output error) <0.000300>"
    assert len(judged(ASKED, WRITTEN, failed, ANSWERED)) == 1


def test_calls_that_were_interrupted_in_the_log_are_put_together() -> None:
    begun = f"11 100.002000 fdatasync({WAL} <unfinished ...>"
    resumed = "11 100.002350 <... fdatasync resumed>) = 0 <0.000350>"
    assert judged(ASKED, WRITTEN, begun, resumed, ANSWERED) == []
    assert len(judged(ASKED, WRITTEN, begun, ANSWERED)) == 1


def test_another_process_may_write_and_sync_through_descriptors_of_its_own() -> None:
    written = '20 100.001000 pwrite64(3</pg_wal/01>, "..001x9999..", 8192, 0) = 8192 <0.000020>'
    synced = "21 100.002000 fdatasync(5</pg_wal/01>) = 0 <0.000300>"
    assert judged(ASKED, written, synced, ANSWERED) == []


def test_what_is_sent_to_a_database_server_is_not_on_disk() -> None:
    sent = f'10 100.001000 write({SOCKET}, "INSERT 001x9999", 80) = 80 <0.000020>'
    synced = f"10 100.002000 fdatasync({SOCKET}) = 0 <0.000300>"
    assert len(judged(ASKED, sent, synced, ANSWERED)) == 1


def test_a_post_that_the_trace_does_not_show_is_a_violation() -> None:
    assert judged(WRITTEN, SYNCED, ANSWERED) == ["the trace shows no request with alert 001x9999"]


def test_a_post_without_an_answer_is_a_violation() -> None:
    assert len(judged(ASKED, WRITTEN, SYNCED)) == 1
