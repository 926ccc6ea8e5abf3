"""The shopper's phone: the REST calls of the existing app, over real HTTP, patient while the backend is away."""

import asyncio
import http.client
import json
import queue
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from random import Random
from typing import Any, Protocol
from urllib.parse import urlsplit

from firmware_sim.ledger import Order, read_order
from firmware_sim.way import Spot, Way, read_way

ATTEMPT_TIMEOUT_S = 10.0
RETRY_MIN_S = 0.2
RETRY_MAX_S = 3.0
THREADS = 16
CODE_TRIES = 3
CODE_WAIT_S = 5.0  # for a one-time code to reach the phone
AWAY = (  # the backend says: not now
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)


class BackendAway(Exception):
    """No answer within the patience; the message says what was tried last."""


class CallRefused(Exception):
    """An answer that the shopper cannot go on with."""


class CodeReader(Protocol):
    """Where a phone reads the one-time code that was sent to it."""

    def forget(self, mobile_number: str) -> None:
        """A new code is about to be asked for; older ones no longer count."""
        ...

    def read(self, mobile_number: str) -> str | None:
        """The newest code, or None when it has not come yet."""
        ...


class FixedCode:
    """The backend runs with FIXED_OTP: every code is the same."""

    def __init__(self, code: str) -> None:
        self._code = code

    def forget(self, mobile_number: str) -> None:
        pass

    def read(self, mobile_number: str) -> str | None:
        return self._code


@dataclass(frozen=True)
class Answer:
    """Status and decoded body of one response; numbers with a point are Decimal."""

    status: int
    body: Any
    retry_after_s: float | None = None

    @property
    def code(self) -> str:
        """The stable code of an error body."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class Door:
    """The gateway's address and the threads that call it; shared by all phones of a fleet."""

    def __init__(self, http_url: str, threads: int = THREADS) -> None:
        parts = urlsplit(http_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an http:// or https:// address")
        self._connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port, self._prefix = parts.hostname, parts.port, parts.path.rstrip("/")
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="phone")
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        # One at a time for each end of a number: that is all that a development log tells about whose code it is.
        self.logging_in: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def close(self) -> None:
        """End the threads; calls under way are waited for."""
        self._threads.shutdown(cancel_futures=True)
        while not self._idle.empty():
            self._idle.get_nowait().close()

    async def call(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        """One attempt. Raises OSError or http.client.HTTPException when there is no answer."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._request, method, path, body, headers)

    def _request(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        try:
            return self._exchange(self._idle.get_nowait(), method, path, body, headers)
        except queue.Empty:
            pass
        except (OSError, http.client.HTTPException):
            pass  # closed by the other side while it was idle; every call of the app may be repeated
        fresh = self._connect(self._host, self._port, timeout=ATTEMPT_TIMEOUT_S)
        return self._exchange(fresh, method, path, body, headers)

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> Answer:
        raw = None if body is None else json.dumps(body).encode()
        sent = headers if raw is None else {**headers, "Content-Type": "application/json"}
        try:
            connection.request(method, self._prefix + path, raw, sent)
            response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.put(connection)
        try:
            decoded = json.loads(answer, parse_float=Decimal) if answer else None
        except ValueError:
            decoded = None
        wait = response.getheader("Retry-After") or ""
        return Answer(response.status, decoded, float(wait) if wait.isdigit() else None)


class Phone:
    """One shopper. Every method may be repeated without harm; each waits at most `patience_s` for the backend."""

    def __init__(self, door: Door, mobile_number: str, codes: CodeReader, random: Random, patience_s: float) -> None:
        self.patience_s = patience_s
        self.retries = 0
        self._door = door
        self._mobile_number = mobile_number
        self._codes = codes
        self._random = random
        self._token: str | None = None
        self._refresh_token: str | None = None

    def __repr__(self) -> str:
        return "Phone()"

    async def log_in(self) -> None:
        """With a one-time code; nothing when logged in already. Raises BackendAway, CallRefused."""
        if self._token is not None:
            return
        asked = {"mobile_number": self._mobile_number}
        for tries_left in reversed(range(CODE_TRIES)):
            async with self._door.logging_in[self._mobile_number[-2:]]:
                self._codes.forget(self._mobile_number)
                _expect(HTTPStatus.OK, await self._patiently("POST", "/auth/verify_mobile", asked))
                code = await self._code()
                given = await self._patiently("POST", "/auth/verify_otp", {**asked, "otp": code})
            if given.status == HTTPStatus.BAD_REQUEST and tries_left:
                continue  # a first answer may have been lost after the code was used up
            self._keep_tokens(_expect(HTTPStatus.OK, given).body)
            return

    async def _code(self) -> str:
        deadline_s = time.monotonic() + CODE_WAIT_S
        while (code := self._codes.read(self._mobile_number)) is None:
            if time.monotonic() > deadline_s:
                raise CallRefused("no one-time code arrived")
            await asyncio.sleep(0.05)
        return code

    async def connect_cart(self, cart_id: int, pairing_code: str | None) -> Answer:
        """Take the cart; 200 when it is ours."""
        body: dict[str, Any] = {"cart_id": cart_id}
        if pairing_code is not None:
            body["pairing_code"] = pairing_code
        return await self._as_shopper("POST", "/cart/connect", body)

    async def disconnect(self, *, abandon: bool) -> Answer:
        """Give the cart back; 404 when there is none."""
        return await self._as_shopper("POST", "/cart/disconnect" + ("?abandon=true" if abandon else ""))

    async def cart_pieces(self) -> Counter[int] | None:
        """Pieces of each product in GET /cart/view; None without a cart."""
        answer = await self._as_shopper("GET", "/cart/view")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        pieces: Counter[int] = Counter()
        for item in _expect(HTTPStatus.OK, answer).body["items"]:
            pieces[int(item["product_id"])] += int(item["quantity"])
        return pieces

    async def write_list(self, wanted: Mapping[int, int]) -> None:
        """Make the shopping list say this and nothing else: product id -> pieces."""
        listed = _expect(HTTPStatus.OK, await self._as_shopper("GET", "/user/checklist"))
        for item in listed.body["items"]:
            await self._as_shopper("POST", "/user/checklist/remove", {"product_id": item["product_id"]})
        for product_id, pieces in wanted.items():
            once = {"Idempotency-Key": f"list-{self._random.getrandbits(64):016x}"}
            item = {"product_id": product_id, "quantity": pieces}
            _expect(HTTPStatus.OK, await self._as_shopper("POST", "/user/checklist/add", item, once))

    async def find_way(self, product_ids: Sequence[int], start: Spot | None) -> Way | None:
        """The way past these products to a checkout, in this order unless another is clearly shorter; None: no way.

        `start` None: where the backend believes the cart to be, else the entrance.
        """
        body: dict[str, Any] = {
            "destinations": [{"product_id": product_id} for product_id in product_ids],
            "end": "checkout",
            "previous_order": list(product_ids),
        }
        if start is not None:
            body["start"] = start._asdict()
        answer = await self._as_shopper("POST", "/cart/shortest_path", body)
        if answer.code == "no_route":
            return None
        return read_way(_expect(HTTPStatus.OK, answer).body)

    async def check_out(self, idempotency_key: str) -> Answer:
        """201 with the order, or 409 while events are missing."""
        return await self._as_shopper("POST", "/orders/checkout", headers={"Idempotency-Key": idempotency_key})

    async def newest_orders(self, limit: int = 5) -> list[Order]:
        """Newest first. Raises OddOrder as well."""
        answer = _expect(HTTPStatus.OK, await self._as_shopper("GET", f"/orders/history?limit={limit}"))
        return [read_order(each) for each in answer.body]

    async def _as_shopper(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        await self.log_in()
        answer = await self._patiently(method, path, body, {**(headers or {}), **self._authorization()})
        if answer.status == HTTPStatus.UNAUTHORIZED:
            await self._renew()
            answer = await self._patiently(method, path, body, {**(headers or {}), **self._authorization()})
        return answer

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def _renew(self) -> None:
        self._token = None
        if self._refresh_token is not None:
            renewed = await self._patiently("POST", "/auth/refresh", {"refresh_token": self._refresh_token})
            self._refresh_token = None
            if renewed.status == HTTPStatus.OK:
                self._keep_tokens(renewed.body)
        await self.log_in()

    def _keep_tokens(self, body: Any) -> None:
        self._token = str(body["token"])
        self._refresh_token = body.get("refresh_token")

    async def _patiently(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        deadline_s = time.monotonic() + self.patience_s
        wait_s = RETRY_MIN_S
        while True:
            least_s = 0.0
            try:
                answer = await self._door.call(method, path, body, headers or {})
                if answer.status not in AWAY:
                    return answer
                tried = f"{answer.status} {answer.code}"
                least_s = answer.retry_after_s or 0.0
            except (OSError, http.client.HTTPException) as problem:
                tried = type(problem).__name__
            wait_s = min(wait_s * 2, RETRY_MAX_S)
            pause_s = max(least_s, wait_s * (0.5 + self._random.random()))
            if time.monotonic() + pause_s > deadline_s:
                raise BackendAway(f"{method} {path.partition('?')[0]}: {tried}")
            self.retries += 1
            await asyncio.sleep(pause_s)


def _expect(status: HTTPStatus, answer: Answer) -> Answer:
    if answer.status != status:
        raise CallRefused(f"{answer.status} {answer.code} instead of {status}")
    return answer
