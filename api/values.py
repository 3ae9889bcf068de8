"""Values on the wire: what a column's value looks like in JSON, and what a JSON value means (contract.md §4)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from entities.registry import Field

INTEGERS = range(-(2**31), 2**31)
WHOLE_DIGITS, FRACTION_DIGITS = 18, 6
_BAD_CHARACTERS = re.compile("[\x00\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class WrongValue(Exception):
    """A JSON value that a field cannot take: the contract's code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def written(value: Any) -> bytes:
    """Return ``value`` as JSON: times as ``YYYY-MM-DDTHH:MM:SSZ``, exact decimals as ``orjson.Fragment``."""
    return orjson.dumps(value, option=_OPTIONS)


_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def number_text(value: Decimal) -> str:
    """Return the exact decimal digits, trailing zeros dropped, no exponent."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _decimal(value: Decimal | None) -> orjson.Fragment | None:
    return None if value is None else orjson.Fragment(number_text(value))


def moment_text(value: datetime | None) -> str | None:
    """Return a time as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return None if value is None else value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def text_or_none(value: str | None) -> str | None:
    """Return a text; there is no empty one on the wire."""
    return value or None


def as_is(value: Any) -> Any:
    """Return a value that ``written`` writes as the contract has it."""
    return value


_WRITERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("num", "money", "pct"), _decimal),
    **dict.fromkeys(("text", "memo", "email", "url", "phone", "sel"), text_or_none),
    "msel": lambda value: list(value) or None if value is not None else None,
}


def to_json(field: Field) -> Callable[[Any], Any]:
    """Return the function that turns a column's value of ``field`` into what ``written`` writes."""
    return _WRITERS.get(field.type, as_is)


def from_json(field: Field, value: Any, *, strict: bool) -> Any:
    """Return the value that ``value`` (parsed JSON, decimals exact) means for ``field``; None for empty.

    ``strict`` = ``Prefer: handling=strict``. Choices and references are judged by the serializer. Raises
    ``WrongValue``.
    """
    if value is None or value == "":
        return False if field.type == "bool" else None
    match field.type:
        case "bool":
            return _boolean(value, strict)
        case "int" | "key" | "ref":
            return _integer(value, strict)
        case "num" | "money" | "pct":
            return _exact(field, value, strict)
        case "dt":
            return parse_moment(value)
        case "msel":
            return _codes(value)
    return _string(field, value)


def _wrong(expected: str) -> WrongValue:
    return WrongValue("WrongType", f"expects {expected}.")


def _boolean(value: Any, strict: bool) -> bool:
    if isinstance(value, bool):
        return value
    if not strict and isinstance(value, str) and value.upper() in ("Y", "N"):
        return value.upper() == "Y"
    raise _wrong("true or false")


def _integer(value: Any, strict: bool) -> int:
    number = _number(value, strict, "a whole number")
    if number != number.to_integral_value():
        raise _wrong("a whole number")
    if int(number) not in INTEGERS:
        raise WrongValue("WrongType", "expects a whole number of 32 bits.")
    return int(number)


def _number(value: Any, strict: bool, expected: str) -> Decimal:
    if isinstance(value, bool):
        raise _wrong(expected)
    if isinstance(value, int | Decimal):
        return Decimal(value) if abs(Decimal(value).adjusted()) < 40 else _too_large()
    if not strict and isinstance(value, str) and len(value) <= 60 and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise _wrong(expected)


def _too_large() -> Decimal:
    raise WrongValue("WrongType", "expects at most 18 digits before and 6 after the point.")


def _exact(field: Field, value: Any, strict: bool) -> Decimal:
    try:
        number = _number(value, strict, "a number")
        whole = (field.digits or 24) - (field.decimals or FRACTION_DIGITS)
        places = field.decimals if field.decimals is not None else FRACTION_DIGITS
        if abs(number) >= Decimal(10) ** min(whole, WHOLE_DIGITS) or number != round(number, places):
            raise WrongValue("WrongType", f"expects at most {whole} digits before and {places} after the point.")
    except InvalidOperation:
        return _too_large()
    return number


def _string(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong("text")
    if _BAD_CHARACTERS.search(value):
        raise WrongValue("WrongType", "holds a character that cannot be stored.")
    if field.type != "sel" and field.max_length is not None and len(value) > field.max_length:
        raise WrongValue("TooLong", f"takes at most {field.max_length} characters.")
    return value


def _codes(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise _wrong("an array of codes")
    return value


def parse_moment(value: Any) -> datetime:
    """Return the instant of an ISO 8601 text; without zone in the contract's time zone; fractions are cut."""
    if not isinstance(value, str) or len(value) > 40:
        raise _wrong("a date and time in ISO 8601")
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        try:
            found = datetime.combine(date.fromisoformat(value.strip()), datetime.min.time())
        except ValueError:
            raise _wrong("a date and time in ISO 8601") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(settings.CONTRACT_TIME_ZONE))
    try:
        return found.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise _wrong("a date and time in ISO 8601") from None
