from pathlib import Path

import pytest

from tocsin.adapters.store_opening import open_database
from tocsin.adapters.store_sqlite import free_bytes_on_disk
from tocsin.errors import SettingsInvalid, StoreIncompatible


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("not a url at all", "is not a URL"),
        ("mysql://root:hunter2@localhost/tocsin", "begins with mysql://"),
        ("postgresql+asyncpg://root:hunter2@localhost/tocsin", r"begins with postgresql\+asyncpg"),
    ],
)
def test_a_url_of_something_else_is_a_wrong_setting(url: str, why: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"TOCSIN_DATABASE_URL {why}") as raised:
        open_database(url, free_bytes_on_disk)
    assert "hunter2" not in str(raised.value)


def test_a_database_that_cannot_be_used_is_left_unlocked(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreIncompatible, match="not a database"):
        open_database(f"sqlite:///{file}", free_bytes_on_disk)
    file.unlink()
    opened = open_database(f"sqlite:///{file}", free_bytes_on_disk)
    opened.connection.close()
    opened.backend.close()
