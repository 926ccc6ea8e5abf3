"""What paho needs before a service can rest on it: a thread and callbacks that cannot die unnoticed, a hang-up
that is followed by a reconnect, an end that takes a bounded time.

Measured on paho 2.2 (docs/reliability.md d.1): an exception in a callback ends the network thread silently while
`is_connected()` stays true, and the thread is forgotten when it ends, so asking for it later tells nothing.
"""

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

log = structlog.get_logger()

EX_SOFTWARE = 70  # sysexits.h
KEEPALIVE_S = 10  # a silent broker is noticed within twice this, well before its canary is missed
RECONNECT_CAP_S = 10  # docs/reliability.md R10
OUTGOING_MAX = 1_000  # unconfirmed messages held in memory; paho's default is no limit


class ServiceClient(mqtt.Client):
    """MQTT 3.1.1 in paho's own thread, under a service's fixed client id, which is also its user name."""

    def __init__(
        self, url: str, name: str, password: str, ca_file: str | None, *, clean_session: bool, manual_ack: bool = False
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=clean_session,
            protocol=mqtt.MQTTv311,
            manual_ack=manual_ack,
        )
        self._url = urlsplit(url)
        self._ended = threading.Event()
        self._ended.set()
        self._leaving = False
        self._may_connect = threading.Event()
        self._may_connect.set()
        self.username_pw_set(name, password)
        self.reconnect_delay_set(1, RECONNECT_CAP_S)
        self.max_queued_messages_set(OUTGOING_MAX)
        self.on_socket_open = _send_at_once
        if self._url.scheme == "mqtts":
            self.tls_set_context(ssl.create_default_context(cafile=ca_file))

    def begin(self) -> None:
        """Connect in the background, and keep connecting."""
        port = self._url.port or (8883 if self._url.scheme == "mqtts" else 1883)
        self._ended.clear()
        self.connect_async(self._url.hostname or "127.0.0.1", port, KEEPALIVE_S)
        self.loop_start()

    def leave(self, within_s: float) -> None:
        """Say goodbye behind everything that is queued, and wait for that at most so long."""
        self._leaving = True
        self._may_connect.set()
        self.disconnect()
        self._ended.wait(within_s)

    def hang_up(self) -> None:
        """End the connection as a broken network would; the next one is made after `call_again`.

        `disconnect` would end the network thread too. The socket is reached past TLS, so that what has arrived
        is still read as what it is.
        """
        self._may_connect.clear()
        line = self.socket()
        if line is not None:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(line.fileno())) as same:
                same.shutdown(socket.SHUT_RDWR)

    def call_again(self) -> None:
        """Connect again after `hang_up`; harmless otherwise."""
        self._may_connect.set()

    def reconnect(self) -> MQTTErrorCode:
        """Called by paho's thread for every connection; it waits here after a hang-up."""
        self._may_connect.wait()
        return super().reconnect()

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """All that paho's thread does; the process ends with it, unless we are leaving."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except BaseException:
            log.critical("mqtt_thread_failed", exc_info=True)
            os._exit(EX_SOFTWARE)
        finally:
            self._ended.set()
            if not self._leaving:
                log.critical("mqtt_thread_ended")
                os._exit(EX_SOFTWARE)


def fatal_when_it_raises(callback: Callable[..., None]) -> Callable[..., None]:
    """End the process when a callback raises: half of what it should have done is worse than a fresh start."""

    def guarded(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except BaseException:
            log.critical("callback_failed", exc_info=True)
            os._exit(EX_SOFTWARE)

    return guarded


def _send_at_once(_client: mqtt.Client, _data: Any, line: Any) -> None:
    """Nagle's algorithm and delayed acknowledgements together hold a state back for about 40 ms (measured)."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
