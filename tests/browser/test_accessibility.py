"""axe finds nothing serious on any screen, light or dark; nothing is cut off on a narrow phone with larger type."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.browser.axe import violations
from tests.browser.chromium import new_context
from tests.browser.shopper_page import ShopperPage
from tests.browser.tour import visit_every_screen
from tests.journeys.carts import Cart
from tests.journeys.stack import Stack

TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1
        && !one.closest('.offers, svg, .unseen')).map((one) => one.outerHTML.slice(0, 120))"""
NARROW: ViewportSize = {"width": 320, "height": 640}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_on_any_screen(browser: Browser, stack: Stack, cart: Cart, dark: bool) -> None:
    found = {}
    with new_context(browser, stack.address.http_url, dark=dark) as context:
        phone = ShopperPage(context.new_page())
        phone.page.emulate_media(reduced_motion="reduce")  # colours are judged at rest
        for screen in visit_every_screen(phone, cart, stack):
            found[screen] = violations(phone.page)
    assert len(found) > 15
    assert {screen: problems for screen, problems in found.items() if problems} == {}


def test_axe_would_see_a_field_without_a_label(phone: ShopperPage) -> None:
    phone.open()
    expect(phone.page.get_by_label("Mobile number")).to_be_visible()
    phone.page.evaluate("document.querySelector('label').remove()")
    assert any(problem.startswith("label") for problem in violations(phone.page))


def test_nothing_is_wider_than_a_narrow_phone_with_larger_type(browser: Browser, stack: Stack, cart: Cart) -> None:
    too_wide = []
    with new_context(browser, stack.address.http_url, viewport=NARROW) as context:
        phone = ShopperPage(context.new_page())
        larger = "document.documentElement.style.fontSize = '20px'"
        for screen in visit_every_screen(phone, cart, stack):
            phone.page.evaluate(larger)
            if culprits := phone.page.evaluate(TOO_WIDE):
                too_wide.append((screen, culprits))
    assert not too_wide, too_wide


def test_the_page_is_used_by_keyboard_alone(phone: ShopperPage) -> None:
    phone.open()
    press: Callable[[str], None] = phone.page.keyboard.press
    press("Tab")
    expect(phone.page.get_by_role("link", name="Skip to content")).to_be_focused()
    press("Enter")
    press("Tab")
    phone.page.keyboard.type("+491709999999")
    press("Enter")
    expect(phone.page.get_by_label("Code from the message")).to_be_focused()
    phone.page.keyboard.type("424242")
    press("Enter")
    expect(phone.title).to_have_text("Take a cart")
