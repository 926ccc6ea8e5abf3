"""Canary: a service's note to itself through the broker."""

from typing import Literal

from shared.contracts.fields import FromBackend


class Canary(FromBackend):
    """`nonce` tells the note of this run from one of an earlier life."""

    v: Literal[1] = 1
    nonce: str
    n: int
