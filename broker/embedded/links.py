"""The two ways to reach the broker: MQTT over TCP, and MQTT over WebSocket (MQTT 3.1.1 chapter 6)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

LINGER_S = 2.0  # how long a closed connection may take to send what was written before it is cut
FRAME_OVERHEAD = 64


class Receiver(Protocol):
    """Who gets the bytes of one client."""

    def receive(self, data: bytes) -> None: ...
    def lost(self) -> None: ...
    def congest(self, congested: bool) -> None: ...


class _SocketLink(asyncio.Protocol):
    """What both links share: the transport, its back-pressure and its end."""

    def __init__(self, write_buffer_bytes: int) -> None:
        self._transport: asyncio.Transport | None = None
        self._write_buffer_bytes = write_buffer_bytes

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None, "used before the connection was made"
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from asyncio's
        self._transport.set_write_buffer_limits(high=self._write_buffer_bytes)

    def pause_reading(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _end_transport(self, *, at_once: bool) -> None:
        if at_once:
            self.transport.abort()
            return
        self.transport.close()
        asyncio.get_running_loop().call_later(LINGER_S, self.transport.abort)


class TcpLink(_SocketLink):
    """MQTT straight over TCP."""

    def __init__(self, accept: "Accept", write_buffer_bytes: int) -> None:
        super().__init__(write_buffer_bytes)
        self._accept = accept
        self._receiver: Receiver | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._receiver = self._accept(self, _address(self.transport))

    def data_received(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.receive(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._receiver is not None:
            self._receiver.lost()

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.congest(True)

    def resume_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.congest(False)

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def close(self, *, at_once: bool) -> None:
        self._end_transport(at_once=at_once)


class WebSocketLink(_SocketLink):
    """MQTT in binary WebSocket frames, subprotocol `mqtt`; packets need not be aligned with frames."""

    def __init__(
        self, accept: "Accept", write_buffer_bytes: int, packet_max_bytes: int, origins: Sequence[str] | None
    ) -> None:
        super().__init__(write_buffer_bytes)
        self._accept = accept
        self._receiver: Receiver | None = None
        self._websocket = ServerProtocol(
            # None in the list admits clients that send no Origin, which browsers always do.
            origins=None if origins is None else [*map(Origin, origins), None],
            subprotocols=[Subprotocol("mqtt")],
            max_size=packet_max_bytes + FRAME_OVERHEAD,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # From here on, so that an unfinished handshake counts and has its time limit too.
        self._receiver = self._accept(self, _address(self.transport))

    def data_received(self, data: bytes) -> None:
        self._websocket.receive_data(data)
        self._after_receiving()

    def eof_received(self) -> bool:
        self._websocket.receive_eof()
        self._after_receiving()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._receiver is not None:
            self._receiver.lost()

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.congest(True)

    def resume_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.congest(False)

    def write(self, data: bytes) -> None:
        if self._websocket.state is not State.OPEN:
            return
        self._websocket.send_binary(data)
        self._send()

    def close(self, *, at_once: bool) -> None:
        if not at_once and self._websocket.state is State.OPEN:
            self._websocket.send_close(1000)
            self._send()
        self._end_transport(at_once=at_once)

    def _after_receiving(self) -> None:
        for event in self._websocket.events_received():
            if isinstance(event, Request):
                self._websocket.send_response(self._websocket.accept(event))
            elif isinstance(event, Frame) and event.opcode in (Opcode.BINARY, Opcode.CONT):
                assert self._receiver is not None
                self._receiver.receive(bytes(event.data))
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._websocket.fail(1003, "binary frames only")  # [MQTT-6.0.0-1]
        self._send()
        if self._websocket.close_expected():
            self._end_transport(at_once=False)

    def _send(self) -> None:
        for data in self._websocket.data_to_send():
            if self.transport.is_closing():
                return
            if data is SEND_EOF:
                self._end_transport(at_once=False)
            else:
                self.transport.write(data)


Accept = Callable[["TcpLink | WebSocketLink", str], Receiver]


def _address(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""
