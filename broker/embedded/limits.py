"""What one client, and all clients together, may ask of the embedded broker (docs/reliability.md S9, M25 to M30)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Limits of one kind of client.

    The keep-alive that a client asks for is forced into `keep_alive_min_s..keep_alive_max_s` (0, "never",
    becomes the longest). `publish_per_s` None means no limit; beyond it reading pauses, nothing is lost.
    """

    keep_alive_min_s: float = 10.0
    keep_alive_max_s: float = 120.0
    filters_max: int = 20
    inflight_max: int = 20  # the carts' own window (docs/design.md, section 4)
    queue_max: int = 1_000
    queue_max_bytes: int = 1 << 20
    publish_per_s: float | None = None
    publish_burst: int = 50
    session_expiry_s: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the broker as a whole, and of each kind of client."""

    connect_timeout_s: float = 5.0
    packet_max_bytes: int = 16 * 1024
    keep_alive_factor: float = 1.5  # MQTT 3.1.1 section 3.1.2.10
    stalled_s: float = 60.0  # a reader that takes nothing for this long is closed
    write_buffer_bytes: int = 256 * 1024
    connections_max: int = 10_000
    connections_per_address: int | None = 200  # never applied to loopback, where all our own programs are
    retained_max: int = 200_000
    carts: ClientLimits = field(
        default_factory=lambda: ClientLimits(publish_per_s=20.0, session_expiry_s=14 * 86_400.0)
    )
    shoppers: ClientLimits = field(default_factory=lambda: ClientLimits(publish_per_s=20.0))
    services: ClientLimits = field(
        default_factory=lambda: ClientLimits(
            filters_max=100,
            inflight_max=2_000,  # at least a few of ingest's batches, so that batches form
            queue_max=100_000,  # an hour of a busy store's events
            queue_max_bytes=256 << 20,
            session_expiry_s=float("inf"),
        )
    )
