"""What each program may be told from outside: one frozen model per program, read once in its entry point.

Only entry points construct these models (a house test holds that); everything else gets values handed
down. A setting that is wrong stops the program with exit code 78 (`EX_CONFIG` of sysexits.h) and one line
that names the variable, never its value. `.env.example` is printed from these classes.
"""

import ipaddress
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

EX_CONFIG = 78
MIN_SECRET_BYTES = 32
# What nobody needs who sends codes to people: beyond it a production is one of the settings of simulated shoppers.
OTP_SENDS_IN_PRODUCTION_MAX = {"otp_sends_per_number_per_hour": 20, "otp_sends_per_number_per_day": 50}
OTP_SECONDS_BETWEEN_IN_PRODUCTION_MIN = 10

Secret = Annotated[SecretStr, Field(min_length=1)]


class _Program(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    env: Literal["development", "production"] = Field(
        "development", description="production refuses to start with default, short or missing secrets"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe log line")

    @model_validator(mode="after")
    def _production_has_real_secrets(self) -> Self:
        if self.env != "production":
            return self
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if not isinstance(value, SecretStr):
                continue
            if field.default is not None and isinstance(field.default, SecretStr) and value == field.default:
                raise ValueError(f"{name.upper()}: must be set in production")
            if len(value.get_secret_value().encode()) < MIN_SECRET_BYTES:
                raise ValueError(f"{name.upper()}: needs at least {MIN_SECRET_BYTES} bytes in production")
        return self


class DatabaseSettings(_Program):
    """PostgreSQL, for every program that speaks to it."""

    database_url: str = Field(
        "postgresql://postgres@127.0.0.1:5432/smartcart", description="libpq URL of PostgreSQL 15 or newer"
    )


class BrokerClientSettings(DatabaseSettings):
    """How our own services reach the broker."""

    mqtt_url: str = Field("mqtt://127.0.0.1:1883", description="mqtt:// or mqtts:// address of the broker")
    mqtt_ca_file: Path | None = Field(None, description="certificate authority for mqtts://")
    mqtt_service_password: Secret = Field(
        SecretStr("development-service-password"),
        description="password of the service identities at the broker",
    )

    @model_validator(mode="after")
    def _production_is_not_overheard(self) -> Self:
        if self.env == "production" and not is_private(self.mqtt_url):
            raise ValueError("MQTT_URL: mqtts:// in production, unless the broker is on this machine")
        return self


class IngestSettings(BrokerClientSettings):
    """cart-ingest."""

    ingest_name: str = Field(
        "ingest-0", pattern=r"^ingest-[0-9]{1,3}$", description="MQTT user and client id; one per worker"
    )
    ingest_share: bool = Field(
        False,
        description="subscribe through $share/ingest/, for several workers (not on the embedded broker)",
    )
    batch_max: int = Field(4_000, ge=1, le=10_000, description="most deliveries in one transaction")
    inbox_max: int = Field(12_000, ge=10, description="deliveries held in memory; beyond it the connection is closed")
    gap_timeout_s: float = Field(60.0, gt=0, description="a gap older than this flags the session incomplete")
    session_idle_s: float = Field(7_200.0, gt=0, description="a session without events for this long is abandoned")
    pairing_rotate_s: float = Field(300.0, ge=5, description="life of the pairing code a cart shows")
    telemetry_flush_s: float = Field(1.0, gt=0, description="at most one telemetry write per cart in this time")
    dead_letter_days: float = Field(30.0, gt=0, description="how long dead letters are kept")
    ingest_http_host: str = Field("127.0.0.1", description="address of /healthz, /readyz and /metrics of ingest")
    ingest_http_port: int = Field(9464, ge=1, le=65535, description="port of the same")
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="ISO 4217; two decimal places")


class BrokerSettings(DatabaseSettings):
    """The embedded broker."""

    mqtt_host: str = Field("127.0.0.1", description="address the embedded broker listens on; loopback only")
    mqtt_port: int = Field(1883, ge=0, le=65535, description="MQTT over TCP")
    ws_port: int = Field(8083, ge=0, le=65535, description="MQTT over WebSocket, for phones")
    mqtt_service_password: Secret = Field(
        SecretStr("development-service-password"),
        description="password of the service identities at the broker",
    )
    mqtt_token_secret: Secret = Field(
        SecretStr("development-mqtt-token-secret-0000000000"),
        description="signs the phones' short-lived MQTT tokens",
    )
    credential_poll_s: float = Field(1.0, gt=0, le=5, description="how often cart credentials are read again")
    run_dir: Path | None = Field(None, description="where the program writes its chosen ports")


class GatewaySettings(DatabaseSettings):
    """The REST gateway."""

    http_host: str = Field("127.0.0.1", description="address the gateway listens on")
    http_port: int = Field(8000, ge=0, le=65535, description="port the gateway listens on")
    http_workers: int = Field(1, ge=1, le=64, description="uvicorn worker processes")
    mqtt_ws_url: str = Field("ws://127.0.0.1:8083", description="address phones use for MQTT over WebSocket")
    mqtt_token_secret: Secret = Field(
        SecretStr("development-mqtt-token-secret-0000000000"),
        description="signs the phones' short-lived MQTT tokens",
    )
    mqtt_control_url: str | None = Field(
        None,
        pattern=r"^mqtts?://",
        description="where Mosquitto takes changes of accounts; empty: the embedded broker, which reads the database",
    )
    mqtt_admin_password: SecretStr | None = Field(
        None, min_length=1, description="password of the account that adds and removes accounts at Mosquitto"
    )
    mqtt_ca_file: Path | None = Field(None, description="certificate authority for mqtts://")
    mqtt_token_ttl_s: int = Field(900, ge=30, le=3600, description="life of a phone's MQTT token")
    access_token_secret: Secret = Field(
        SecretStr("development-access-token-secret-00000000"),
        description="signs access tokens; `kid:secret,kid:secret` for rotation, the first signs",
    )
    access_token_ttl_s: int = Field(900, ge=30, le=900, description="life of an access token")
    refresh_token_ttl_s: int = Field(30 * 86_400, ge=60, description="life of a refresh token")
    code_pepper: Secret = Field(
        SecretStr("development-code-pepper-0000000000000000"),
        description="keys the hashes of one-time codes and phones",
    )
    fixed_otp: str | None = Field(
        None, pattern=r"^[0-9]{6}$", description="development only: every one-time code is this one"
    )
    phone_region: str = Field(
        "DE",
        pattern=r"^([A-Z]{2})?$",
        description="country of phone numbers without a country code (ISO 3166-1); empty: refuse them",
    )
    otp_ttl_s: int = Field(300, ge=30, le=600, description="life of a one-time code (NIST SP 800-63B: at most 10 min)")
    otp_tries: int = Field(5, ge=1, le=10, description="tries per one-time code")
    otp_seconds_between_sends: int = Field(30, ge=0, description="wait before another code to the same number")
    otp_sends_per_number_per_hour: int = Field(5, ge=1, description="codes sent to one number in an hour")
    otp_sends_per_number_per_day: int = Field(10, ge=1, description="codes sent to one number in a day")
    otp_sends_per_address_per_hour: int = Field(60, ge=1, description="codes asked for by one address in an hour")
    otp_sends_per_minute: int = Field(120, ge=1, description="codes sent to anybody in a minute: a bound to the bill")
    # A store's phones may share one address; a worker process counts for itself.
    reads_per_address_per_minute: int = Field(12_000, ge=1, description="GET requests of one address in a minute")
    writes_per_address_per_minute: int = Field(6_000, ge=1, description="other requests of one address in a minute")
    logins_per_address_per_minute: int = Field(300, ge=1, description="steps of logging in of one address in a minute")
    reads_per_shopper_per_minute: int = Field(600, ge=1, description="GET requests of one shopper in a minute")
    writes_per_shopper_per_minute: int = Field(240, ge=1, description="other requests of one shopper in a minute")
    scans_per_board_per_minute: int = Field(240, ge=1, description="scans over HTTP of one cart in a minute")
    sms_webhook_url: str | None = Field(
        None, description="SMS gateway that gets a signed POST; empty, in development only: no code is sent"
    )
    codes_in_log: bool = Field(
        False, description="simulated shoppers only, never in production: one-time codes are written to the log"
    )
    sms_webhook_secret: Secret = Field(
        SecretStr("development-sms-webhook-secret-000000000"),
        description="signs the webhook's body (HMAC-SHA-256)",
    )
    pairing: Literal["code", "open"] = Field(
        "code", description="code: the cart shows a code to type; open: its number suffices"
    )
    pairing_tries_per_minute: int = Field(5, ge=1, description="wrong pairing codes of one shopper in a minute")
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="ISO 4217; two decimal places")
    images_dir: Path | None = Field(None, description="folder of product images")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma separated origins allowed to call from a browser"
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",), description="comma separated Host values accepted"
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma separated addresses whose X-Forwarded-For counts"
    )
    ingest_metrics_url: str | None = Field(
        None, pattern=r"^https?://", description="/metrics of cart-ingest, for the charts of the console; empty: none"
    )
    metrics_token: SecretStr | None = Field(
        None, min_length=1, description="bearer token of /metrics; empty: private addresses only, without a token"
    )
    db_pool_max: int = Field(10, ge=1, le=200, description="most PostgreSQL connections of one gateway process")
    run_dir: Path | None = Field(None, description="where the program writes its chosen ports")

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name in ("cors_origins", "allowed_hosts", "trusted_proxies"):
                if isinstance(values.get(name), str):
                    values[name] = tuple(part.strip() for part in values[name].split(",") if part.strip())
        return values

    @model_validator(mode="after")
    def _accounts_have_a_keeper(self) -> Self:
        if self.mqtt_control_url is not None and self.mqtt_admin_password is None:
            raise ValueError("MQTT_ADMIN_PASSWORD: must be set with MQTT_CONTROL_URL")
        return self

    @model_validator(mode="after")
    def _production_is_closed(self) -> Self:
        if self.env == "production":
            if not is_private(self.mqtt_ws_url):
                raise ValueError("MQTT_WS_URL: wss:// in production")
            if self.mqtt_control_url is not None and not is_private(self.mqtt_control_url):
                raise ValueError("MQTT_CONTROL_URL: mqtts:// in production, unless the broker is on this machine")
            if self.fixed_otp is not None:
                raise ValueError("FIXED_OTP: development only")
            if self.codes_in_log:
                raise ValueError("CODES_IN_LOG: development only")
            if self.sms_webhook_url is None:
                raise ValueError("SMS_WEBHOOK_URL: must be set in production")
            if not is_private(self.sms_webhook_url):
                raise ValueError("SMS_WEBHOOK_URL: https:// in production, unless the gateway is on this machine")
            if "*" in self.cors_origins:
                raise ValueError("CORS_ORIGINS: * is for development only")
            if not all(map(is_private, self.cors_origins)):
                raise ValueError("CORS_ORIGINS: https:// in production")
            if not all(map(_is_few_addresses, self.trusted_proxies)):
                raise ValueError("TRUSTED_PROXIES: the proxies' own addresses or narrow networks in production")
            for name, most in OTP_SENDS_IN_PRODUCTION_MAX.items():
                if getattr(self, name) > most:
                    raise ValueError(f"{name.upper()}: at most {most} in production")
            if self.otp_seconds_between_sends < OTP_SECONDS_BETWEEN_IN_PRODUCTION_MIN:
                raise ValueError(
                    f"OTP_SECONDS_BETWEEN_SENDS: at least {OTP_SECONDS_BETWEEN_IN_PRODUCTION_MIN} in production"
                )
            if "*" in self.allowed_hosts:
                raise ValueError("ALLOWED_HOSTS: * is for development only")
            for key in self.access_token_secret.get_secret_value().split(","):
                if len(key.rpartition(":")[2].strip().encode()) < MIN_SECRET_BYTES:
                    raise ValueError(f"ACCESS_TOKEN_SECRET: each key needs at least {MIN_SECRET_BYTES} bytes")
        return self


def is_private(url: str) -> bool:
    """Whether nobody on a network can listen: the address is one of TLS, or of this machine alone."""
    where = urlsplit(url)
    if where.scheme in ("mqtts", "wss", "https") or where.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(where.hostname or "").is_loopback
    except ValueError:
        return False


def _is_few_addresses(proxy: str) -> bool:
    """Whether an entry of trusted proxies is an address, or a network that is no larger than a company's own."""
    try:
        network = ipaddress.ip_network(proxy, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 32)


PROGRAMS: tuple[type[_Program], ...] = (IngestSettings, BrokerSettings, GatewaySettings)

P = TypeVar("P", bound=_Program)


def read_settings(program: type[P]) -> P:
    """The program's settings from the environment, or exit 78 with one line naming each bad variable."""
    try:
        return program()
    except ValidationError as problem:
        _stop(problem)


def refuse_to_start(reason: str) -> NoReturn:
    """End the program, before it did anything, with one line for who started it; not to be tried again as it is."""
    print(f"smartcart: {reason}", file=sys.stderr)  # noqa: T201
    raise SystemExit(EX_CONFIG)


def _stop(problem: ValidationError) -> NoReturn:
    for error in problem.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(str(part) for part in error["loc"]).upper()
        reason = error["msg"].removeprefix("Value error, ")
        print(f"smartcart: bad setting: {name + ': ' if name else ''}{reason}", file=sys.stderr)  # noqa: T201
    raise SystemExit(EX_CONFIG)
