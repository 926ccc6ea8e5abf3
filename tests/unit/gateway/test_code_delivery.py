"""The signed webhook: what the SMS gateway gets, and what happens when it does not answer (docs/reliability.md S27)."""

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import structlog

from services.gateway import code_delivery
from services.gateway.code_delivery import (
    CodeMessage,
    FixedCodeSender,
    LogCodeSender,
    NoCodeSender,
    WebhookCodeSender,
)
from tests.eventually import eventually

SECRET = "webhook-secret"
MESSAGE = CodeMessage("+491700000001", "123456", "ref-1")


class SmsGateway:
    """Answers with the statuses given, then 200; keeps what it got."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.received.append((dict(self.headers), body))
                status = outer.statuses.pop(0) if outer.statuses else 200
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/sms"


@pytest.fixture
def sms() -> Iterator[SmsGateway]:
    gateway = SmsGateway()
    thread = threading.Thread(target=gateway.server.serve_forever)
    thread.start()
    yield gateway
    gateway.server.shutdown()
    gateway.server.server_close()
    thread.join()


@pytest.fixture
def sender(sms: SmsGateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookCodeSender]:
    monkeypatch.setattr(code_delivery, "BACKOFF_S", 0.01)
    sender = WebhookCodeSender(sms.url, SECRET)
    yield sender
    sender.close()


def test_the_body_is_signed(sms: SmsGateway, sender: WebhookCodeSender) -> None:
    assert sender.send(MESSAGE)
    eventually(lambda: sms.received)
    headers, body = sms.received[0]
    assert json.loads(body) == {"to": "+491700000001", "code": "123456", "reference": "ref-1"}
    at, signature = (part.split("=", 1)[1] for part in headers["X-Smartcart-Signature"].split(","))
    assert signature == hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def test_a_gateway_in_trouble_is_tried_again_with_the_same_reference(
    sms: SmsGateway, sender: WebhookCodeSender
) -> None:
    sms.statuses = [500, 503]
    sender.send(MESSAGE)
    eventually(lambda: len(sms.received) == 3)
    assert {json.loads(body)["reference"] for _, body in sms.received} == {"ref-1"}


@pytest.mark.parametrize("status", [400, 307])
def test_a_refusal_and_a_redirect_are_final(sms: SmsGateway, sender: WebhookCodeSender, status: int) -> None:
    sms.statuses = [status]
    with structlog.testing.capture_logs() as events:
        sender.send(MESSAGE)
        eventually(lambda: [event for event in events if event["event"] == "code_delivery_refused"])
    assert len(sms.received) == 1
    written = repr(events)
    assert "123456" not in written
    assert "1700000001" not in written


ODD_ANSWERS = {
    "no HTTP": b"220 mail.example ESMTP\r\n",
    "a cut body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "a redirect to nowhere": b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
    "a status that is none": b"HTTP/1.1 2x0 OK\r\n\r\n",
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_after_an_odd_answer_the_next_code_is_sent(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_delivery, "BACKOFF_S", 0.0)
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            while b"654321" not in b"".join(heard):
                with door.accept()[0] as connection:
                    heard.append(connection.recv(65536))
                    if b"{" not in heard[-1]:
                        heard.append(connection.recv(65536))
                    connection.sendall(good if b"654321" in heard[-1] else ODD_ANSWERS[odd])

        gateway = threading.Thread(target=answer)
        gateway.start()
        sender = WebhookCodeSender(f"http://127.0.0.1:{door.getsockname()[1]}/sms", SECRET)
        sender.send(MESSAGE)
        sender.send(CodeMessage("+491700000001", "654321", "ref-2"))
        gateway.join(20)
        assert not gateway.is_alive(), "the second code never came"
        assert sender.complaint() is None
        sender.close()


def test_a_gateway_that_asks_for_patience_is_asked_again_after_it(
    sms: SmsGateway, sender: WebhookCodeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_delivery, "RETRY_AFTER_MAX_S", 0.05)
    sms.statuses = [429]
    sender.send(MESSAGE)
    eventually(lambda: len(sms.received) == 2)


@pytest.mark.parametrize(
    ("said", "waited"), [("2", 2.0), ("0", 0.5), (None, 0.5), ("soon", 0.5), ("99999", 30.0), ("-3", 0.5), ("²", 0.5)]
)
def test_how_long_to_wait_before_asking_again(said: str | None, waited: float) -> None:
    assert code_delivery.seconds_to_wait(said, 0.5) == waited


def test_a_gateway_that_is_away_blocks_nobody() -> None:
    sender = WebhookCodeSender("http://127.0.0.1:1/sms", SECRET)
    accepted = [sender.send(MESSAGE) for _ in range(code_delivery.QUEUE_MAX + 5)]
    assert accepted[0] is True
    assert accepted[-1] is False
    sender.close()
    eventually(lambda: not any(thread.name == "code-sender" for thread in threading.enumerate()))


def test_a_code_that_waits_when_the_gateway_stops_is_still_sent(sms: SmsGateway) -> None:
    sender = WebhookCodeSender(sms.url, SECRET)
    for _ in range(5):
        assert sender.send(MESSAGE)
    sender.close()
    eventually(lambda: len(sms.received) == 5)


def test_without_an_sms_gateway_no_code_leaves_and_none_is_in_the_log() -> None:
    with structlog.testing.capture_logs() as events:
        assert not NoCodeSender().send(MESSAGE)
        assert FixedCodeSender().send(MESSAGE)
    assert "123456" not in repr(events)
    assert events[0]["event"] == "code_not_sent"


def test_for_simulated_shoppers_the_code_is_in_the_log_and_the_number_is_not() -> None:
    with structlog.testing.capture_logs() as events:
        assert LogCodeSender().send(MESSAGE)
    assert events[0]["code"] == "123456"
    assert "1700000001" not in repr(events)


def test_a_message_does_not_show_itself() -> None:
    assert "123456" not in repr(MESSAGE)
    assert "1700000001" not in repr(MESSAGE)


def test_only_http_addresses_are_taken() -> None:
    with pytest.raises(ValueError, match="http"):
        WebhookCodeSender("file:///etc/passwd", SECRET)
