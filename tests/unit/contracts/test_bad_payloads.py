"""Table M of docs/reliability.md, the rows that a payload decides alone: each gets its reason, none an exception."""

import json
import sys
from typing import Any

import pytest

from shared.contracts.channels import MAX_PAYLOAD_BYTES
from shared.contracts.decode import DETAIL_MAX, Undecodable, Unreadable, decode_event, decode_status, decode_telemetry
from shared.contracts.events import Help, Remove, Scan, Weight
from shared.contracts.status import CartStatus
from shared.contracts.telemetry import CartTelemetry, Health, Location

CART_ID = 7
HERE = Location(x=1, y=2)
WELL = CartTelemetry(health=Health(battery_pct=80))
SILENT = CartTelemetry(health=Health())
SCAN = {"v": 1, "epoch": 7, "seq": 142, "type": "scan", "code": "4006381333931"}


def payload(**fields: object) -> bytes:
    """A good scan in which these fields say something else."""
    return json.dumps(SCAN | fields).encode()


def with_text(name: str, text: str) -> bytes:
    """A good scan in which the field's value is this JSON text, as it stands."""
    return (json.dumps({k: v for k, v in SCAN.items() if k != name})[:-1] + f', "{name}": {text}}}').encode()


def refusal(raw: bytes) -> Undecodable:
    answer = decode_event(raw, CART_ID)
    assert isinstance(answer, Undecodable)
    assert len(answer.detail) <= DETAIL_MAX
    assert answer.detail.isascii()
    assert answer.detail.isprintable()
    return answer


def test_a_good_payload_of_each_type_is_read() -> None:
    numbered = {"v": 1, "epoch": 7, "seq": 142, "at": 1790000000123, "session": "0f-1"}
    expected: dict[str, Any] = {"epoch": 7, "seq": 142, "at": 1790000000123, "session": "0f-1"}
    for fields, event in (
        ({"type": "scan", "code": "4006381333931"}, Scan(**expected, code="4006381333931")),
        (
            {"type": "scan", "code": "A-1", "quantity": 999, "weight_g": 0},
            Scan(**expected, code="A-1", quantity=999, weight_g=0),
        ),
        ({"type": "remove", "code": "96385074"}, Remove(**expected, code="96385074", quantity=1)),
        ({"type": "weight", "total_g": -3}, Weight(**expected, total_g=-3)),
        ({"type": "help"}, Help(**expected)),
    ):
        assert decode_event(json.dumps(numbered | fields).encode(), CART_ID) == event


def test_m1_an_empty_payload_is_empty() -> None:
    assert refusal(b"").reason is Unreadable.EMPTY


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe",
        payload().decode().encode("utf-16"),
        payload() + b"\xc3",
        b"\xef\xbb\xbf" + payload(),
        payload() + b"x",
        payload() + b"\x00",
        payload() + payload(),
        payload()[:-1],
        payload()[: len(payload()) // 2],
        b"not json",
        b" ",
        b"{",
        b"{'v': 1}",
        b'{"v": 1,}',
        b'{"v": 01}',
        b"/* hello */ {}",
    ],
)
def test_m2_what_is_not_one_json_text_in_utf8_is_not_decoded(raw: bytes) -> None:
    assert refusal(raw) == Undecodable(Unreadable.DECODE, refusal(raw).detail, key=None)


@pytest.mark.parametrize("raw", [b"1", b"-1.5", b"true", b"null", b'"scan"', b"[]", b"[" + payload() + b"]"])
def test_m3_json_that_is_no_object_has_the_wrong_shape(raw: bytes) -> None:
    assert refusal(raw).reason is Unreadable.SHAPE


@pytest.mark.parametrize("code", [b"caf\xe9", b"\xff", b"\xed\xa0\x80", b"12\xc3", b"\x00", b"a\x1b[31m"])
def test_m2_a_code_of_bytes_that_are_no_text_keeps_the_number(code: bytes) -> None:
    """What a scanner in Latin-1 reads, printed into the JSON as it came."""
    answer = refusal(payload().replace(b"4006381333931", code))
    assert (answer.reason, answer.key) == (Unreadable.DECODE, (7, 142))


NOT_FINITE = ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"]
TOO_LONG = ["9" * 3900, str(2**63), str(-(2**63) - 1), "1" + "0" * 20]
UNKNOWN = "a_field_we_do_not_know"


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize(("field", "key"), [("quantity", (7, 142)), ("v", (7, 142)), ("seq", None), ("epoch", None)])
def test_m4_numbers_that_are_not_finite_are_not_decoded(field: str, key: object, number: str) -> None:
    answer = refusal(with_text(field, number))
    assert (answer.reason, answer.key) == (Unreadable.DECODE, key)


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (payload()[:-1] + b', "seq": 143}', None),
        (payload()[:-1] + b', "seq": 142.5, "seq": 142}', None),
        (payload()[:-1] + b', "\\u0073eq": 142}', (7, 142)),
        (payload()[:-1] + b', "seq": 142, "seq": 142, "epoch": 7}', (7, 142)),
        (payload()[:-1] + b', "code": "96385074"}', (7, 142)),
        (payload(quantity=1)[:-1] + b', "quantity": 1}', (7, 142)),
        (payload()[:-1] + b', "type": "remove"}', (7, 142)),
    ],
)
def test_m5_a_key_that_stands_twice_is_not_decoded_and_the_number_stays_where_it_is_plain(
    raw: bytes, key: object
) -> None:
    assert refusal(raw) == Undecodable(Unreadable.DECODE, "duplicate key", key)


@pytest.mark.parametrize(
    "text",
    [
        *("true", '"350 g"', "[1]", '{"n": 1}', "1.5", "-1", "1000001", "1e300", *NOT_FINITE, *TOO_LONG),
        *('"' + "a" * 99 + '"', r'"\u0000"', r'"\ud800"', '"Ä"', '"\t"', '1, "{field}": 2', '"a", "{field}": "a"'),
    ],
)
@pytest.mark.parametrize("field", ["weight_g", "session", "at", UNKNOWN])
def test_an_event_is_read_without_what_it_can_do_without(field: str, text: str) -> None:
    answer = decode_event(with_text(field, text.replace("{field}", field)), CART_ID)
    assert isinstance(answer, Scan), answer
    good = decode_event(payload(), CART_ID)
    assert answer.model_copy(update={"at": None}) == good
    assert field != "at" or isinstance(answer.at, str | int | float | list | dict | None)


@pytest.mark.parametrize(("text", "weight_g"), [("350.0", 350), ("3.5e2", 350), ("-0", 0), ("-0.0", 0), ("0", 0)])
def test_a_whole_number_may_be_written_with_decimals(text: str, weight_g: int) -> None:
    """What a firmware prints that keeps all its numbers as floating point ones."""
    answer = decode_event(with_text("weight_g", text), CART_ID)
    assert isinstance(answer, Scan)
    assert answer.weight_g == weight_g


def test_each_number_of_an_event_may_be_written_with_decimals() -> None:
    raw = b'{"v":1.0,"epoch":7.0,"seq":142.0,"cart_id":7.0,"type":"scan","code":"4006381333931","quantity":2.0}'
    assert decode_event(raw, CART_ID) == Scan(epoch=7, seq=142, code="4006381333931", quantity=2)
    assert refusal(raw.replace(b"142.0", b"142.5")).key is None
    assert refusal(raw.replace(b"142.0", b"1e17")).key is None, "no double tells it from its neighbours"
    assert refusal(raw.replace(b"2.0}", b"2.5}")).key == (7, 142)


def test_m6_a_hundred_thousand_brackets_are_oversize_before_anything_is_parsed() -> None:
    assert refusal(b"[" * 100_000).reason is Unreadable.OVERSIZE
    assert refusal(b'{"at":' * 100_000).reason is Unreadable.OVERSIZE


@pytest.mark.parametrize("raw", [b"[" * MAX_PAYLOAD_BYTES, b'{"a":' * 800])
def test_m6_brackets_that_nobody_closes_are_not_decoded(raw: bytes) -> None:
    assert refusal(raw).reason is Unreadable.DECODE


@pytest.mark.parametrize("depth", [900, 1500, 2000])
@pytest.mark.parametrize("field", ["cart_id", "type", "code", "epoch"])
def test_m6_deep_nesting_is_refused_whatever_field_holds_it(field: str, depth: int) -> None:
    answer = refusal(with_text(field, "[" * depth + "]" * depth))
    assert answer.reason in (Unreadable.DECODE, Unreadable.FIELD, Unreadable.WRONG_CART)
    assert depth < sys.getrecursionlimit() or sys.version_info >= (3, 12) or answer.detail == "nested too deeply"


def test_m6_the_limit_is_the_last_size_that_is_read() -> None:
    padding = MAX_PAYLOAD_BYTES - len(payload())
    assert isinstance(decode_event(payload() + b" " * padding, CART_ID), Scan)
    assert refusal(payload() + b" " * (padding + 1)) == Undecodable(Unreadable.OVERSIZE, "4097 bytes, at most 4096")


def test_m7_an_integer_of_five_thousand_digits_is_oversize() -> None:
    assert refusal(with_text("seq", "9" * 5000)).reason is Unreadable.OVERSIZE


@pytest.mark.parametrize("number", TOO_LONG)
@pytest.mark.parametrize(
    ("field", "key"), [("seq", None), ("epoch", None), ("quantity", (7, 142)), ("cart_id", (7, 142))]
)
def test_m7_integers_beyond_64_bits_are_not_decoded(field: str, key: object, number: str) -> None:
    assert refusal(with_text(field, number)) == Undecodable(Unreadable.DECODE, "integer out of range", key)


@pytest.mark.parametrize("value", ["true", "1.5", '"1"', "[1]", '{"n": 1}'])
@pytest.mark.parametrize("field", ["v", "epoch", "seq", "quantity"])
def test_m8_an_integer_is_an_integer_and_nothing_that_looks_like_one(field: str, value: str) -> None:
    assert refusal(with_text(field, value)).reason is Unreadable.FIELD


@pytest.mark.parametrize("field", ["v", "epoch", "seq", "quantity"])
def test_m8_a_negative_zero_is_not_decoded(field: str) -> None:
    assert refusal(with_text(field, "-0")).reason is Unreadable.DECODE


@pytest.mark.parametrize("text", [r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udfff\ud800"', r'"a\udc00"'])
@pytest.mark.parametrize("field", ["code", "type"])
def test_m9_nul_and_lone_surrogates_are_refused_and_do_not_reach_the_detail(field: str, text: str) -> None:
    assert refusal(with_text(field, text)).reason is Unreadable.FIELD


@pytest.mark.parametrize("text", [r'"\u0000"', r'"\ud800"'])
def test_m9_in_a_field_that_we_do_not_know_they_are_ignored_with_it(text: str) -> None:
    assert decode_event(with_text("a_field_we_do_not_know", text), CART_ID) == decode_event(payload(), CART_ID)


@pytest.mark.parametrize("quantity", [0, -1, 1000, 2**63 - 1])
@pytest.mark.parametrize("type_", ["scan", "remove"])
def test_m10_a_quantity_is_between_one_and_999(type_: str, quantity: int) -> None:
    assert refusal(payload(type=type_, quantity=quantity)) == Undecodable(
        Unreadable.FIELD,
        f"{type_}.quantity: Input should be {'less' if quantity > 1 else 'greater'} than or equal to "
        f"{999 if quantity > 1 else 1}",
        key=(7, 142),
    )


@pytest.mark.parametrize(
    "code",
    ["", "a" * 513, "a b", "a\nb", "\n", "a\x1b[31m", "\u202e123", "１２３", "123\u200b", "\x7f", "é"],
)
def test_m10_a_code_is_short_printable_ascii(code: str) -> None:
    assert refusal(payload(code=code)).reason is Unreadable.FIELD


def test_m10_a_code_of_a_megabyte_is_oversize() -> None:
    assert refusal(payload(code="9" * 1_000_000)).reason is Unreadable.OVERSIZE


@pytest.mark.parametrize("total_g", [-1_000_001, 1_000_001])
def test_m10_a_weight_is_one_that_a_scale_could_read(total_g: int) -> None:
    assert refusal(payload(type="weight", total_g=total_g)).reason is Unreadable.FIELD


@pytest.mark.parametrize("claimed", [8, -7, 0, "7", 7.5, True, None, [7], {"id": 7}])
def test_m12_a_payload_that_names_another_cart_is_refused_and_keeps_its_number(claimed: object) -> None:
    answer = refusal(payload(cart_id=claimed))
    assert (answer.reason, answer.key) == (Unreadable.WRONG_CART, (7, 142))


def test_m12_a_payload_may_name_the_cart_of_its_topic() -> None:
    assert isinstance(decode_event(payload(cart_id=7), CART_ID), Scan)


@pytest.mark.parametrize("seq", [1, 2**31, 2**63 - 1])
def test_m18_a_number_of_64_bits_is_read_and_left_to_the_frontier(seq: int) -> None:
    assert decode_event(payload(seq=seq, epoch=seq), CART_ID) == Scan(epoch=seq, seq=seq, code="4006381333931")


@pytest.mark.parametrize("number", [0, -1, -(2**63)])
@pytest.mark.parametrize("field", ["epoch", "seq"])
def test_m18_a_number_below_one_is_refused_and_is_no_key(field: str, number: int) -> None:
    answer = refusal(payload(**{field: number}))
    assert (answer.reason, answer.key) == (Unreadable.FIELD, None)


@pytest.mark.parametrize(
    "at",
    [
        None,
        0,
        -1,
        4_291_747_200_000,
        253_402_300_800_000,
        2**63 - 1,
        -(2**63),
        1.5,
        1e300,
        "1790000000123",
        "noon",
        "\x00",
        "\ud800",
        True,
        [],
        {"a": [1]},
    ],
)
def test_m19_whatever_the_clock_says_the_event_is_read(at: object) -> None:
    answer = decode_event(payload(at=at), CART_ID)
    assert isinstance(answer, Scan)
    assert (answer.epoch, answer.seq, answer.code) == (7, 142, "4006381333931")
    assert answer.at == at


def test_m19_an_event_without_a_time_is_read() -> None:
    assert decode_event(payload(), CART_ID) == Scan(epoch=7, seq=142, code="4006381333931", at=None)


@pytest.mark.parametrize(
    "type_", ["", "SCAN", "scan ", "delete", "\x00", "\x1b[2J", "\u202e", None, True, 1, [], {}, ["scan"]]
)
def test_a_type_that_we_do_not_know_is_refused_and_keeps_its_number(type_: object) -> None:
    answer = refusal(payload(type=type_))
    assert (answer.reason, answer.key) == (Unreadable.FIELD, (7, 142))


@pytest.mark.parametrize("field", ["epoch", "seq", "type", "code"])
def test_a_field_that_an_event_needs_is_missed_by_name(field: str) -> None:
    answer = refusal(json.dumps({name: value for name, value in SCAN.items() if name != field}).encode())
    assert answer.reason is Unreadable.FIELD
    assert field in answer.detail
    assert answer.key == (None if field in ("epoch", "seq") else (7, 142))


@pytest.mark.parametrize("v", [0, 2, None])
def test_another_version_of_the_contract_is_refused_and_keeps_its_number(v: object) -> None:
    answer = refusal(payload(v=v))
    assert (answer.reason, answer.key) == (Unreadable.FIELD, (7, 142))


@pytest.mark.parametrize("value", ["true", '"1.5"', "null", "[1]", "10001", "-10001"])
def test_m8_a_place_is_a_number_within_the_plan(value: str) -> None:
    answer = decode_telemetry(b'{"location": {"x": 1, "y": ' + value.encode() + b"}}")
    assert isinstance(answer, Undecodable)
    assert answer.reason is Unreadable.FIELD


def test_a_place_may_be_written_with_or_without_a_fraction() -> None:
    whole, fraction = (
        decode_telemetry(b'{"location":{"x":1,"y":2}}'),
        decode_telemetry(b'{"location":{"x":1.0,"y":2.0}}'),
    )
    assert not isinstance(whole, Undecodable)
    assert whole == fraction


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (b'{"location":{"x":1,"y":2,"floor":null},"health":{}}', CartTelemetry(location=HERE, health=Health())),
        (b'{"location":{"x":1,"y":2,"floor":0.0}}', CartTelemetry(location=HERE)),
        (b'{"location":{"x":1,"y":2},"health":{"battery_pct":101}}', CartTelemetry(location=HERE, health=Health())),
        (b'{"location":{"x":1,"y":2},"health":"well"}', CartTelemetry(location=HERE)),
        (b'{"location":{"x":NaN,"y":2,"floor":"1"},"health":{"battery_pct":80.0,"rssi_dbm":"-60"}}', WELL),
        (b'{"location":{"x":1e9,"y":"?"},"health":{"battery_pct":80,"battery_pct":80,"rssi_dbm":31}}', SILENT),
        (b'{"location":[1,2],"health":{"battery_pct":80,"journal_length":-1}}', WELL),
        (b'{"location":null,"health":{"battery_pct":80,"said":NaN}}', WELL),
    ],
)
def test_one_bad_part_of_telemetry_does_not_cost_the_others(raw: bytes, read: CartTelemetry) -> None:
    assert decode_telemetry(raw) == read


@pytest.mark.parametrize("raw", [b"{}", b'{"v":1}', b'{"v":1,"location":null,"health":null}'])
def test_telemetry_that_says_nothing_is_refused(raw: bytes) -> None:
    answer = decode_telemetry(raw)
    assert isinstance(answer, Undecodable)
    assert answer.reason is Unreadable.FIELD


@pytest.mark.parametrize(
    "raw",
    [
        b'{"online":1}',
        b'{"online":"true"}',
        b"{}",
        b'{"online":true,"online":false}',
    ],
)
def test_m8_a_status_says_plainly_whether_the_cart_is_online(raw: bytes) -> None:
    answer = decode_status(raw)
    assert isinstance(answer, Undecodable)
    assert answer.reason in (Unreadable.FIELD, Unreadable.DECODE)


@pytest.mark.parametrize(
    "text",
    [
        *('"epoch":0', '"epoch":"7"', '"epoch":null', '"epoch":NaN', '"epoch":7,"epoch":8', '"firmware":"\\u001b[2J"'),
        *('"firmware":"' + "1" * 33 + '"', '"firmware":2', '"firmware":"1.0\xe9"', '"since":1e999'),
    ],
)
def test_a_cart_is_online_whatever_else_its_birth_says(text: str) -> None:
    assert decode_status(f'{{"online":true,{text}}}'.encode("latin-1")) == CartStatus(online=True)
