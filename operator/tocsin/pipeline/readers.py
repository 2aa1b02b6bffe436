"""Which source reads which kind of inbox row; called by the dispatcher.

A new source is one module, one test and one entry here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tocsin.model.reading import Reader
from tocsin.sources import alertmanager_api, alertmanager_webhook

READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        alertmanager_api.KIND: alertmanager_api,
        alertmanager_webhook.KIND: alertmanager_webhook,
        alertmanager_webhook.INSTANT_KIND: alertmanager_webhook,
    }
)
