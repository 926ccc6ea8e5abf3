"""Hostile payloads and topics for the decoder, seeded: `python -m tests.bench.fuzz_decoder --inputs 1000000`.

Each input is judged by `verdict_on`: the decoder answers, the answer is bounded and safe to store, or an
AssertionError carries the input."""

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator

from rich.progress import track

from shared.contracts.channels import CHANNELS, MAX_PAYLOAD_BYTES
from shared.contracts.decode import DETAIL_MAX, Undecodable, decode_event, decode_status, decode_telemetry
from shared.contracts.events import Help, Remove, Scan, Weight
from shared.contracts.fields import INT64_MAX

CART_ID = 7

_GOOD = (
    '{"v":1,"epoch":7,"seq":142,"at":1790000000123,"type":"scan","code":"4006381333931","quantity":2}',
    '{"v":1,"epoch":7,"seq":143,"type":"scan","code":"9521234567893","weight_g":410,"session":"0f-1"}',
    '{"v":1,"epoch":7,"seq":144,"type":"remove","code":"96385074"}',
    '{"v":1,"epoch":7,"seq":145,"type":"weight","total_g":-3}',
    '{"v":1,"epoch":7,"seq":146,"type":"help","cart_id":7}',
    '{"v":1,"online":true,"epoch":7,"firmware":"1.2.3"}',
    '{"v":1,"location":{"x":1.5,"y":20,"floor":1},"health":{"battery_pct":80,"rssi_dbm":-60,"journal_length":3}}',
)
_FIELDS = re.findall(r'"([a-z_]+)":', "".join(_GOOD))
_VALUES = (
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e2", "1.0", "0.1", "-0", "-0.0", "00", "01", "1_0", "0x1"),
    *("0", "-1", "1", "999", "1000", "1000000", str(INT64_MAX), str(INT64_MAX + 1), str(-INT64_MAX - 2), "9" * 400),
    *("true", "false", "null", "True", "None", "[]", "{}", "[1]", '{"v":1}', "[[[[[[[[]]]]]]]]", '""', '"1"', '"1.0"'),
    *(
        r'"\u0000"',
        r'"\ud800"',
        r'"\udfff\ud800"',
        r'"\u202e"',
        r'"\u001b[31m"',
        '"\u001b[2J"',
        '"a b"',
        '"é"',
        '"\x7f"',
    ),
    *(
        '"' + "a" * 36 + '"',
        '"' + "a" * 65 + '"',
        '"' + "9" * 3000 + '"',
        '"scan"',
        '"SCAN"',
        '"help\\n"',
        '"../../etc"',
    ),
    *("'scan'", '"', "\\", "/*x*/1", "1,", "[" * 300, '{"a":' * 300, "[" * 900 + "]" * 900, "\ufeff1", "\u00a01"),
)
_BYTES = (
    b"\x00",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b'"',
    b"{",
    b"}",
    b"\\u",
    b"\\",
)
_BROKEN_SHARE = 0.15  # small, so that most payloads get past the JSON parser to the rules behind it
_LEVELS = (
    "",
    "+",
    "#",
    "$SYS",
    "a/b",
    "\x00",
    " ",
    "é",
    "а",
    "\ud800",
    "7",
    "main",
    "A",
    "-",
    "a" * 36,
    "a" * 37,
    "..",
)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=int)
    except (ValueError, RecursionError):
        return False
    return True


_JSON_VALUES = tuple(text for text in _VALUES if _is_json(text))


def hostile_payloads(seed: int) -> Iterator[bytes]:
    """Without end; the same seed gives the same payloads."""
    draw = random.Random(seed)
    makers: tuple[Callable[[random.Random], bytes], ...] = (
        _other_value,
        _other_value,
        _other_value,
        _other_bytes,
        _noise,
    )
    while True:
        payload = draw.choice(makers)(draw)
        yield _scratched(draw, payload) if draw.random() < _BROKEN_SHARE else payload


def hostile_topics(seed: int) -> Iterator[str]:
    """Without end; the same seed gives the same topics."""
    draw = random.Random(seed)
    while True:
        levels = draw.choice(CHANNELS).filter.split("/")
        for at in range(len(levels)):
            if levels[at] == "+" or draw.random() < 0.1:
                levels[at] = draw.choice(_LEVELS)
        if draw.random() < 0.1:
            levels.insert(draw.randrange(len(levels) + 1), draw.choice(_LEVELS))
        yield "/".join(levels)


def verdict_on(payload: bytes) -> str:
    """How the decoders answer; raises AssertionError for an answer that breaks a promise."""
    event = decode_event(payload, CART_ID)
    for answer in (event, decode_telemetry(payload), decode_status(payload)):
        if isinstance(answer, Undecodable):
            _check_refusal(answer, payload)
        repr(answer)
    if isinstance(event, Undecodable):
        return event.reason
    _check_event(event, payload)
    return type(event).__name__.lower()


def verdict_on_topic(topic: str) -> str:
    """The name of the one channel that `topic` belongs to, or `none`."""
    matches = [(channel, ids) for channel in CHANNELS if (ids := channel.parse(topic)) is not None]
    assert len(matches) <= 1, topic
    for channel, ids in matches:
        assert channel.topic(**ids) == topic
    return matches[0][0].name if matches else "none"


def _check_refusal(refusal: Undecodable, payload: bytes) -> None:
    assert len(refusal.detail) <= DETAIL_MAX, payload
    assert re.fullmatch(r"[\x20-\x7e]*", refusal.detail), payload
    assert refusal.key is None or all(type(n) is int and 1 <= n <= INT64_MAX for n in refusal.key), payload


def _check_event(event: Scan | Remove | Weight | Help, payload: bytes) -> None:
    numbers: list[object] = [event.v, event.epoch, event.seq]
    match event:
        case Scan():
            numbers += [n for n in (event.quantity, event.weight_g) if n is not None]
        case Remove():
            numbers.append(event.quantity)
        case Weight():
            numbers.append(event.total_g)
        case Help():
            pass
    assert all(type(n) is int and abs(n) <= INT64_MAX for n in numbers), payload
    assert event.epoch >= 1, payload
    assert event.seq >= 1, payload
    if isinstance(event, Scan | Remove):
        assert re.fullmatch(r"(?=.{1,512}\Z)[\x21-\x7e\x1d]+[\r\n\t]*", event.code, re.DOTALL), payload
        assert event.quantity is None or 1 <= event.quantity <= 999, payload
    assert event.session is None or re.fullmatch(r"[a-z0-9-]{1,36}", event.session), payload
    assert len(payload) <= MAX_PAYLOAD_BYTES, payload


def _other_value(draw: random.Random) -> bytes:
    """A good payload in which one to three fields say something else, stand twice, or are new."""
    text = draw.choice(_GOOD)
    for _ in range(draw.randint(1, 3)):
        name, value = draw.choice(_FIELDS), draw.choice(_VALUES if draw.random() < _BROKEN_SHARE else _JSON_VALUES)
        if f'"{name}":' in text and draw.random() < 0.8:
            text = re.sub(rf'("{name}":)("[^"]*"|[^,}}]+)', lambda field, value=value: field[1] + value, text, count=1)  # type: ignore[misc]
        else:
            text = text[:-1] + f',"{name}":{value}}}'
    return text.encode("utf-8", "surrogatepass")


def _other_bytes(draw: random.Random) -> bytes:
    return _scratched(draw, draw.choice(_GOOD).encode())


def _noise(draw: random.Random) -> bytes:
    if draw.random() < 0.5:
        return draw.randbytes(draw.choice((0, 1, 2, 8, 64, MAX_PAYLOAD_BYTES + 1)))
    return "".join(draw.choice((*_VALUES, *'{}[]:,"')) for _ in range(draw.randint(1, 8))).encode(
        "utf-8", "surrogatepass"
    )


def _scratched(draw: random.Random, payload: bytes) -> bytes:
    at, length = draw.randint(0, len(payload)), draw.randint(1, 8)
    match draw.randrange(5):
        case 0:
            return payload[:at] + payload[at + length :]
        case 1:
            return payload[:at] + draw.choice(_BYTES) + payload[at:]
        case 2:
            return payload[:at] + payload[at : at + length] + payload[at:]
        case 3:
            return payload[:at]
        case _:
            return payload[:at] + draw.randbytes(1) + payload[at + 1 :]


def main() -> None:
    """Judge `--inputs` payloads and as many topics, and print how they were answered."""
    parser = argparse.ArgumentParser(description="Fuzz the payload decoder and the topic parser.")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="payloads, and as many topics")
    parser.add_argument("--seed", type=int, default=None, help="replays a run; default: a new one, printed")
    given = parser.parse_args()
    seed = random.randrange(2**32) if given.seed is None else given.seed
    print(f"seed={seed}")
    answers: Counter[str] = Counter()
    topics: Counter[str] = Counter()
    began = time.perf_counter()
    payloads, names = hostile_payloads(seed), hostile_topics(seed)
    for _ in track(range(given.inputs), description="fuzzing"):
        answers[verdict_on(next(payloads))] += 1
        topics[verdict_on_topic(next(names))] += 1
    took_s = time.perf_counter() - began
    for title, counts in (("payloads", answers), ("topics", topics)):
        print(f"{title}: {counts.total()}  " + "  ".join(f"{name}={count}" for name, count in counts.most_common()))
    print(f"inputs={answers.total() + topics.total()} escapes=0 seconds={took_s:.1f}")


if __name__ == "__main__":
    main()
