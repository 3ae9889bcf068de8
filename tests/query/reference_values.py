"""The reference's values: typed, and what becomes of them in another type (contract §9.2.4–6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import MAX_PREC, ROUND_DOWN, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

EXACT = Context(prec=60_000, Emax=999_999, Emin=-999_999)
assert EXACT.prec < MAX_PREC
Field = Callable[[tuple[str, ...]], tuple[str, Any]]


@dataclass(frozen=True)
class Value:
    """A value and its type: number, text, boolean, moment, time, codes; ``literal`` if written."""

    type: str
    content: Any
    literal: bool = False

    @property
    def empty(self) -> bool:
        return self.content is None or self.content == "" or self.content == ()


@dataclass(frozen=True)
class World:
    """One row's fields, and the time."""

    field: Field
    now: datetime
    zone: str


def comparable(value: Value, kind: str, world: World) -> Value:
    """One value as ``kind``."""
    content = value.content
    if kind == "text":
        return Value("text", as_text(value).lower())
    if kind == "number":
        return Value("number", Decimal(content))
    if kind == "boolean" and isinstance(content, str):
        return Value("boolean", content.lower() in ("true", "y"))
    if kind == "moment" and isinstance(content, str):
        return Value("moment", as_moment(content, world))
    if kind == "time" and isinstance(content, str):
        return Value("time", time.fromisoformat(content))
    return value


def as_text(value: Value) -> str:
    """Decimal text of numbers, trailing zeros dropped; a number that was written, as written."""
    if isinstance(value.content, str):
        return value.content
    text = f"{value.content:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_moment(text: str, world: World) -> datetime:
    """An instant from ISO 8601."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(world.zone))
    return moment.astimezone(UTC).replace(microsecond=0)


def number(value: Value) -> Decimal | None:
    """A number for arithmetic: at most 36 digits, 12 decimals."""
    return None if value.empty else computed(Decimal(value.content))


def computed(value: Decimal | None) -> Decimal | None:
    """Overflow is empty; decimals beyond twelve are cut."""
    if value is None or value.copy_abs() >= Decimal(10) ** 36:
        return None
    return EXACT.add(value.quantize(Decimal("1e-12"), ROUND_DOWN, EXACT), 0)  # no minus before zero


def whole(value: Decimal, low: int, high: int | None = None) -> bool:
    """Whether an argument is a whole number in range."""
    return value == int(value) and value >= low and (high is None or value <= high)
