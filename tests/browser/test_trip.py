"""A shopper's trip as the page shows it, from the log-in to the receipt."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import NewPhone
from tests.browser.shopper_page import ShopperPage
from tests.journeys.carts import Cart

BANANA, APPLES, MILK = "9521234010012", "9521234010036", "9521234030010"
UNKNOWN = "4006381333931"


def test_a_shopper_logs_in_takes_a_cart_sees_each_scan_pays_and_finds_the_receipt(
    phone: ShopperPage, cart: Cart
) -> None:
    phone.take_live(cart)
    expect(phone.page.get_by_text("Ready when you are")).to_be_visible()
    expect(phone.button("Pay")).to_be_disabled()

    cart.scan(BANANA)
    cart.scan(BANANA)
    cart.scan(APPLES)
    phone.expect_quantity("Banana", 2)
    expect(phone.line("Apples, green, bag")).to_contain_text("€1.99")
    expect(phone.total).to_have_text("€2.49")
    expect(phone.page.get_by_text("3 items · You save €0.50")).to_be_visible()

    phone.pay()
    expect(phone.title).to_have_text(re.compile(r"Receipt \d+"))
    expect(phone.page.get_by_role("main")).to_contain_text("Banana")
    expect(phone.page.get_by_role("main")).to_contain_text("2 × €0.25")
    phone.page.get_by_role("link", name="Back").click()
    expect(phone.title).to_have_text("Take a cart")

    phone.tab("Me").click()
    phone.page.get_by_role("link", name="Past orders").click()
    expect(phone.page.get_by_role("listitem").filter(has_text="Banana, Apples")).to_contain_text("€2.49")


def test_a_scan_without_effect_is_explained_and_the_note_can_be_put_away(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    cart.scan(UNKNOWN)
    note = phone.page.get_by_text(f"Code {UNKNOWN} is not in our catalogue.")
    expect(note).to_be_visible()
    phone.button("Dismiss").click()
    expect(note).to_be_hidden()


def test_quantities_change_from_the_phone_however_fast_it_is_tapped(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    cart.scan(BANANA)
    phone.expect_quantity("Banana", 1)
    for _ in range(4):
        phone.button("One more Banana").click()
    phone.expect_quantity("Banana", 5)
    for _ in range(2):
        phone.button("One less Banana").click()
    phone.expect_quantity("Banana", 3)
    expect(phone.total).to_have_text("€0.75")
    assert cart.wait_for(lambda state: state.total_items == 3)


def test_an_allergy_is_warned_of_at_the_scan_and_before_paying(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    phone.tab("Me").click()
    phone.page.get_by_role("link", name="Profile and allergies").click()
    phone.page.get_by_label("Milk", exact=True).check()
    phone.page.get_by_label("Name", exact=True).fill("Ada")
    phone.button("Save").click()
    expect(phone.toast).to_have_text("Saved.")
    phone.tab("Cart").click()
    cart.scan(MILK)
    expect(phone.line("Whole milk")).to_contain_text("Contains Milk")
    phone.button("Pay").click()
    expect(phone.page.get_by_role("dialog")).to_contain_text("Mind your allergies: Milk")
    phone.button("Keep shopping").click()
    expect(phone.page.get_by_role("dialog")).to_be_hidden()


def test_the_list_is_searched_into_and_ticks_itself(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    phone.tab("List").click()
    expect(phone.page.get_by_text("Your list is empty")).to_be_visible()
    phone.page.get_by_label("Search products").fill("banan")
    phone.button("Put Banana on the list").click()
    phone.put_on_list(["Pears"])
    expect(phone.page.get_by_text("0 of 2 found")).to_be_visible()
    cart.scan(BANANA)
    expect(phone.page.get_by_text("1 of 2 found")).to_be_visible()
    expect(phone.page.locator(".ticked")).to_have_text(re.compile("Banana"))
    phone.button("Take Pears off the list").click()
    expect(phone.page.get_by_text("1 of 1 found")).to_be_visible()


def test_a_recipe_of_the_cart_puts_what_is_missing_on_the_list(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    cart.scan(MILK)
    phone.expect_quantity("Whole milk", 1)
    phone.tab("Recipes").click()
    phone.page.get_by_role("link", name=re.compile("Pancakes")).click()
    expect(phone.title).to_have_text("Pancakes")
    phone.button("Put the rest on my list").click()
    expect(phone.toast).to_have_text("The rest is on your list.")
    phone.tab("List").click()
    expect(phone.page.get_by_text(re.compile(r"0 of [2-9] found"))).to_be_visible()


def test_leaving_a_cart_with_goods_asks_first(phone: ShopperPage, cart: Cart) -> None:
    phone.take_live(cart)
    cart.scan(BANANA)
    phone.expect_quantity("Banana", 1)
    phone.button("Leave this cart").click()
    expect(phone.page.get_by_role("dialog")).to_contain_text("There are unpaid goods in it.")
    phone.button("Cancel").click()
    phone.expect_quantity("Banana", 1)
    phone.button("Leave this cart").click()
    phone.button("Leave without paying").click()
    expect(phone.title).to_have_text("Take a cart")
    cart.wait_until_free()


def test_a_cart_is_taken_by_its_qr_code(new_phone: NewPhone, cart: Cart) -> None:
    phone = new_phone()
    code = cart.wait_until_free().pairing_code
    # Headless Chromium on Linux reads no codes: what a reader would have seen is put in its place.
    phone.page.add_init_script(
        f"window.BarcodeDetector = class {{ async detect() {{ return [{{rawValue:"
        f" 'https://shop.example/app/#take={cart.cart_id}.{code}'}}]; }} }};"
    )
    phone.open()
    phone.log_in()
    phone.button("Scan the cart's QR code").click()
    expect(phone.title).to_have_text(f"Cart {cart.cart_id}")


def test_a_wrong_code_and_a_wrong_number_are_told_at_their_fields(phone: ShopperPage, cart: Cart) -> None:
    phone.open()
    phone.page.get_by_label("Mobile number").fill("12345")
    phone.button("Send me a code").click()
    expect(phone.page.get_by_text("A mobile number has 9 to 17 digits", exact=False)).to_be_visible()
    phone.log_in()
    right = cart.wait_until_free().pairing_code
    assert right is not None
    phone.type_cart(cart.cart_id, "000000" if right != "000000" else "000001")
    phone.button("Take this cart").click()
    expect(phone.page.get_by_text("The cart shows another code.", exact=False)).to_be_visible()
    expect(phone.page.get_by_label("Display code")).to_be_focused()
    phone.type_cart(999_999, right)
    phone.button("Take this cart").click()
    expect(phone.page.get_by_text("There is no cart with this number.")).to_be_visible()
