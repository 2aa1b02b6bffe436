"""One site for all end-to-end tests of a run, and the order in which they go.

A control plane of their own: they stop its API server and bend its CRDs. With pytest-xdist they
stay on one worker, see `tests/sharing_out.py`.
"""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lab.cluster import ControlPlane
from lab.operator_process import NAMESPACE, OperatorOptions, OperatorProcess
from lab.places import PROJECT
from lab.slack_process import SlackProcess
from tests.e2e.site import Site
from tests.e2e.stories import Stories
from tests.e2e.tenant import Tenant

PLATFORM = "platform"
_FOLDER = Path(__file__).parent
_LAST = ("test_invitations.py", "test_credentials.py", "test_outages.py", "test_secrecy.py")
"""What waits for the stories; what disturbs all others; and what looks back on everything."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring these tests into their order, behind all others."""
    ours = [item for item in items if _FOLDER in item.path.parents]
    others = [item for item in items if _FOLDER not in item.path.parents]
    names = [item.path.name for item in ours]
    ranks = [_LAST.index(name) + 1 if name in _LAST else 0 for name in names]
    order = sorted(range(len(ours)), key=lambda number: ranks[number])
    items[:] = [*others, *(ours[number] for number in order)]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The operator at work, as `manifests/base` installs it, in a cluster with nothing else."""
    folder = tmp_path_factory.mktemp("e2e")
    with (
        ControlPlane(folder / "cluster") as cluster,
        SlackProcess(folder / "slack") as slack,
    ):
        cluster.kubectl(
            "apply", "--server-side", "--kustomize", str(PROJECT / "manifests" / "base")
        )
        crds = ("crd/slackconfigs.tocsin.dev", "crd/slackreceivers.tocsin.dev")
        cluster.kubectl("wait", "--for=condition=Established", *crds)
        settings = {
            "TOCSIN_CLUSTER": "e2e",
            "TOCSIN_PLATFORM_NAMESPACES": f"{NAMESPACE},{PLATFORM}",
            "TOCSIN_LOG_LEVEL": "debug",
        }
        options = OperatorOptions(slack.url, settings=settings)
        with OperatorProcess(folder / "operator", cluster, options) as operator:
            site = Site(cluster, operator, slack.url)
            site.note_service_account_token()
            yield site


@pytest.fixture(scope="session", autouse=True)
def stories(site: Site, request: pytest.FixtureRequest) -> Iterator[Stories]:
    """The stories that the collected tests want to hear, begun before the first test.

    A story is a function `play_...` that a module of tests defines or imports.
    """
    modules = {getattr(item, "module", None) for item in request.session.items}
    known = [vars(module) for module in modules if _is_ours(module)]
    plays = {play for names in known for name, play in names.items() if name.startswith("play_")}
    with Stories(site, plays) as begun:
        yield begun


def _is_ours(module: ModuleType | None) -> bool:
    return module is not None and _FOLDER in Path(str(module.__file__)).parents


@pytest.fixture
def tenant(site: Site) -> Tenant:
    """A team of this test alone, with nothing applied yet."""
    return Tenant(site)


@pytest.fixture
def neighbour(site: Site) -> Tenant:
    """Another team."""
    return Tenant(site)


@pytest.fixture(scope="session")
def platform(site: Site) -> Tenant:
    """The team that runs the cluster: its namespace sees every alert."""
    tenant = Tenant(site, site.make_namespace(PLATFORM))
    tenant.slack.open_channels("audit", "everything")  # now: Slack's channels are listed but once
    return tenant
