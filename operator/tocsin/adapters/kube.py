"""The API server, through the official client; implements `pipeline.ports.Kube`.

Dicts in and out over the client's raw calls: its typed APIs alone cost 26 MB of memory and a second
at the start. Wired by `app`; called by the resource mirror, workspaces and the status writer.
"""

import asyncio
import socket
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import msgspec
from kubernetes.aio.client.api_client import ApiClient

from tocsin.adapters.kube_access import load_access
from tocsin.errors import KubeError, KubeForbidden, KubeNotFound, KubeUnavailable
from tocsin.model.object_key import Kind
from tocsin.model.resources import API_VERSION, GROUP
from tocsin.redact import redact

FIELD_MANAGER: Final = "tocsin"
REPORTING_CONTROLLER: Final = f"{GROUP}/operator"

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=5)
_PAGE: Final = 500
_MAX_NOTE_BYTES: Final = 1024
_MAX_MESSAGE_CHARACTERS: Final = 400
_JSON: Final = "application/json"
_METADATA_ONLY: Final = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

_Json = dict[str, Any]


class KubeApi:
    """One connection pool to the API server; `kubeconfig` None: the pod's service account."""

    def __init__(self, kubeconfig: Path | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._client: ApiClient | None = None
        self._connecting = asyncio.Lock()
        self._crd_uids: dict[Kind, str] = {}

    async def list_configs(self) -> Sequence[Mapping[str, Any]]:
        """Return all SlackConfigs; KubeNotFound also while their CRD is on its way out."""
        return await self._list_kind(Kind.CONFIG)

    async def list_receivers(self) -> Sequence[Mapping[str, Any]]:
        """Return all SlackReceivers; KubeNotFound also while their CRD is on its way out."""
        return await self._list_kind(Kind.RECEIVER)

    async def namespace_labels(self) -> Mapping[str, Mapping[str, str]]:
        """Return all namespaces with their labels."""
        items = await self._list("/api/v1/namespaces", accept=_METADATA_ONLY)
        metadata = [item["metadata"] for item in items]
        return {each["name"]: each.get("labels", {}) for each in metadata}

    async def secret_value(self, namespace: str, name: str, key: str) -> bytes | None:
        """Return one value of a Secret, None where the key is absent."""
        secret = await self._call("GET", _object_path(namespace, "secrets", name))
        value = (secret.get("data") or {}).get(key)
        return None if value is None else b64decode(value)

    async def config_map_value(self, namespace: str, name: str, key: str) -> bytes | None:
        """Return one value of a ConfigMap, None where the key is absent."""
        found = await self._call("GET", _object_path(namespace, "configmaps", name))
        if (text := (found.get("data") or {}).get(key)) is not None:
            return str(text).encode()
        value = (found.get("binaryData") or {}).get(key)
        return None if value is None else b64decode(value)

    async def patch_status(
        self, kind: str, namespace: str, name: str, status: Mapping[str, Any]
    ) -> None:
        """Merge `status` into an object's status (RFC 7386: null removes)."""
        path = (
            f"/apis/{API_VERSION}/namespaces/{namespace}/{Kind(kind).plural}/{quote(name)}/status"
        )
        query = {"fieldManager": FIELD_MANAGER}
        await self._call("PATCH", path, query, body={"status": status})

    async def publish(
        self, regarding: Mapping[str, Any], reason: str, note: str, warn: bool
    ) -> None:
        """Create an events.k8s.io event; a `note` beyond the API's 1 kB is cut."""
        metadata = regarding["metadata"]
        namespace = metadata["namespace"]
        name = f"{metadata['name'][:200].rstrip('-.')}.{token_hex(8)}"
        reference = {part: metadata[part] for part in ("namespace", "name", "uid")}
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": name,
                "namespace": namespace,
            },
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": REPORTING_CONTROLLER,
            "reportingInstance": socket.gethostname()[:128],
            "type": "Warning" if warn else "Normal",
            "action": "Reconcile",
            "reason": reason,
            "note": redact(note).encode()[:_MAX_NOTE_BYTES].decode(errors="ignore"),
            "regarding": {
                "apiVersion": regarding["apiVersion"],
                "kind": regarding["kind"],
                **reference,
            },
        }
        await self._call(
            "POST", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body=event
        )

    async def close(self) -> None:
        """Close connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _list_kind(self, kind: Kind) -> Sequence[_Json]:
        items = await self._list(f"/apis/{API_VERSION}/{kind.plural}")
        await self._confirm(kind)
        return items

    async def _confirm(self, kind: Kind) -> None:
        """Raise KubeNotFound where the kind's CRD is being deleted, or is another one than before.

        Deleting a CRD deletes its objects first, while lists still work. Asked after the list: what
        the list lacks because of that, this is sure to notice.
        """
        selector = {"fieldSelector": f"metadata.name={kind.plural}.{GROUP}"}
        try:
            found = await self._list(_CRDS, selector, accept=_METADATA_ONLY)
        except KubeForbidden:
            return  # then the list's own word has to do
        metadata = found[0]["metadata"] if found else {"deletionTimestamp": "in the past"}
        if "deletionTimestamp" in metadata:
            raise KubeNotFound(f"the CRD of {kind} is being deleted")
        before = self._crd_uids.get(kind, metadata["uid"])
        self._crd_uids[kind] = metadata["uid"]
        if before != metadata["uid"]:
            raise KubeNotFound(f"the CRD of {kind} was replaced")

    async def _list(
        self, path: str, selectors: Mapping[str, str] | None = None, accept: str = _JSON
    ) -> list[_Json]:
        items: list[_Json] = []
        query = {"limit": str(_PAGE), **(selectors or {})}
        while True:
            page = await self._call("GET", path, query, accept=accept)
            items += page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return items
            query["continue"] = token

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: _Json | None = None,
        accept: str = _JSON,
    ) -> _Json:
        """Make one call; KubeNotFound, KubeForbidden, or KubeUnavailable for all other failures."""
        client = await self._connected()
        content_type = "application/merge-patch+json" if method == "PATCH" else _JSON
        try:
            method, url, headers, payload, _ = await client.param_serialize(
                method=method,
                resource_path=path,
                query_params=list((query or {}).items()),
                header_params={"Accept": accept, "Content-Type": content_type},
                body=body,
                auth_settings=["BearerToken"],
            )
            response = await client.call_api(
                method, url, headers, payload, _request_timeout=_TIMEOUT
            )
            data = await response.read()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            text = redact(str(error)) or type(error).__name__
            raise KubeUnavailable(f"{method} {path}: {text}") from None
        if response.status >= 300:
            if response.status == 401 and self._client is client:
                await self.close()  # the next call reads the credentials anew
            raise _refusal(response.status, f"{method} {path}", data)
        try:
            return msgspec.json.decode(data, type=_Json)
        except msgspec.DecodeError:
            raise KubeUnavailable(f"{method} {path}: the answer is not JSON") from None

    async def _connected(self) -> ApiClient:
        async with self._connecting:
            if self._client is None:
                self._client = ApiClient(await load_access(self._kubeconfig))
            return self._client


def _object_path(namespace: str, plural: str, name: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace)}/{plural}/{quote(name)}"


def _refusal(status: int, call: str, data: bytes) -> KubeError:
    """The error for an answer that is no success, in the API server's own words (a Status)."""
    try:
        text = str(msgspec.json.decode(data)["message"])
    except (msgspec.DecodeError, LookupError, TypeError):
        text = "no reason given"
    message = f"{call}: {status}: {redact(text)[:_MAX_MESSAGE_CHARACTERS]}"
    match status:
        case 403:
            return KubeForbidden(message)
        case 404:
            return KubeNotFound(message)
        case _:
            return KubeUnavailable(message)
