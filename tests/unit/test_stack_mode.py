"""`smartcart up` says in one line for whom it runs."""

import pytest

from services.stack.up import mode_line


@pytest.mark.parametrize(
    ("told", "simulated", "said"),
    [
        ({"ENV": "production"}, False, "production: "),
        ({}, False, "development (ENV is not production): no code is sent"),
        ({"FIXED_OTP": "123456"}, False, "development (ENV is not production): every code is FIXED_OTP"),
        ({"SMS_WEBHOOK_URL": "https://sms.example"}, False, "development (ENV is not production): codes go to"),
        ({"FIXED_OTP": "123456"}, True, "for simulated shoppers: "),
    ],
)
def test_the_mode_of_a_stack_is_one_line_without_secrets(told: dict[str, str], simulated: bool, said: str) -> None:
    line = mode_line(told, simulated=simulated)
    assert line.startswith(said)
    assert "\n" not in line
    assert "123456" not in line
