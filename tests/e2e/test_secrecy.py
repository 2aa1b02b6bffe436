"""Whether any credential that was used is anywhere but in its Secret. Goes last, after all tests.

Each place is searched for something that is known to be in it, too: a search that does not find
that would not find a token.
"""

import base64
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from shutil import copy

import pytest

from tests.e2e.payloads import alert
from tests.e2e.site import Site
from tests.e2e.tenant import Tenant

_ALERT = "WhoeverLooksFindsThis"
_IN_PLACES = {
    "database files": _ALERT,
    "database rows": _ALERT,
    "log": '"event": "listening"',
    "metrics": "tocsin_deliveries_total",
    "statuses": '"reason": "Verified"',
    "k8s events": '"reason": "TokenRejected"',
}
"""What is searched, and what is known to be there."""


@pytest.fixture(scope="module")
def places(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """All that the operator has written down and shows; it has just met a token that is refused."""
    tenant = Tenant(site)
    tenant.declare("ops")
    site.accept(alert(_ALERT, tenant.namespace))
    tenant.slack.await_message("ops", _ALERT)
    tenant.slack.revoke(tenant.token)
    site.accept(alert("ToBeRefused", tenant.namespace))
    site.await_reason(tenant.config_place, "TokenRejected")
    site.await_k8s_event("TokenRejected", tenant.namespace)
    files = sorted(site.operator.folder.glob("tocsin.db*"))
    listed = ("--all-namespaces", "--output=json")
    return {
        "database files": b"".join(file.read_bytes() for file in files),
        "database rows": _rows(site.operator.database, tmp_path_factory.mktemp("copy")),
        "log": site.operator.log_file.read_bytes(),
        "metrics": site.get("/metrics").body.encode(),
        "statuses": site.kubectl("get", "slc,slr", *listed).encode(),
        "k8s events": site.kubectl("get", "events", *listed).encode(),
    }


@pytest.mark.parametrize("place", _IN_PLACES)
def test_no_token_that_was_ever_used_is_in_the(
    site: Site, places: Mapping[str, bytes], place: str
) -> None:
    site.note_service_account_token()
    content = places[place]
    assert _occurs(_IN_PLACES[place], content)
    assert len(site.tokens) > 3
    assert [token for token in site.tokens if _occurs(token, content)] == []


def test_a_token_would_be_found_in_each_of_the_ways_in_which_it_may_be_written() -> None:
    token = "xoxb-1-2-three"
    for written in (token.encode(), base64.b64encode(token.encode())):
        assert _occurs(token, b"before " + written + b" after")
    assert not _occurs(token, b"xoxb-[redacted]")


def _occurs(text: str, content: bytes) -> bool:
    """Whether `text` is in `content`, as it is or as a Secret's data have it."""
    plain = text.encode()
    encoded = base64.b64encode(plain[: len(plain) // 3 * 3])  # whatever follows
    return plain in content or encoded in content


def _rows(database: Path, folder: Path) -> bytes:
    """Every value of every table: a file may have split one between two pages."""
    for file in database.parent.glob(f"{database.name}*"):
        if not file.name.endswith("-shm"):
            copy(file, folder)
    values: list[bytes] = []
    with closing(sqlite3.connect(folder / database.name)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        for (table,) in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                values += [each if isinstance(each, bytes) else str(each).encode() for each in row]
    return b"\n".join(values)
