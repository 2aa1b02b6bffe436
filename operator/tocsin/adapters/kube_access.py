"""How to reach the API server: the pod's service account, or a kubeconfig.

Out: the official client's Configuration. Called by the API adapter and by the watching edge, at the
start and whenever the API server says 401, so that a rotated token is read anew.
"""

from pathlib import Path

import yaml
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.incluster_config import load_incluster_config
from kubernetes.aio.config.kube_config import load_kube_config

from tocsin.errors import KubeUnavailable


async def load_access(kubeconfig: Path | None) -> Configuration:
    """Return address, CA and credentials from `kubeconfig`, None: from the service account.

    Errors: KubeUnavailable where there is nothing usable to read.
    """
    access = Configuration()
    try:
        if kubeconfig is None:
            load_incluster_config(client_configuration=access)
        else:
            await load_kube_config(
                config_file=str(kubeconfig), client_configuration=access, persist_config=False
            )
    except (ConfigException, OSError, yaml.YAMLError) as error:
        where = kubeconfig or "the service account (outside of a cluster set TOCSIN_KUBECONFIG)"
        raise KubeUnavailable(f"no access to the API server from {where}: {error}") from None
    return access
