"""What tests run against, started when the first test asks for it and shared by the whole run.

Nothing here starts by itself: a test that needs no server starts none.
"""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from lab import shared
from lab.kubectl import Cluster
from lab.postgres import PostgresDatabases

if TYPE_CHECKING:
    from lab.slack.server import StandIn

# The same examples in every run; `--hypothesis-profile=default` looks for new ones.
settings.register_profile("stable", derandomize=True, deadline=None)
settings.load_profile("stable")

# A test run is one controlling pytest process and, with -n, its workers. They share this folder.
RUN_FOLDER = pytest.StashKey[Path]()
RUN_PID = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Names the run's controlling process, and a folder that the first shared server makes."""
    handed_over: dict[str, Any] | None = getattr(config, "workerinput", None)
    if handed_over is None:
        name = f"tocsin-tests-{secrets.token_hex(8)}"
        config.stash[RUN_FOLDER] = Path(tempfile.gettempdir(), name)
        config.stash[RUN_PID] = os.getpid()
    else:
        config.stash[RUN_FOLDER] = Path(handed_over["run_folder"])
        config.stash[RUN_PID] = handed_over["run_pid"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells an xdist worker about the run."""
    node.workerinput["run_folder"] = str(node.config.stash[RUN_FOLDER])
    node.workerinput["run_pid"] = node.config.stash[RUN_PID]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Shares the tests out among xdist's workers, whatever `--dist` says."""
    from tests.sharing_out import SharingOut

    return SharingOut(config, log)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the shared servers, in the controlling process, once its workers are gone."""
    if not hasattr(config, "workerinput"):
        shared.end_all(config.stash[RUN_FOLDER])


@pytest.fixture(scope="session")
def control_plane(pytestconfig: pytest.Config) -> Cluster:
    """The run's Kubernetes control plane, with its controller manager. RBAC is in force."""
    stash = pytestconfig.stash
    reached = shared.reach("control-plane", stash[RUN_FOLDER], stash[RUN_PID])
    return Cluster(Path(reached["folder"]), reached["url"])


@pytest.fixture
def namespace(control_plane: Cluster) -> Iterator[str]:
    """A namespace for this test alone."""
    name = f"test-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def postgres_databases(pytestconfig: pytest.Config) -> PostgresDatabases:
    """The run's PostgreSQL server."""
    stash = pytestconfig.stash
    reached = shared.reach("postgres", stash[RUN_FOLDER], stash[RUN_PID])
    return PostgresDatabases(int(reached["port"]))


@pytest.fixture
def postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database for this test alone."""
    name = f"test_{secrets.token_hex(4)}"
    yield postgres_databases.create_database(name)
    postgres_databases.drop_database(name)


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator["StandIn"]:
    """A Slack for this test alone, with the lab's small workspace; its journal is in `tmp_path`."""
    # Imported here: the tests of the pure layers need no HTTP server.
    from lab.slack.server import StandIn
    from lab.slack.workspace import load_workspace

    async with StandIn(load_workspace(), tmp_path / "slack.jsonl") as stand_in:
        yield stand_in
