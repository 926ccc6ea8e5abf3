"""How often a client may ask for work: a token bucket that tells how long to wait, and throws nothing away."""

from dataclasses import dataclass


@dataclass(slots=True)
class Allowance:
    """`per_s` requests a second in the long run, `burst` at once."""

    per_s: float
    burst: int
    _left: float
    _at_s: float

    @classmethod
    def full(cls, per_s: float, burst: int, now_s: float) -> "Allowance":
        """A client that has been quiet so far."""
        return cls(per_s, burst, float(burst), now_s)

    def take(self, now_s: float) -> float:
        """Take one and give 0, or take none and give the seconds until there will be one."""
        self._left = min(self.burst, self._left + (now_s - self._at_s) * self.per_s)
        self._at_s = now_s
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self.per_s
