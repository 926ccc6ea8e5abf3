"""Who hears which topic: filters without wildcards in a dict, the others in a trie, and the answers remembered.

MQTT 3.1.1 section 4.7. A client whose filters overlap hears a message once, at the highest QoS of its
matching filters (section 3.3.5).
"""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

S = TypeVar("S")

REMEMBERED_MAX = 20_000
LEVELS_MAX = 64  # far above our own topics; bounds the depth of the trie


def is_valid_filter(topic_filter: str) -> bool:
    """Section 4.7.1: wildcards stand alone in their level, and `#` is last."""
    levels = topic_filter.split("/")
    if not topic_filter or len(levels) > LEVELS_MAX:
        return False
    return all(
        (level == "#" and position == len(levels) - 1) or level == "+" or ("#" not in level and "+" not in level)
        for position, level in enumerate(levels)
    )


@dataclass(slots=True)
class _Node(Generic[S]):
    children: "dict[str, _Node[S]]" = field(default_factory=dict)
    here: dict[S, int] = field(default_factory=dict)


class Subscriptions(Generic[S]):
    """Filters of all subscribers; `S` is anything hashable that stands for one."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[S, int]] = {}
        self._wild: _Node[S] = _Node()
        self._remembered: dict[str, tuple[tuple[S, int], ...]] = {}

    def add(self, topic_filter: str, subscriber: S, qos: int) -> None:
        """Subscribe, or change the QoS of an existing subscription."""
        self._remembered.clear()
        if not _has_wildcard(topic_filter):
            self._exact.setdefault(topic_filter, {})[subscriber] = qos
            return
        node = self._wild
        for level in topic_filter.split("/"):
            node = node.children.setdefault(level, _Node())
        node.here[subscriber] = qos

    def remove(self, topic_filter: str, subscriber: S) -> None:
        """End a subscription; one that does not exist is no error."""
        self._remembered.clear()
        if not _has_wildcard(topic_filter):
            hearers = self._exact.get(topic_filter)
            if hearers is not None:
                hearers.pop(subscriber, None)
                if not hearers:
                    del self._exact[topic_filter]
            return
        self._prune(self._wild, topic_filter.split("/"), subscriber)

    def hearers(self, topic: str) -> tuple[tuple[S, int], ...]:
        """Everyone who hears `topic`, each once, with the highest QoS granted."""
        known = self._remembered.get(topic)
        if known is not None:
            return known
        found: dict[S, int] = dict(self._exact.get(topic, {}))
        levels = topic.split("/")
        self._collect(self._wild, levels, 0, topic[0] == "$", found)
        if len(self._remembered) >= REMEMBERED_MAX:
            self._remembered.clear()
        answer = self._remembered[topic] = tuple(found.items())
        return answer

    @property
    def is_empty(self) -> bool:
        """Whether nobody subscribes to anything, and nothing is kept for nobody."""
        return not self._exact and not self._wild.children

    def _collect(self, node: _Node[S], levels: list[str], depth: int, dollar: bool, found: dict[S, int]) -> None:
        hidden = dollar and depth == 0  # section 4.7.2: a leading wildcard does not match `$…`
        everything = node.children.get("#")
        if everything is not None and not hidden:
            _merge(everything.here, found)
        if depth == len(levels):
            _merge(node.here, found)
            return
        named = node.children.get(levels[depth])
        if named is not None:
            self._collect(named, levels, depth + 1, dollar, found)
        any_level = node.children.get("+")
        if any_level is not None and not hidden:
            self._collect(any_level, levels, depth + 1, dollar, found)

    def _prune(self, node: _Node[S], levels: list[str], subscriber: S) -> bool:
        """Remove below `node`; True when nothing is left of it."""
        if levels:
            child = node.children.get(levels[0])
            if child is not None and self._prune(child, levels[1:], subscriber):
                del node.children[levels[0]]
        else:
            node.here.pop(subscriber, None)
        return not node.children and not node.here


def _has_wildcard(topic_filter: str) -> bool:
    return "+" in topic_filter or "#" in topic_filter


def _merge(here: dict[S, int], found: dict[S, int]) -> None:
    for subscriber, qos in here.items():
        if qos > found.get(subscriber, -1):
            found[subscriber] = qos
