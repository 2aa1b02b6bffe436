"""Whether any credential that was used is anywhere but in its Secret. Goes last of all."""

import base64
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from shutil import copy

import pytest
import yaml

from lab.operator_process import NAMESPACE, SERVICE_ACCOUNT
from tests.e2e.payloads import alert
from tests.e2e.site import Site
from tests.e2e.tenant import Tenant

_CONTROL = "Found-by-whoever-looks"
"""The name of an alert: what a search for it does not find, a search for a token would miss."""


@pytest.fixture(scope="module")
def places(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All that the operator has written down or shows, by what it is; the control is in each."""
    tenant = Tenant(site)
    tenant.slack.open_channels(_CONTROL.lower(), invited=False)
    tenant.token = tenant.slack.issue_token()
    receiver = tenant.receiver(_CONTROL.lower())
    site.apply(tenant.secret(tenant.token), tenant.config(), receiver)
    site.accept(alert(_CONTROL, tenant.namespace))
    site.await_field(tenant.receiver_place, ".status.channels[0].pending", "1")
    return {}
