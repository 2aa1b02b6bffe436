"""The ingest token: which are valid, and that a rotated file counts without a restart."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tocsin.edge.authentication import Anyone, BearerTokens
from tocsin.errors import SettingsInvalid


class Clock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("one\n")
    return path


def test_anyone_is_anyone() -> None:
    assert Anyone().allows("")


@pytest.mark.parametrize("header", ["Bearer one", "bearer one", "BEARER  one "])
def test_the_bearer_of_a_token_is_allowed(file: Path, header: str) -> None:
    assert BearerTokens(file).allows(header)


@pytest.mark.parametrize(
    "header",
    ["", "one", "Bearer", "Bearer ", "Bearer on", "Bearer one1", "Basic one", "Bearer ö\udcff"],
)
def test_nobody_else_is(file: Path, header: str) -> None:
    assert not BearerTokens(file).allows(header)


def test_several_lines_are_several_tokens(file: Path) -> None:
    file.write_text("\n  one \r\n\ntwo\n")
    tokens = BearerTokens(file)
    assert tokens.allows("Bearer one")
    assert tokens.allows("Bearer two")
    assert not tokens.allows("Bearer ")


def test_a_changed_file_counts_within_two_seconds(file: Path, clock: Clock) -> None:
    tokens = BearerTokens(file, clock)
    file.write_text("two\nthree\n")
    assert tokens.allows("Bearer one")
    clock.now = 2.0
    with capture_logs() as logs:
        assert tokens.allows("Bearer three")
    assert not tokens.allows("Bearer one")
    assert "three" not in str(logs)


def test_a_file_is_not_looked_at_more_often(file: Path, clock: Clock) -> None:
    tokens = BearerTokens(file, clock)
    clock.now = 2.0
    assert tokens.allows("Bearer one")
    file.write_text("two")
    clock.now = 3.9
    assert tokens.allows("Bearer one")


def test_a_file_that_did_not_change_is_not_read(file: Path, clock: Clock) -> None:
    tokens = BearerTokens(file, clock)
    clock.now = 2.0
    with capture_logs() as logs:
        assert tokens.allows("Bearer one")
    assert not logs


@pytest.mark.parametrize("content", [None, "", "\n \n"])
def test_a_file_that_is_gone_or_empty_leaves_the_last_tokens_valid(
    file: Path, clock: Clock, content: str | None
) -> None:
    tokens = BearerTokens(file, clock)
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    clock.now = 2.0
    with capture_logs() as logs:
        assert tokens.allows("Bearer one")
    assert [entry["log_level"] for entry in logs] == ["warning"]
    file.write_text("two")
    clock.now = 4.0
    assert tokens.allows("Bearer two")


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_without_a_token_to_begin_with_the_operator_does_not_start(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsInvalid, match="TOCSIN_INGEST_TOKEN_FILE"):
        BearerTokens(file)


def test_tokens_are_not_kept(file: Path) -> None:
    tokens = BearerTokens(file)
    assert "one" not in repr(vars(tokens)).replace(str(file), "")
