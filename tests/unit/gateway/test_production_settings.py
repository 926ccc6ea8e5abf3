"""Production refuses to start with anything that was meant for development (docs/reliability.md S1, S25)."""

import asyncio
import os
import subprocess
import sys

import httpx
import pytest

from services.gateway.app import make_app, make_gateway
from shared.settings import GatewaySettings, read_settings

STRONG = "0123456789abcdef0123456789abcdef-strong"
PRODUCTION = {
    "ENV": "production",
    "DATABASE_URL": "postgresql://127.0.0.1:1/none",
    "ACCESS_TOKEN_SECRET": f"a:{STRONG}",
    "MQTT_TOKEN_SECRET": STRONG,
    "CODE_PEPPER": STRONG,
    "SMS_WEBHOOK_URL": "https://sms.example/send",
    "SMS_WEBHOOK_SECRET": STRONG,
    "ALLOWED_HOSTS": "shop.example",
    "HTTP_PORT": "0",
}
BAD = [
    ("ACCESS_TOKEN_SECRET", None),
    ("ACCESS_TOKEN_SECRET", "short"),
    ("ACCESS_TOKEN_SECRET", f"a:{STRONG},b:short-one-behind-a-long-one"),
    ("MQTT_TOKEN_SECRET", None),
    ("CODE_PEPPER", "development-code-pepper-0000000000000000"),
    ("SMS_WEBHOOK_SECRET", "short"),
    ("SMS_WEBHOOK_URL", None),
    ("SMS_WEBHOOK_URL", "http://sms.example/send"),
    ("SMS_WEBHOOK_URL", "ftp://sms.example/send"),
    ("FIXED_OTP", "123456"),
    ("CODES_IN_LOG", "true"),
    ("OTP_SENDS_PER_NUMBER_PER_HOUR", "1000000"),
    ("OTP_SENDS_PER_NUMBER_PER_DAY", "1000000"),
    ("OTP_SECONDS_BETWEEN_SENDS", "0"),
    ("TRUSTED_PROXIES", "*"),
    ("TRUSTED_PROXIES", "10.0.0.1, *"),
    ("TRUSTED_PROXIES", "0.0.0.0/0"),
    ("TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1"),
    ("TRUSTED_PROXIES", "::/0"),
    ("TRUSTED_PROXIES", "any-proxy"),
    ("CORS_ORIGINS", "http://shop.example"),
    ("CORS_ORIGINS", "null"),
    ("ALLOWED_HOSTS", None),
    ("CORS_ORIGINS", "*"),
    ("HTTP_PORT", "99999"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_setting_stops_the_start_by_its_name(
    name: str, value: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for other, good in {**PRODUCTION, name: value}.items():
        if good is None:
            monkeypatch.delenv(other, raising=False)
        else:
            monkeypatch.setenv(other, good)
    with pytest.raises(SystemExit) as stopped:
        read_settings(GatewaySettings)
    told = capsys.readouterr().err
    assert stopped.value.code == 78
    assert name in told
    if value is not None and len(value) > 5:
        assert value not in told


def test_the_program_itself_exits_78_and_names_the_setting() -> None:
    environment = {"PATH": os.environ["PATH"], **PRODUCTION, "CODE_PEPPER": "short"}
    done = subprocess.run(
        [sys.executable, "-m", "services.gateway"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "CODE_PEPPER" in done.stderr) == (78, True)
    assert STRONG not in done.stderr


def test_a_proxy_by_address_or_narrow_network_and_a_webhook_on_this_machine_are_let_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_pass = {
        "TRUSTED_PROXIES": "10.0.0.1,192.168.0.0/16,2001:db8::/32",
        "SMS_WEBHOOK_URL": "http://127.0.0.1:9000/send",
        "CORS_ORIGINS": "https://shop.example",
    }
    for name, value in {**PRODUCTION, **let_pass}.items():
        monkeypatch.setenv(name, value)
    assert read_settings(GatewaySettings).trusted_proxies == ("10.0.0.1", "192.168.0.0/16", "2001:db8::/32")


def test_good_settings_start_and_do_not_show_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    settings = read_settings(GatewaySettings)
    assert STRONG not in repr(settings)
    app = make_app(make_gateway(settings))
    assert (app.docs_url, app.openapi_url) == (None, None)


def test_in_production_there_is_no_page_of_calls_and_browsers_stay_with_https(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    app = make_app(make_gateway(read_settings(GatewaySettings)))

    async def ask() -> dict[str, httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as client:
            return {path: await client.get(path) for path in ("/healthz", "/docs", "/openapi.json")}

    answers = asyncio.run(ask())
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/healthz": 200,
        "/docs": 404,
        "/openapi.json": 404,
    }
    assert answers["/healthz"].headers["Strict-Transport-Security"] == "max-age=31536000"
