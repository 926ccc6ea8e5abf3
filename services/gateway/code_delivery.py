"""Delivery of one-time codes: a signed webhook; in development also nowhere, or the log for simulated shoppers."""

import contextlib
import hashlib
import hmac
import json
import queue
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Protocol
from urllib.error import HTTPError

import structlog

from services.gateway.metrics import CODES

TIMEOUT_S = 5.0
TRIES = 3
BACKOFF_S = 0.5
STOP_WITHIN_S = 1.0
QUEUE_MAX = 200
ANSWER_MAX_BYTES = 1024
RETRY_AFTER_MAX_S = 30.0  # a code lives for minutes, and the others wait behind it

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CodeMessage:
    """One code on its way to one number."""

    number: str = field(repr=False)
    code: str = field(repr=False)
    reference: str


class CodeSender(Protocol):
    """Takes a code to a phone. `send` never waits for the phone: known and unknown numbers take the same time."""

    def send(self, message: CodeMessage) -> bool:
        """Accept the message for delivery; False when there is no room."""
        ...

    def complaint(self) -> str | None:
        """What keeps codes from being sent, in words; None: nothing that we know of."""
        ...

    def close(self) -> None:
        """Stop, after what is under way."""
        ...


class NoCodeSender:
    """Development without an SMS gateway: no code leaves, and whoever asks for one is told to come later."""

    def send(self, message: CodeMessage) -> bool:
        log.warning("code_not_sent", reason="neither SMS_WEBHOOK_URL nor FIXED_OTP is set")
        CODES.labels("not_sent").inc()
        return False

    def complaint(self) -> str | None:
        return None

    def close(self) -> None:
        pass


class FixedCodeSender:
    """Development with FIXED_OTP: whoever set it knows the code, so that it need not go anywhere."""

    def send(self, message: CodeMessage) -> bool:
        CODES.labels("sent").inc()
        return True

    def complaint(self) -> str | None:
        return None

    def close(self) -> None:
        pass


class LogCodeSender:
    """Simulated shoppers: the code is read in the log. The only place where a code is ever logged."""

    def send(self, message: CodeMessage) -> bool:
        log.info("one_time_code", code=message.code, number_ends=message.number[-2:])
        CODES.labels("sent").inc()
        return True

    def complaint(self) -> str | None:
        return None

    def close(self) -> None:
        pass


class WebhookCodeSender:
    """POSTs JSON to one configured SMS gateway, signed with HMAC-SHA-256 over time and body.

    Header `X-Smartcart-Signature: t=<unix seconds>,v1=<hex>`; the receiver recomputes HMAC(secret, "<t>.<body>")
    and refuses old times. `reference` is the same for each try, so that a receiver can drop a repeat.
    """

    def __init__(self, url: str, secret: str) -> None:
        if not url.startswith(("https://", "http://")):
            raise ValueError("the SMS webhook is an http or https address")
        self._url = url
        self._secret = secret.encode()
        self._messages: queue.Queue[CodeMessage | None] = queue.Queue(QUEUE_MAX)
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="code-sender", daemon=True)
        self._thread.start()

    def send(self, message: CodeMessage) -> bool:
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            CODES.labels("no_room").inc()
            return False
        return True

    def complaint(self) -> str | None:
        return None if self._thread.is_alive() or self._stopped.is_set() else "code-sender has ended"

    def close(self) -> None:
        """Codes that still wait get one try each, as far as `STOP_WITHIN_S` reaches."""
        self._stopped.set()
        with contextlib.suppress(queue.Full):  # wakes a thread that waits for a message
            self._messages.put_nowait(None)
        self._thread.join(timeout=STOP_WITHIN_S)

    def _run(self) -> None:
        while not (self._stopped.is_set() and self._messages.empty()):
            message = self._messages.get()
            if message is not None:
                CODES.labels("sent" if self._deliver(message) else "not_sent").inc()

    def _deliver(self, message: CodeMessage) -> bool:
        """Whether the gateway took it. What a foreign server answers cannot be listed: whatever goes wrong, the next
        code is sent."""
        wait_s = 0.0
        for number in range(TRIES):
            if wait_s and self._stopped.wait(wait_s):
                return False
            wait_s = BACKOFF_S * 2**number
            try:
                self._post(message)
                return True
            except HTTPError as refused:
                refused.close()
                log.warning("code_delivery_refused", reference=message.reference, status=refused.code)
                if refused.code == HTTPStatus.TOO_MANY_REQUESTS:
                    wait_s = seconds_to_wait(refused.headers.get("Retry-After"), wait_s)
                elif refused.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return False
            except Exception as problem:
                log.warning("code_delivery_failed", reference=message.reference, error=type(problem).__name__)
        return False

    def _post(self, message: CodeMessage) -> None:
        body = json.dumps({"to": message.number, "code": message.code, "reference": message.reference}).encode()
        at = str(int(time.time()))
        signature = hmac.new(self._secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(
            self._url,
            data=body,
            headers={"Content-Type": "application/json", "X-Smartcart-Signature": f"t={at},v1={signature}"},
            method="POST",
        )
        with self._opener.open(request, timeout=TIMEOUT_S) as answer:
            answer.read(ANSWER_MAX_BYTES)


def seconds_to_wait(retry_after: str | None, otherwise_s: float) -> float:
    """RFC 9110, 10.2.3: seconds, or a date; what cannot be read counts as absent."""
    if retry_after is None:
        return otherwise_s
    try:
        if retry_after.isascii() and retry_after.isdecimal():
            wait_s = float(retry_after)
        else:
            wait_s = parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return otherwise_s
    return min(max(wait_s, otherwise_s), RETRY_AFTER_MAX_S)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The body holds a code and a number: it goes where the operator said, and nowhere else."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None
