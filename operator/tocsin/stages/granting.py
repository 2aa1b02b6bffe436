"""Who may use a workspace: the grants that a SlackConfig makes.

Asked by the reconciler for a receiver's status, and by delivery each time a message is sent, so
that a withdrawn grant stops messages at once.
"""

from collections.abc import Mapping

from tocsin.model.resources import SlackConfig


def may_use(config: SlackConfig, namespace: str, labels: Mapping[str, str]) -> bool:
    """Whether receivers in `namespace`, which has these labels, may refer to `config`.

    A config's own namespace always may. Follows Gateway API's `allowedRoutes.namespaces`.
    """
    return config.spec.allowed_namespaces.admits(config.metadata.namespace, namespace, labels)


def may_post(config: SlackConfig, *names: str) -> bool:
    """Whether messages may go to a channel; `names` are its reference, real name and ID if known.

    One of them has to fit one of the config's globs; a config without globs allows every channel.
    """
    return config.spec.allows_channel(*(name for name in names if name))
