"""What amqtt may be told from outside."""

import ipaddress
from typing import Self

from pydantic import model_validator

from shared.settings import BrokerSettings


class AmqttSettings(BrokerSettings):
    """The settings that all brokers of ours share; this one is for development, on this machine."""

    @model_validator(mode="after")
    def _is_for_development(self) -> Self:
        if self.env == "production":
            raise ValueError("BROKER: amqtt is for development only; docs/brokers.md tells why")
        if self.mqtt_host != "localhost" and not ipaddress.ip_address(self.mqtt_host).is_loopback:
            raise ValueError("MQTT_HOST: loopback only")
        return self
