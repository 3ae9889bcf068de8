"""The reference's functions (contract §9.2.8), in plain Python."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.query.reference_values import EXACT, Value, World, as_text, comparable, computed, number, whole

if TYPE_CHECKING:
    from collections.abc import Callable


def function(name: str, arguments: list[Value], world: World) -> Value:
    """A call; the result is empty wherever the arguments make no sense."""
    local = world.now.astimezone(ZoneInfo(world.zone))
    if name == "currentdate":
        return Value("moment", local.replace(hour=0, minute=0, second=0).astimezone(UTC))
    if name == "currenttime":
        return Value("time", local.time())
    if name == "currenttimestamp":
        return Value("moment", world.now)
    if name == "concat":
        joined = "".join("" if value.empty else as_text(value) for value in arguments)
        return Value("text", joined if len(joined) <= 100_000 else None)
    if any(value.empty for value in arguments):
        if name in TEXT_RESULTS:
            return Value("text", None)
        return Value("number" if name in NUMBER_RESULTS else "moment", None)
    if name in TEXT_RESULTS:
        return Value("text", TEXT_RESULTS[name](arguments))
    if name in NUMBER_RESULTS:
        kinds, compute = NUMBER_RESULTS[name]
        if kinds == "number":
            numbers = [number(value) for value in arguments]
            return Value("number", None if None in numbers else computed(compute(*numbers)))
        if kinds == "text":
            return Value("number", Decimal(compute(*(as_text(value) for value in arguments))))
        return Value("number", Decimal(compute(wall_clock(arguments[0], world))))
    moment = comparable(arguments[0], "moment", world).content
    return Value("moment", moved(name, moment, number(arguments[1]), world))


def wall_clock(value: Value, world: World) -> Any:
    """What the clocks of the contract time zone show at an instant."""
    if isinstance(value.content, str) and re.fullmatch(r"\d\d:\d\d(:\d\d)?", value.content):
        return time.fromisoformat(value.content)
    if value.type == "time":
        return value.content
    return comparable(value, "moment", world).content.astimezone(ZoneInfo(world.zone))


def moved(name: str, moment: datetime, count: Decimal | None, world: World) -> datetime | None:
    """``dateAdd`` and its relatives: days of the calendar, or milliseconds."""
    if count is None or not whole(count, -(10**18), 10**18):
        return None
    count = -count if name.endswith("sub") else count
    try:
        if name.startswith("timestamp"):
            return moment + timedelta(milliseconds=int(count))
        moment + timedelta(days=int(count))
        wall = moment.astimezone(ZoneInfo(world.zone)).replace(tzinfo=None)
        wall += timedelta(days=int(count))
        return wall.replace(tzinfo=ZoneInfo(world.zone)).astimezone(UTC)
    except OverflowError:
        return None


def sided(side: Callable[[str, int], str]) -> Callable[[list[Value]], str | None]:
    def compute(arguments: list[Value]) -> str | None:
        count = number(arguments[1])
        if count is None or not whole(count, 0):
            return None
        return side(as_text(arguments[0]), min(int(count), 100_000))

    return compute


def padded(left: bool) -> Callable[[list[Value]], str | None]:
    def compute(arguments: list[Value]) -> str | None:
        text, count = as_text(arguments[0]), number(arguments[1])
        if count is None or not whole(count, 0, 1000):
            return None
        fill = as_text(arguments[2]) if len(arguments) > 2 else " "
        padding = (fill * 1000)[: max(0, int(count) - len(text))]
        return (padding + text if left else text + padding)[: int(count)]

    return compute


def substring(arguments: list[Value]) -> str | None:
    text, start, length = as_text(arguments[0]), number(arguments[1]), number(arguments[2])
    if start is None or length is None or not whole(start, 1) or not whole(length, 0):
        return None
    return text[int(start) - 1 : int(start) - 1 + int(length)]


def replaced(arguments: list[Value]) -> str | None:
    text, old, new = (as_text(value) for value in arguments)
    result = text.replace(old, new)
    return result if len(result) <= 100_000 else None


def character(arguments: list[Value]) -> str | None:
    code = number(arguments[0])
    if code is None or not whole(code, 1, 0x10FFFF) or 0xD800 <= code <= 0xDFFF:
        return None
    return chr(int(code))


def to_decimals(rounding: str) -> Callable[..., Decimal | None]:
    def compute(value: Decimal, decimals: Decimal = Decimal(0)) -> Decimal | None:
        if not whole(decimals, -36, 12):
            return None
        scaled = value.scaleb(int(decimals), EXACT).to_integral_value(rounding)
        return scaled.scaleb(-int(decimals), EXACT)

    return compute


def power(base: Decimal, exponent: Decimal) -> Decimal | None:
    if base == 0:
        return Decimal(exponent == 0) if exponent >= 0 else None
    if abs(exponent) > 1000 or (base < 0 and exponent != int(exponent)):
        return None
    with localcontext(Context(prec=200)):
        result = base**exponent
    if abs(result) >= Decimal(10) ** 36:
        return None
    return result.quantize(Decimal("1e-12"), ROUND_HALF_UP, Context(prec=200))


def offset(moment: datetime) -> int:
    difference = moment.utcoffset()
    assert difference is not None
    return int(difference.total_seconds())


def toward_zero(dividend: int, divisor: int) -> int:
    return abs(dividend) // divisor * (1 if dividend >= 0 else -1)


TEXT_RESULTS: dict[str, Callable[[list[Value]], str | None]] = {
    "left": sided(lambda text, count: text[:count]),
    "right": sided(lambda text, count: text[-count:] if count else ""),
    "substring": substring,
    "lower": lambda arguments: as_text(arguments[0]).lower(),
    "upper": lambda arguments: as_text(arguments[0]).upper(),
    "replace": replaced,
    "lpad": padded(left=True),
    "rpad": padded(left=False),
    "trim": lambda arguments: as_text(arguments[0]).strip(" "),
    "char": character,
}
NUMBER_RESULTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "length": ("text", len),
    "locate": ("text", lambda sought, text: text.find(sought) + 1),
    "ascii": ("text", lambda text: ord(text[0])),
    "abs": ("number", EXACT.abs),
    "sign": ("number", lambda x: Decimal((x > 0) - (x < 0))),
    "round": ("number", to_decimals(ROUND_HALF_UP)),
    "trunc": ("number", to_decimals(ROUND_DOWN)),
    "floor": ("number", lambda x: x.to_integral_value("ROUND_FLOOR")),
    "ceil": ("number", lambda x: x.to_integral_value("ROUND_CEILING")),
    "pow": ("number", power),
    "year": ("moment", lambda moment: moment.year),
    "month": ("moment", lambda moment: moment.month),
    "day": ("moment", lambda moment: moment.day),
    "hour": ("moment", lambda moment: moment.hour),
    "minute": ("moment", lambda moment: moment.minute),
    "second": ("moment", lambda moment: moment.second),
    "millisecond": ("moment", lambda moment: moment.microsecond // 1000),
    "tzhour": ("moment", lambda moment: toward_zero(offset(moment), 3600)),
    "tzminute": (
        "moment",
        lambda moment: toward_zero(offset(moment) - toward_zero(offset(moment), 3600) * 3600, 60),
    ),
}
