"""What the embedded broker may be told from outside, beyond the settings it shares with the other programs."""

import ipaddress
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_settings import NoDecode

from shared.settings import BrokerSettings


class EmbeddedBrokerSettings(BrokerSettings):
    """The embedded broker's own limits."""

    cart_publish_per_s: float = Field(
        20.0, ge=0, description="packets a cart may send per second before it is slowed down; 0: no limit"
    )
    broker_connections_max: int = Field(10_000, ge=1, description="most connections at once")
    broker_connections_per_address: int = Field(
        200, ge=1, description="most connections of one address; loopback is not counted"
    )
    ws_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma separated origins whose pages may connect over WebSocket; empty: all"
    )

    @model_validator(mode="before")
    @classmethod
    def _split_origins(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("ws_origins"), str):
            values["ws_origins"] = tuple(part.strip() for part in values["ws_origins"].split(",") if part.strip())
        return values

    @model_validator(mode="after")
    def _no_tls_means_loopback(self) -> Self:
        if not _is_loopback(self.mqtt_host):
            raise ValueError("MQTT_HOST: loopback only, the embedded broker has no TLS")
        return self


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
