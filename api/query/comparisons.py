"""What each test means for each kind of value (contract §9.2), as SQL.

A ``Test`` may be NULL where an operand is empty; NULL counts as false. Who negates must know that,
and nothing else: see ``expressions``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.query.sql import TEXT, Sql, folded, parameter
from api.query.tree import Literal
from api.query.values import Kind, Scope, Term, constant, field_of, is_empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models.expressions import Combinable


@dataclass(frozen=True, slots=True)
class Test:
    """One test. Only a ``total`` one is never NULL."""

    sql: Sql
    total: bool = False


_TYPES = {
    Kind.NUMBER: "numeric",
    Kind.TEXT: "text",
    Kind.BOOLEAN: "boolean",
    Kind.MOMENT: "timestamptz",
    Kind.TIME: "time",
}


def always(outcome: bool) -> Test:
    """A test that asks nothing of the row."""
    return Test(parameter(outcome), total=True)


def no_value(kind: Kind) -> Sql:
    """The empty value."""
    return Sql(f"NULL::{_TYPES[kind]}", output_field=field_of(kind))


def as_kind(item: Literal | Term, kind: Kind, scope: Scope) -> Combinable:
    """A value that is not the empty literal, as ``kind``; a number is also its decimal text.

    Raises ``QueryError`` ``TypeMismatch``.
    """
    if isinstance(item, Literal):
        return parameter(constant(item, kind, scope))
    if item.kind is kind:
        return item.expression
    if item.kind is Kind.NUMBER and kind is Kind.TEXT:
        return Sql("trim_scale(({})::numeric)::text", item.expression, output_field=TEXT)
    raise scope.mismatch(kind.value, item.position)


def equal(left: Literal | Term, right: Literal | Term, scope: Scope) -> Test:
    """``eq``: empty equals empty of any type, text ignores case, a multi-selection contains."""
    for one, other in ((left, right), (right, left)):
        if is_empty(other):
            return _is_empty(one)
        if isinstance(one, Term) and one.kind is Kind.CODES:
            found = _contains(one, [other], scope)
            if isinstance(other, Term):
                empties = (_is_empty(item).sql for item in (one, other))
                found = Sql("({} OR ({} AND {}))", found, *empties)
            return Test(found, total=True)
    kind = _common_kind((left, right), scope)
    sides = [_comparable(item, kind, scope) for item in (left, right)]
    if isinstance(left, Literal) or isinstance(right, Literal):
        term, constant = (left, sides[1]) if isinstance(right, Literal) else (right, sides[0])
        return Test(_by_index(term, Sql("({} = {})", *sides), "({} = {})", constant))
    if kind is Kind.TEXT:
        sides = [Sql("NULLIF({}, '')", side, output_field=TEXT) for side in sides]
    return Test(Sql("({} IS NOT DISTINCT FROM {})", *sides), total=True)


def _by_index(term: Literal | Term, test: Sql, text: str, *constants: Combinable) -> Sql:
    """``test``, and the same of the column behind a gated value, which implies nothing new but has an index."""
    if isinstance(term, Literal) or term.stored is None:
        return test
    return Sql("({} AND {})", Sql(text, term.stored, *constants), test)


def ordered(small: Literal | Term, big: Literal | Term, operator: str, scope: Scope) -> Test:
    """``small < big`` or ``small <= big``; false where one is empty."""
    kind = _common_kind((small, big), scope)
    _check_ordered(kind, small, scope)
    if is_empty(small) or is_empty(big):
        return always(False)
    low, high = (_comparable(item, kind, scope) for item in (small, big))
    if kind is Kind.TEXT and isinstance(small, Term):
        # Written as a range, which an index serves: '' is smaller than any text, yet empty.
        return Test(Sql(f"({{}} > '' AND {{}} {operator} {{}})", low, low, high))
    return Test(Sql(f"({{}} {operator} {{}})", low, high))


def between(operand: Literal | Term, low: Literal | Term, high: Literal | Term, scope: Scope) -> Test:
    """``between``, both ends included; false where one of the three is empty."""
    items = (operand, low, high)
    kind = _common_kind(items, scope)
    _check_ordered(kind, operand, scope)
    if any(is_empty(item) for item in items):
        return always(False)
    value, least, most = (_comparable(item, kind, scope) for item in items)
    if kind is Kind.TEXT and isinstance(low, Term):
        least = Sql("NULLIF({}, '')", least, output_field=TEXT)
    return Test(Sql("({} BETWEEN {} AND {})", value, least, most))


def member(operand: Literal | Term, values: Sequence[Literal], scope: Scope) -> Test:
    """``in``: equal to one of them."""
    filled = [value for value in values if not is_empty(value)]
    empty = None if len(filled) == len(values) else _is_empty(operand).sql
    if is_empty(operand):
        return always(empty is not None)
    if not filled:
        return Test(empty or parameter(False), total=True)
    if isinstance(operand, Term) and operand.kind is Kind.CODES:
        found = _contains(operand, filled, scope)
    else:
        kind = _common_kind((operand, *filled), scope)
        if kind is Kind.BOOLEAN:
            raise scope.mismatch("A number, text or date", operand.position)
        places = ", ".join(["{}"] * len(filled))
        sides = [_comparable(item, kind, scope) for item in (operand, *filled)]
        found = _by_index(operand, Sql(f"({{}} IN ({places}))", *sides), f"({{}} IN ({places}))", *sides[1:])
    return Test(found if empty is None else Sql("({} OR {})", empty, found))


def like(operand: Literal | Term, pattern: Literal, scope: Scope) -> Test:
    """``like``: on text, or on the decimal text of a number; false where one is empty."""
    if is_empty(operand) or not pattern.text:
        if isinstance(operand, Term):
            as_kind(operand, Kind.TEXT, scope)
        return always(False)
    text = folded(as_kind(operand, Kind.TEXT, scope))
    return Test(Sql("({} LIKE lower({}))", text, parameter(_pattern(pattern.text))))


def _common_kind(items: Sequence[Literal | Term], scope: Scope) -> Kind:
    """The kind in which values are compared: that of the fields, else of the literals."""
    terms = [item for item in items if isinstance(item, Term)]
    kinds = {term.kind for term in terms}
    if kinds == {Kind.NUMBER, Kind.TEXT}:
        return Kind.TEXT
    for term in terms:
        if term.kind is Kind.CODES:
            raise scope.mismatch("A single value", term.position)
        if term.kind is not terms[0].kind:
            raise scope.mismatch(terms[0].kind.value, term.position)
    if terms:
        return terms[0].kind
    written = {item.kind for item in items if isinstance(item, Literal)}
    if "date" in written:
        return Kind.MOMENT
    if "boolean" in written:
        return Kind.BOOLEAN
    return Kind.NUMBER if "number" in written else Kind.TEXT


def _check_ordered(kind: Kind, item: Literal | Term, scope: Scope) -> None:
    if kind in (Kind.BOOLEAN, Kind.CODES):
        raise scope.mismatch("A number, text or date", item.position)


def _comparable(item: Literal | Term, kind: Kind, scope: Scope) -> Combinable:
    expression = as_kind(item, kind, scope)
    return folded(expression) if kind is Kind.TEXT else expression


def _is_empty(item: Literal | Term) -> Test:
    if isinstance(item, Literal):
        return always(is_empty(item))
    tests = {
        Kind.TEXT: "(COALESCE({}, '') = '')",
        Kind.CODES: "(COALESCE(cardinality({}), 0) = 0)",
    }
    return Test(Sql(tests.get(item.kind, "({} IS NULL)"), item.expression), total=True)


def _contains(codes: Term, items: Sequence[Literal | Term], scope: Scope) -> Sql:
    for item in items:
        if isinstance(item, Term) and item.kind is Kind.CODES:
            raise scope.mismatch("A single value", item.position)
    sought = [folded(as_kind(item, Kind.TEXT, scope)) for item in items]
    places = ", ".join(["{}"] * len(sought))
    return Sql(
        f"EXISTS (SELECT FROM unnest({{}}) AS selected(code) WHERE lower(selected.code) IN ({places}))",
        codes.expression,
        *sought,
    )


def _pattern(text: str) -> str:
    """A pattern as PostgreSQL reads it: a backslash not before ``%``, ``_``, ``\\`` is itself."""
    pieces: list[str] = []
    rest = iter(text)
    for character in rest:
        if character != "\\":
            pieces.append(character)
            continue
        following = next(rest, "")
        pieces.append("\\" + following if following in ("%", "_", "\\") else "\\\\" + following)
    if set(pieces) == {"%"}:
        return "%_"  # any run, but not of nothing: an empty value is like nothing
    return "".join(pieces)
