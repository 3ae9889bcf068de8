"""Kinds of value: what a field is to the query language, and what a literal is to a field.

Types only: it must not know which fields exist, nor who asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import ROUND_DOWN, Context, Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from api.query import sql
from api.query.errors import QueryError
from api.query.tree import Literal
from entities.registry import NUMBER_TYPES, TEXT_TYPES, FieldType

if TYPE_CHECKING:
    from django.db.models import Field
    from django.db.models.expressions import Combinable

# Beyond this many digits a computed number is an overflow; decimals beyond this many are cut.
INTEGER_DIGITS, DECIMALS = 36, 12
_WIDE = Context(prec=INTEGER_DIGITS + DECIMALS)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(?::\d\d)?", re.ASCII)
_BOOLEANS = {"true": True, "y": True, "false": False, "n": False}


class Kind(Enum):
    """What a value is in comparisons and function arguments; the values read in messages."""

    NUMBER = "A number"
    TEXT = "A text"
    BOOLEAN = "true or false"
    MOMENT = "A date or time"
    TIME = "A time of day"
    CODES = "A code"


_FIELDS: dict[Kind, Field[Any, Any]] = {
    Kind.NUMBER: sql.NUMBER,
    Kind.TEXT: sql.TEXT,
    Kind.BOOLEAN: sql.BOOLEAN,
    Kind.MOMENT: sql.MOMENT,
    Kind.TIME: sql.TIME,
    Kind.CODES: sql.TEXT,
}


@dataclass(frozen=True, slots=True)
class Operand:
    """What a name resolves to: an expression that yields the field's value, and its type.

    The expression is already gated: through an invisible record it is NULL. Empty is NULL or
    ``''``. ``stored`` is the column behind a gated reference: equal wherever ``expression`` is not
    NULL, so that a comparison may start from its index. ``nullable`` is False only for a column
    that is never NULL, so that a plain index can order it.
    """

    expression: Combinable
    type: FieldType
    nullable: bool = True
    stored: Combinable | None = None

    @property
    def kind(self) -> Kind:
        """The kind of value it holds."""
        if self.type in TEXT_TYPES:
            return Kind.TEXT
        if self.type in NUMBER_TYPES:
            return Kind.NUMBER
        return {"bool": Kind.BOOLEAN, "dt": Kind.MOMENT, "msel": Kind.CODES}[self.type]


class Resolver(Protocol):
    """The access layer's answer to a name.

    Raises ``QueryError`` ``UnknownName`` for a field that does not exist *or* is not readable.
    """

    def __call__(self, names: tuple[str, ...], position: int) -> Operand: ...


@dataclass(frozen=True, slots=True)
class Clock:
    """The instant of the request and the contract time zone (an IANA name)."""

    now: datetime
    zone: str

    @classmethod
    def current(cls) -> Clock:
        """Now, whole seconds, in the configured zone (``CONTRACT_TIME_ZONE``)."""
        return cls(timezone.now().replace(microsecond=0), settings.CONTRACT_TIME_ZONE)

    @property
    def local(self) -> datetime:
        """Now, as the wall clocks of the contract time zone show it."""
        return self.now.astimezone(ZoneInfo(self.zone))


@dataclass(frozen=True, slots=True)
class Term:
    """A typed value with its place in the client's text."""

    expression: Combinable
    kind: Kind
    position: int
    stored: Combinable | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What the compiler needs to know besides the tree."""

    resolve: Resolver
    clock: Clock
    path: str | None

    def mismatch(self, expected: str, position: int) -> QueryError:
        """The error for a value of the wrong type."""
        message = f"{expected} is expected, at character {position}."
        return QueryError("TypeMismatch", message, self.path, position)


def field_of(kind: Kind) -> Field[Any, Any]:
    """The Django field of expressions of this kind."""
    return _FIELDS[kind]


def is_empty(item: Literal | Term) -> bool:
    """Whether it is the empty value, written as such (contract §9.2.1)."""
    return isinstance(item, Literal) and item.kind in ("null", "string") and not item.text


def is_time(literal: Literal) -> bool:
    """Whether it is written like a time of day."""
    return literal.kind == "string" and _TIME.fullmatch(literal.text) is not None


def constant(literal: Literal, kind: Kind, scope: Scope) -> str | bool | int | Decimal | datetime | time:
    """The value of a literal that is not empty, where ``kind`` is expected (contract §9.2.4–6).

    Raises ``QueryError`` ``TypeMismatch``.
    """
    value: str | bool | int | Decimal | datetime | time | None = None
    match kind:
        case Kind.TEXT | Kind.CODES if literal.kind in ("string", "number"):
            value = literal.text
        case Kind.NUMBER if literal.kind in ("string", "number"):
            value = _number(literal.text)
        case Kind.BOOLEAN if literal.kind in ("string", "boolean"):
            value = _BOOLEANS.get(literal.text.lower())
        case Kind.MOMENT if literal.kind in ("string", "date"):
            value = _moment(literal.text, scope.clock)
        case Kind.TIME if is_time(literal):
            value = _time(literal.text)
    if value is None:
        raise scope.mismatch(kind.value, literal.position)
    return value


def bounded(number: int | Decimal) -> Decimal | None:
    """A number literal as arithmetic takes it: ``None`` is an overflow, far decimals are cut."""
    value = Decimal(number)
    if value.adjusted() >= INTEGER_DIGITS:
        return None
    return value.quantize(Decimal(1).scaleb(-DECIMALS), ROUND_DOWN, _WIDE)


def _number(text: str) -> int | Decimal | None:
    """Exactly the number; a whole one of 32 bits as ``int``, so that integer indexes serve it."""
    if not _NUMBER.fullmatch(text):
        return None
    value = Decimal(text)
    if value.adjusted() < 10 and value == value.to_integral_value() and -(2**31) <= value < 2**31:
        return int(value)
    return value


def _moment(text: str, clock: Clock) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(clock.zone))
        return moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text)
    except ValueError:
        return None
