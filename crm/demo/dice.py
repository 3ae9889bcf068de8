"""Draws that come out the same on every machine, and points in time before one fixed day."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
REFERENCE = datetime(2026, 11, 20, 17, tzinfo=UTC)
DAY = 86_400
NOW = int((REFERENCE - EPOCH).total_seconds())


class Dice:
    """Draws from a seed. Only ``random.Random.random`` is promised to stay the same in every Python release."""

    def __init__(self, seed: str) -> None:
        self.roll = random.Random(seed).random

    def pick(self, items: Sequence[T]) -> T:
        """Return one of ``items``."""
        return items[int(self.roll() * len(items))]

    def chance(self, probability: float) -> bool:
        """Return True in ``probability`` of all cases."""
        return self.roll() < probability

    def between(self, low: int, high: int) -> int:
        """Return an integer from ``low`` to ``high``, both included."""
        return low + int(self.roll() * (high - low + 1))

    def filled(self, pattern: str) -> str:
        """Return ``pattern`` with every ``#`` replaced by a digit and every ``@`` by a letter."""
        return "".join(
            self.pick("0123456789") if sign == "#" else self.pick("ABCDEFGHJKLMNPRSTUWXY") if sign == "@" else sign
            for sign in pattern
        )

    def moment(self, earliest: int = 0, latest: int = NOW) -> int:
        """Return a point in office hours between two moments (seconds after ``EPOCH``), or the later of them."""
        day = self.between(earliest // DAY, latest // DAY)
        return min(max(day * DAY + self.between(8 * 3600, 18 * 3600), earliest), latest)


def weighted(weights: Mapping[T, int]) -> tuple[T, ...]:
    """Return each key as often as its weight says, for ``Dice.pick``."""
    return tuple(item for item, weight in weights.items() for _ in range(weight))


@lru_cache(maxsize=8192)
def _day(number: int) -> str:
    return datetime.fromtimestamp(EPOCH.timestamp() + number * DAY, UTC).date().isoformat()


def written(moment: int | None) -> str | None:
    """Return a moment as PostgreSQL reads it, or None."""
    if moment is None:
        return None
    day, second = divmod(moment, DAY)
    return f"{_day(day)} {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}+00"
