"""What writing Mosquitto's first accounts may be told from outside."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import MIN_SECRET_BYTES


class MosquittoSettings(BaseSettings):
    """Both are real secrets: there is no development Mosquitto."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    mqtt_service_password: SecretStr = Field(
        min_length=MIN_SECRET_BYTES, description="password of the service identities at the broker"
    )
    mqtt_admin_password: SecretStr = Field(
        min_length=MIN_SECRET_BYTES, description="password of the account that adds and removes accounts at Mosquitto"
    )
