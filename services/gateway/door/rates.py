"""How often one address may call. Behind a proxy it is the caller's own address only when the proxy is configured."""

import math
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.door.limits import PROBES
from services.gateway.door.refusing import refuse
from services.gateway.errors import Refusal
from services.gateway.rates import Kind, TokenBuckets, kind_of, network_of


class Rates:
    """Refuses an address that calls too often, before its request is read."""

    def __init__(self, app: ASGIApp, buckets: Mapping[Kind, TokenBuckets]) -> None:
        self._app, self._buckets = app, buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in PROBES:
            client = scope.get("client")
            kind = kind_of(scope["method"], scope["path"])
            wait_s = self._buckets[kind].take(network_of(client[0] if client else ""))
            if wait_s:
                # The body has not been read: what comes next on this connection cannot be told from it.
                close = scope["method"] != "GET"
                await refuse(send, Refusal.TOO_MANY_REQUESTS, close=close, retry_after_s=math.ceil(wait_s))
                return
        await self._app(scope, receive, send)
