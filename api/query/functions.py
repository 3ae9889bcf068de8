"""The functions and arithmetic of conditions (contract §9.2.8): a fixed table, name → SQL.

An empty argument gives an empty result (``concat`` apart), and so does whatever PostgreSQL would
refuse: each body guards itself, because an error would be the client's to cause. Arguments that a
body names more than once are computed in a sub-query of their own: written out twice they would
double at every level of nesting, and ``OFFSET 0`` keeps the planner from writing them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.query.sql import Sql
from api.query.tree import Literal
from api.query.values import DECIMALS, INTEGER_DIGITS, Kind, field_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models.expressions import Combinable

TEXT_LENGTH = 100_000  # the longest field; a longer result is an overflow
PAD_LENGTH = 1_000
ARGUMENTS = 100  # PostgreSQL takes no more

_N, _T, _M, _C = Kind.NUMBER, Kind.TEXT, Kind.MOMENT, Kind.TIME
_FAR = 1_000_000_000  # any text ends before; keeps positions within 32 bits
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # years 1 to 9999, in seconds from 1970


@dataclass(frozen=True, slots=True)
class Function:
    """What a function takes and gives, and its SQL.

    A body with ``{}`` takes its arguments in order, once each; any other calls them ``a1``, ``a2``,
    …. ``zoned`` appends the contract time zone to the arguments, ``checked`` bounds the result.
    """

    takes: tuple[Kind, ...]
    gives: Kind
    body: str
    defaults: tuple[Literal, ...] = ()
    zoned: bool = False
    checked: bool = False
    variadic: bool = False

    @property
    def arity(self) -> tuple[int, int]:
        """The least and the greatest number of arguments."""
        most = ARGUMENTS if self.variadic else len(self.takes)
        return len(self.takes) - len(self.defaults), most


def _whole(argument: str, low: str, high: str) -> str:
    return f"{argument} = trunc({argument}) AND {argument} BETWEEN {low} AND {high}"


def _part(field: str) -> Function:
    return Function((_M,), _N, f"extract({field} FROM {{}} AT TIME ZONE {{}})::numeric", zoned=True)


def _clock_part(body: str) -> Function:
    return Function((_C,), _N, body)


def _sided(name: str) -> Function:
    guard = _whole("a2", "0", "1e36")
    return Function((_T, _N), _T, f"CASE WHEN {guard} THEN {name}(a1, LEAST(a2, {_FAR})::int) END")


def _padded(name: str) -> Function:
    guard = _whole("a2", "0", str(PAD_LENGTH))
    body = f"CASE WHEN {guard} THEN {name}(a1, a2::int, a3) END"
    return Function((_T, _N, _T), _T, body, defaults=(Literal("string", " ", 0),))


def _to_decimals(name: str) -> Function:
    guard = _whole("a2", f"-{INTEGER_DIGITS}", str(DECIMALS))
    body = f"CASE WHEN {guard} THEN {name}(a1, a2::int) END"
    return Function((_N, _N), _N, body, defaults=(Literal("number", "0", 0),), checked=True)


def _days(sign: str) -> Function:
    # Days of the calendar: the wall clock of the contract time zone stays.
    inside = f"extract(epoch FROM a1) {sign} a2 * 86400 BETWEEN {_FIRST} AND {_LAST}"
    moved = f"((a1 AT TIME ZONE a3) {sign} a2::int * interval '1 day') AT TIME ZONE a3"
    body = f"CASE WHEN {_whole('a2', '-4e6', '4e6')} AND {inside} THEN {moved} END"
    return Function((_M, _N), _M, body, zoned=True)


def _milliseconds(sign: str) -> Function:
    # Whole days apart, because an interval times a number is computed in binary floating point.
    inside = f"extract(epoch FROM a1) {sign} a2 / 1000 BETWEEN {_FIRST} AND {_LAST}"
    days = f"{sign} div(a2, 86400000)::int * interval '1 day'"
    rest = f"{sign} mod(a2, 86400000)::int * interval '1 millisecond'"
    moved = f"((a1 AT TIME ZONE 'UTC') {days} {rest}) AT TIME ZONE 'UTC'"
    body = f"CASE WHEN {_whole('a2', '-4e14', '4e14')} THEN CASE WHEN {inside} THEN {moved} END END"
    return Function((_M, _N), _M, body)


_OFFSET = "extract(epoch FROM (a1 AT TIME ZONE a2) - (a1 AT TIME ZONE 'UTC'))::numeric"

_POW = """CASE
    WHEN a1 = 0 THEN CASE WHEN a2 > 0 THEN 0 WHEN a2 = 0 THEN 1 END
    WHEN abs(a2) > 1000 OR (a1 < 0 AND a2 <> trunc(a2)) THEN NULL
    WHEN a2 * log(abs(a1)) > 37 THEN NULL
    WHEN a2 * log(abs(a1)) < -14 THEN 0
    ELSE round(power(a1, a2), 12)
END"""

_REPLACE = f"""CASE WHEN length(a1)
    + (length(a1) - length(replace(a1, a2, '')))::bigint / length(a2) * (length(a3) - length(a2))
    <= {TEXT_LENGTH} THEN replace(a1, a2, a3) END"""

_SUBSTRING = f"""CASE WHEN {_whole("a2", "1", "1e36")} AND {_whole("a3", "0", "1e36")}
    THEN substr(a1, LEAST(a2, {_FAR})::int, LEAST(a3, {_FAR})::int) END"""

_CHAR = f"""CASE WHEN {_whole("a1", "1", "1114111")} AND NOT a1 BETWEEN 55296 AND 57343
    THEN chr(a1::int) END"""

# Names in lower case: function names, like all names, ignore case.
FUNCTIONS: dict[str, Function] = {
    "concat": Function((_T,), _T, "", checked=True, variadic=True),
    "left": _sided("left"),
    "right": _sided("right"),
    "substring": Function((_T, _N, _N), _T, _SUBSTRING),
    "lower": Function((_T,), _T, "lower({})"),
    "upper": Function((_T,), _T, "upper({})"),
    "replace": Function((_T, _T, _T), _T, _REPLACE),
    "length": Function((_T,), _N, "length({})::numeric"),
    "locate": Function((_T, _T), _N, "position(({}) IN ({}))::numeric"),
    "lpad": _padded("lpad"),
    "rpad": _padded("rpad"),
    "trim": Function((_T,), _T, "btrim({})"),
    "ascii": Function((_T,), _N, "ascii({})::numeric"),
    "char": Function((_N,), _T, _CHAR),
    "abs": Function((_N,), _N, "abs({})"),
    "sign": Function((_N,), _N, "sign({})"),
    "round": _to_decimals("round"),
    "trunc": _to_decimals("trunc"),
    "floor": Function((_N,), _N, "floor({})"),
    "ceil": Function((_N,), _N, "ceil({})"),
    "pow": Function((_N, _N), _N, _POW, checked=True),
    "year": _part("year"),
    "month": _part("month"),
    "day": _part("day"),
    "hour": _clock_part("extract(hour FROM {})::numeric"),
    "minute": _clock_part("extract(minute FROM {})::numeric"),
    "second": _clock_part("floor(extract(second FROM {})::numeric)"),
    "millisecond": _clock_part("mod(floor(extract(milliseconds FROM {})::numeric), 1000)"),
    "tzhour": Function((_M,), _N, f"trunc({_OFFSET} / 3600)", zoned=True),
    "tzminute": Function((_M,), _N, f"trunc(mod({_OFFSET}, 3600) / 60)", zoned=True),
    "dateadd": _days("+"),
    "datesub": _days("-"),
    "timestampadd": _milliseconds("+"),
    "timestampsub": _milliseconds("-"),
}
# The three that take nothing are constants of the request: see ``expressions``.
CLOCK_FUNCTIONS = {"currentdate": _M, "currenttime": _C, "currenttimestamp": _M}

OPERATIONS: dict[str, Function] = {
    "+": Function((_N, _N), _N, "{} + {}", checked=True),
    "-": Function((_N, _N), _N, "{} - {}", checked=True),
    "mul": Function((_N, _N), _N, "{} * {}", checked=True),
    # A whole-number division of shifted digits: exact, where "/" would round to a scale of its own.
    "div": Function((_N, _N), _N, "div(({}) * 1000000000000, NULLIF({}, 0)) * 0.000000000001", checked=True),
    "mod": Function((_N, _N), _N, "mod({}, NULLIF({}, 0))", checked=True),
}
NEGATION = Function((_N,), _N, "(- {})")

_BOUNDS = {
    _N: f"CASE WHEN abs(r) < 1e{INTEGER_DIGITS} THEN trunc(r, {DECIMALS}) END",
    _T: f"CASE WHEN length(r) <= {TEXT_LENGTH} THEN r END",
}


def call(function: Function, arguments: Sequence[Combinable]) -> Sql:
    """The SQL of a call. ``arguments`` are complete, of the right kinds, and NULL where empty."""
    body = "concat(" + ", ".join(["{}"] * len(arguments)) + ")" if function.variadic else function.body
    if "{}" not in body:
        named = ", ".join(f"{{}} AS a{number}" for number in range(1, len(arguments) + 1))
        body = f"(SELECT {body} FROM (SELECT {named} OFFSET 0) AS arguments)"
    if function.checked:
        body = f"(SELECT {_BOUNDS[function.gives]} FROM (SELECT {body} AS r OFFSET 0) AS result)"
    return Sql(body, *arguments, output_field=field_of(function.gives))
