"""A cart with the firmware that nobody should write: it forgets an event as soon as the broker has confirmed it.

The store's promise does not hold for it when the broker dies. When only the worker dies it must: the worker
acknowledges nothing that is not committed, so the broker still has it.
"""

from collections.abc import Callable
from typing import Any

from firmware_sim.cart import SimCart
from firmware_sim.device import Publish
from firmware_sim.journal import Key
from firmware_sim.packets import Packet, Puback


class TrustingCart(SimCart):
    """`numbered` is set before it starts: every event that ever had a number, whether or not it was forgotten."""

    numbered: dict[Key, bytes]
    _unconfirmed: dict[int, Key]

    @property
    def unsettled(self) -> int:
        """Events that no state has settled yet: what a shopper waits for does not depend on what is forgotten."""
        if self.state is None:
            return len(self.numbered)
        ack = (self.state.ack.epoch, self.state.ack.seq)
        return sum(key > ack for key in self.numbered)

    def _connected(self) -> None:
        self._unconfirmed = {}
        wire: Any = self.connection._wire
        hear: Callable[[Packet], None] = wire._receive

        def receive(packet: Packet) -> None:
            hear(packet)
            if isinstance(packet, Puback):
                self._forget(packet.packet_id)

        wire._receive = receive
        super()._connected()

    def _transmit(self, message: Publish) -> None:
        wire = self.connection._wire
        before = wire._packet_id if wire is not None else 0
        super()._transmit(message)
        if message.key is not None and wire is not None and wire._packet_id != before:
            self._unconfirmed[wire._packet_id] = message.key

    def _forget(self, packet_id: int) -> None:
        key, journal = self._unconfirmed.pop(packet_id, None), self.device.journal
        for entry in list(journal.entries):
            if entry.key == key:
                journal.entries.remove(entry)
                self.device._in_flight = max(0, self.device._in_flight - 1)
                self._publish(self.device._fill_window(self._clock()))
