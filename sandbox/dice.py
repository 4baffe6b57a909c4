"""Repeatable randomness: the same key always gives the same throws, in any process and any Python version."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A stream of throws that depends on its key alone.

    It is an order of magnitude cheaper to start than `random.Random`. This matters because every generated asset
    has its own stream, so that it can be made without making the others.
    """

    __slots__ = ("_bits", "_key")

    def __init__(self, *key: object) -> None:
        self._key = repr(key).encode()
        self._bits = 1
        self._refill()

    def _refill(self) -> None:
        self._key = blake2b(self._key).digest()
        self._bits = int.from_bytes(self._key)

    def throw(self, sides: int) -> int:
        """Return a number from 0 up to but not including `sides`."""
        # With too few of the 512 bits left, throws would be biased.
        if self._bits < sides << 16:
            self._refill()
        self._bits, value = divmod(self._bits, sides)
        return value

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.throw(len(choices))]

    def chance(self, share: float) -> bool:
        """Return True for this share of throws (0.0 to 1.0)."""
        return self.throw(1_000_000) < share * 1_000_000
