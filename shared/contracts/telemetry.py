"""CartTelemetry: position and health, QoS 0, the latest wins."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.contracts.fields import FromCart, Version

Metres = Annotated[float, Field(ge=-10_000, le=10_000)]


class Location(FromCart):
    """Metres in the store's plan."""

    x: Metres
    y: Metres
    floor: Annotated[int, Field(ge=-20, le=200)] = 0


class Health(FromCart):
    """How the device is."""

    battery_pct: Annotated[int, Field(ge=0, le=100)] | None = None
    rssi_dbm: Annotated[int, Field(ge=-130, le=20)] | None = None
    journal_length: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None, description="events the cart still holds"
    )


class CartTelemetry(FromCart):
    """At least one of location and health."""

    v: Version = 1
    location: Location | None = None
    health: Health | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.location is None and self.health is None:
            raise ValueError("location or health is needed")
        return self
