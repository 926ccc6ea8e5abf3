"""MQTT topics are written in shared/contracts and nowhere else."""

import re

from tests.house.source import modules, modules_in, texts

TOPIC = re.compile(r"smartcart/v\d|stores/[^/ ]+/carts/|carts/[^/ ]+/(events|telemetry|status|state|commands)$")
TOPIC_OF_A_PHONE = re.compile(r"shoppers/[^/ ]+/cart$")


def test_topics_are_written_in_the_contracts_only() -> None:
    wrong = [
        f"{module.path}:{line} {text!r}"
        for module in modules()
        if not module.is_in("shared.contracts")
        for line, text in texts(module)
        if TOPIC.search(text) or TOPIC_OF_A_PHONE.search(text)
    ]
    assert wrong == []


def test_the_rule_would_see_a_topic() -> None:
    assert any(TOPIC.search(text) for module in modules_in("shared.contracts") for _, text in texts(module))
