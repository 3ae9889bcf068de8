"""Which query parameters an address takes and what their texts say (contract §8).

Syntax and limits only: whether a name is a field, a relation or unknown is asked in ``bind``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.query.errors import QueryError, shown
from api.query.limits import Limits, current_limits, exceeded
from api.query.parse import FORBIDDEN, parse_where
from api.query.tree import Name, Node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

ENTRY = frozenset({"select", "include", "labels", "returnPartial"})
FEED = frozenset({"where", "orderBy", "startIndex", "count", "after", "totals"}) | ENTRY - {"returnPartial"}
WRITE = frozenset({"select", "include", "returnPartial"})
CREATE = WRITE | {"allowDuplicate"}
BATCH = frozenset({"atomic"})
QUICK_FIND = frozenset({"query", "entity", "startIndex", "count", "after"})
EXPLAIN = frozenset({"action", "field", "user", "at"})
QUERY_BODY = FEED - {"labels"}

_IGNORED = frozenset({"_t", "format", "_includecontent", "includecontent", "language", "precedence"})
_OPTIONAL = frozenset({"select", "orderBy", "include", "after"})
_SPELLING = {name.lower(): name for name in FEED | ENTRY | CREATE | BATCH | QUICK_FIND | EXPLAIN | {"SID"}}
# No table has more rows than there are 32-bit keys: from here on every page is empty alike.
_LAST_ROW = 2**31 - 1

_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_NAME = rf"(?P<name>{_IDENTIFIER}(?:\.{_IDENTIFIER})*|\$[A-Za-z]+|\*)"
_ITEM = re.compile(rf"\s*{_NAME}\s*", re.ASCII)
_ORDER_ITEM = re.compile(rf"\s*{_NAME}(?:\s+(?P<direction>asc|desc))?\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One term of ``orderBy``."""

    name: Name
    descending: bool


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a request asks for. ``given`` are the effective parameters, spelt as in the contract."""

    where: Node | None
    order_by: tuple[OrderTerm, ...]
    select: tuple[Name, ...] | None
    include: tuple[Name, ...]
    count: int
    start_index: int
    after: str | None
    with_total: bool
    with_labels: bool
    atomic: bool
    allow_duplicate: bool
    given: Mapping[str, str]


def read_parameters(pairs: Iterable[tuple[str, str]], allowed: Collection[str]) -> dict[str, str]:
    """The effective parameters of a decoded query string, spelt as in the contract.

    ``allowed`` are the names that the address takes (``FEED``, ``ENTRY``, …). Raises ``QueryError``
    for an unknown, misplaced or repeated one: nothing is silently dropped but what the contract
    says has no effect, and an empty value where that counts as absent.
    """
    seen: set[str] = set()
    values: dict[str, str] = {}
    for typed, value in pairs:
        folded = typed.lower()
        name = _SPELLING.get(folded)
        if folded not in _IGNORED and name not in allowed:
            message = f"'{shown(typed)}' is not a parameter of this address."
            raise QueryError("UnknownParameter", message, shown(typed), None, "BadQueryParameter")
        if folded in seen:
            message = f"'{shown(typed)}' is given more than once."
            raise QueryError("RepeatedParameter", message, name or typed, None, "BadQueryParameter")
        seen.add(folded)
        if name is None or (name in _OPTIONAL and not value.strip()):
            continue
        if name != "where" and FORBIDDEN.search(value):
            raise _bad_value(name, "holds a character that no text can hold")
        values[name] = value
    return values


def parse_list_query(
    pairs: Iterable[tuple[str, str]],
    allowed: Collection[str] = FEED,
    *,
    limits: Limits | None = None,
) -> ListQuery:
    """The query of a request, from the decoded pairs of its query string (contract §8.1).

    Raises ``QueryError`` for whatever is not allowed at this address, not understood or beyond
    ``limits`` (default: the configured ones; the classic contract has a smaller page).
    """
    limits = limits or current_limits()
    given = read_parameters(pairs, allowed)
    if "after" in given and "startIndex" in given:
        message = "'after' continues a walk and cannot be combined with 'startIndex'."
        raise QueryError("CursorInvalid", message, "after")
    _flag(given, "returnPartial")  # checked, and without effect: answers are always read back
    where = given.get("where")
    return ListQuery(
        where=None if where is None else parse_where(where, limits=limits),
        order_by=_order_terms(given.get("orderBy", ""), limits),
        select=_names("select", given["select"], limits) if "select" in given else None,
        include=_includes(given.get("include", ""), limits),
        count=min(_integer(given, "count", limits.page_default, 0), limits.page_maximum),
        start_index=min(_integer(given, "startIndex", 1, 1), _LAST_ROW),
        after=given.get("after"),
        with_total=_choice(given, "totals", ("exact", "none")) == "exact",
        with_labels=_flag(given, "labels"),
        atomic=_flag(given, "atomic"),
        allow_duplicate=_flag(given, "allowDuplicate"),
        given=given,
    )


def body_pairs(body: Mapping[str, object]) -> list[tuple[str, str]]:
    """The members of a ``$query`` body as parameter pairs (contract §8.6).

    Lists may be arrays of strings and numbers JSON numbers. Raises ``QueryError`` for an unknown
    member or a value of the wrong type; the rest is ``parse_list_query``'s to refuse.
    """
    known = {name.lower() for name in QUERY_BODY}
    pairs: list[tuple[str, str]] = []
    for name, value in body.items():
        folded = name.lower()
        if folded not in known:
            message = f"'{shown(name)}' is not a member of a query."
            raise QueryError("UnknownMember", message, shown(name), None, "ApplicationDiagnosis")
        match value:
            case str():
                pairs.append((name, value))
            case None:
                pairs.extend([(name, "")] if folded == "where" else [])
            case int() if folded in ("count", "startindex") and not isinstance(value, bool):
                pairs.append((name, str(value)))
            case list() if folded in ("select", "include", "orderby") and all(isinstance(item, str) for item in value):
                pairs.append((name, ",".join(value)))
            case _:
                message = f"The value of '{name}' has the wrong type."
                raise QueryError("WrongType", message, name, None, "ApplicationDiagnosis")
    return pairs


def _bad_value(parameter: str, what: str, position: int | None = None) -> QueryError:
    where = "" if position is None else f", at character {position}"
    return QueryError("BadParameterValue", f"The value of '{parameter}' {what}{where}.", parameter, position)


def _integer(given: Mapping[str, str], name: str, default: int, minimum: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]+", text):
        raise _bad_value(name, "is not a whole number")
    digits = text.lstrip("-0")[:12] or "0"  # twelve are beyond every limit, endless ones too slow
    value = -int(digits) if text.startswith("-") else int(digits)
    if value < minimum:
        raise _bad_value(name, f"is less than {minimum}")
    return value


def _choice(given: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    value = given.get(name, choices[0]).lower()
    if value not in choices:
        raise _bad_value(name, "is not one of " + ", ".join(choices))
    return value


def _flag(given: Mapping[str, str], name: str) -> bool:
    return _choice(given, name, ("false", "true")) == "true"


def _items(parameter: str, text: str, limits: Limits) -> list[tuple[str, int]]:
    """The elements of a comma list, each with the 1-based position at which it starts."""
    if not text:
        return []
    if len(text) > limits.list_length:
        raise exceeded(f"at most {limits.list_length} characters of '{parameter}'", parameter)
    found: list[tuple[str, int]] = []
    position = 1
    for item in text.split(","):
        found.append((item, position))
        position += len(item) + 1
    return found


def _name(parameter: str, match: re.Match[str] | None, start: int, limits: Limits, *, star: bool = False) -> Name:
    if match is None or (match["name"] == "*" and not star):
        raise _bad_value(parameter, "is not a list of names", start)
    parts = tuple(match["name"].split("."))
    position = start + match.start("name")
    if len(parts) > limits.hops + 1:
        raise exceeded(f"names through at most {limits.hops} relations", parameter, position)
    return Name(tuple(p.lower() if p.startswith("$") else p for p in parts), position)


def _names(parameter: str, text: str, limits: Limits) -> tuple[Name, ...]:
    return tuple(
        _name(parameter, _ITEM.fullmatch(item), start, limits, star=parameter == "select")
        for item, start in _items(parameter, text, limits)
    )


def _includes(text: str, limits: Limits) -> tuple[Name, ...]:
    names = _names("include", text, limits)
    if len(names) > limits.include_names:
        raise exceeded(f"at most {limits.include_names} names in 'include'", "include")
    for name in names:
        if len(name.parts) > limits.include_depth:
            raise exceeded(f"'include' at most {limits.include_depth} deep", "include", name.position)
    return names


def _order_terms(text: str, limits: Limits) -> tuple[OrderTerm, ...]:
    items = _items("orderBy", text, limits)
    if len(items) > limits.order_terms:
        raise exceeded(f"at most {limits.order_terms} terms in 'orderBy'", "orderBy")
    terms: list[OrderTerm] = []
    seen: set[str] = set()
    for item, start in items:
        match = _ORDER_ITEM.fullmatch(item)
        name = _name("orderBy", match, start, limits)
        folded = ".".join(name.parts).lower()
        if folded in seen:
            raise _bad_value("orderBy", "names one field twice", name.position)
        seen.add(folded)
        descending = match is not None and (match["direction"] or "").lower() == "desc"
        terms.append(OrderTerm(name, descending))
    return tuple(terms)
