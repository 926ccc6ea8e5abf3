"""A cart's connection leaves no socket open behind it, whatever the broker does at the end."""

import asyncio
import gc
import random
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from firmware_sim import connection as subject
from firmware_sim.connection import Broker, Connection, Hooks, Login
from tests.certificates import Authority

HOST = "127.0.0.1"
CONNACK = b"\x20\x02\x00\x00"
SUBACK = b"\x90\x03\x00\x01\x01"
Play = Callable[[socket.socket], None]


@contextmanager
def silent_at_the_end(play: Play) -> Iterator[tuple[str, threading.Event]]:
    """A server that does `play` with its one client and then holds the connection without a word: its address, and
    what tells that the client has come."""
    come, over = threading.Event(), threading.Event()

    def serve() -> None:
        with door.accept()[0] as client:
            come.set()
            play(client)
            over.wait(10)

    with socket.create_server((HOST, 0)) as door:
        server = threading.Thread(target=serve)
        server.start()
        try:
            yield f"mqtts://{HOST}:{door.getsockname()[1]}", come
        finally:
            over.set()
            server.join(10)


def greeting(authority: Authority) -> Play:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls = authority.certify(HOST)
    context.load_cert_chain(str(tls.certificate), str(tls.key))

    def play(client: socket.socket) -> None:
        stream = context.wrap_socket(client.dup(), server_side=True, suppress_ragged_eofs=True)
        stream.recv(4096)
        stream.sendall(CONNACK)
        stream.recv(4096)
        stream.sendall(SUBACK)
        stream.detach()

    return play


def mute(_client: socket.socket) -> None:
    """Says nothing at all: the handshake hangs."""


async def connect_and_close(url: str, ready: Callable[[Connection], bool]) -> None:
    hooks = Hooks(lambda: None, lambda: None, lambda _topic, _payload: None, lambda: b"{}")
    connection = Connection(
        Broker.from_url(url), Login("cart-1", "1" * 64, "store/1/cart/1/status"), ("state",), hooks, random.Random(1)
    )
    connection.start()
    async with asyncio.timeout(5):
        while not ready(connection):
            await asyncio.sleep(0.01)
    await connection.close()


@pytest.mark.parametrize("broker", ["greets, then says no goodbye", "never greets"])
def test_no_socket_is_left_open(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "GOODBYE_S", 0.1)
    left_open: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda problem: left_open.append(problem.exc_value))
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    greets = broker.startswith("greets")
    with silent_at_the_end(greeting(authority) if greets else mute) as (url, come):
        asyncio.run(connect_and_close(url, lambda it: it.up if greets else come.is_set()))
        gc.collect()
    assert left_open == []
