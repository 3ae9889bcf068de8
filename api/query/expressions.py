"""Stage two of a condition: a tree and resolved names in, one two-valued SQL condition out.

Here it is decided what comparisons mean (contract §9.2). Names are the resolver's: this module must
not know which fields exist or who may read them, only the type of what it is given.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from api.query import tree
from api.query.comparisons import (
    Test,
    as_kind,
    between,
    equal,
    like,
    member,
    no_value,
    ordered,
)
from api.query.errors import QueryError, shown
from api.query.functions import CLOCK_FUNCTIONS, FUNCTIONS, NEGATION, OPERATIONS, Function, call
from api.query.sql import NUMBER, TEXT, TIME, Sql, folded, parameter
from api.query.values import (
    Clock,
    Kind,
    Operand,
    Resolver,
    Scope,
    Term,
    bounded,
    constant,
    is_empty,
    is_time,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, time

    from django.db.models import Expression
    from django.db.models.expressions import Combinable


def where_expression(
    root: tree.Node,
    resolve: Resolver,
    *,
    path: str | None = "where",
    clock: Clock | None = None,
) -> Expression:
    """The condition as an expression for ``filter``; a row belongs if and only if it is true.

    ``not`` of the same condition is true for exactly the other rows (contract §9.2.1). ``path`` is
    the parameter's name in errors. Raises ``QueryError`` ``TypeMismatch`` or ``UnknownName``, and
    whatever ``resolve`` raises.
    """
    return _condition(root, Scope(resolve, clock or Clock.current(), path), negated=False)


def sort_key(operand: Operand) -> Combinable:
    """The expression by which a field is ordered, and compared in a walk by cursor: text ignores case."""
    return folded(operand.expression) if operand.kind is Kind.TEXT else operand.expression


def _condition(node: tree.Node, scope: Scope, *, negated: bool) -> Sql:
    """A condition or its opposite; the negation is pushed down to the tests."""
    match node:
        case tree.Group():
            return _condition(node.inner, scope, negated=negated)
        case tree.Not():
            return _condition(node.operand, scope, negated=not negated)
        case tree.And() | tree.Or():
            parts = [_condition(operand, scope, negated=negated) for operand in node.operands]
            word = " AND " if isinstance(node, tree.And) != negated else " OR "
            return Sql("(" + word.join(["{}"] * len(parts)) + ")", *parts)
    test = _test(node, scope)
    if isinstance(node, tree.Comparison) and node.operator == "ne":
        negated = not negated
    if not negated:
        return test.sql
    return Sql("(NOT {})" if test.total else "(NOT COALESCE({}, FALSE))", test.sql)


def _test(node: tree.Node, scope: Scope) -> Test:
    """One test; ``ne`` as if it were ``eq``."""
    match node:
        case tree.Comparison():
            return _compare(node, scope)
        case tree.Between():
            operand, low, high = (_value(n, scope) for n in (node.operand, node.low, node.high))
            return between(operand, low, high, scope)
        case tree.Membership():
            return member(_value(node.operand, scope), node.values, scope)
        case tree.Like():
            return like(_value(node.operand, scope), node.pattern, scope)
    value = _value(node, scope)
    if isinstance(value, Term) and value.kind is Kind.BOOLEAN:
        return Test(Sql("({} = TRUE)", value.expression))
    raise scope.mismatch("A test", value.position)


def _compare(node: tree.Comparison, scope: Scope) -> Test:
    left, right = _value(node.left, scope), _value(node.right, scope)
    match node.operator:
        case "eq" | "ne":
            return equal(left, right, scope)
        case "lt" | "le":
            return ordered(left, right, "<" if node.operator == "lt" else "<=", scope)
        case "gt" | "ge":
            return ordered(right, left, "<" if node.operator == "gt" else "<=", scope)


def _value(node: tree.Node, scope: Scope) -> tree.Literal | Term:
    """A value with its type; literals wait for what they are compared with."""
    match node:
        case tree.Literal():
            return node
        case tree.Name():
            operand = scope.resolve(node.parts, node.position)
            return Term(operand.expression, operand.kind, node.position, operand.stored)
        case tree.Group(inner=inner) if not isinstance(inner, tree.CONDITIONS):
            return _value(inner, scope)
        case tree.Function():
            return _call(node, scope)
        case tree.Arithmetic():
            operands = (node.left, node.right)
            return _apply(OPERATIONS[node.operator], operands, node.position, scope)
        case tree.Negative():
            return _apply(NEGATION, (node.operand,), node.position, scope)
    # A condition in brackets, used as a value.
    decided = Sql("COALESCE({}, FALSE)", _condition(node, scope, negated=False))
    return Term(decided, Kind.BOOLEAN, node.position)


def _call(node: tree.Function, scope: Scope) -> Term:
    name = node.name.lower()
    if kind := CLOCK_FUNCTIONS.get(name):
        _check_arity(node, (0, 0), scope)
        local = scope.clock.local
        now: dict[str, datetime | time] = {
            "currentdate": local.replace(hour=0, minute=0, second=0),
            "currenttime": local.time(),
            "currenttimestamp": scope.clock.now,
        }
        return Term(parameter(now[name]), kind, node.position)
    function = FUNCTIONS.get(name)
    if function is None:
        message = f"'{shown(node.name)}' is not a function, at character {node.position}."
        raise QueryError("UnknownName", message, scope.path, node.position)
    _check_arity(node, function.arity, scope)
    return _apply(function, node.arguments, node.position, scope)


def _check_arity(node: tree.Function, arity: tuple[int, int], scope: Scope) -> None:
    least, most = arity
    if not least <= len(node.arguments) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        message = f"'{shown(node.name)}' takes {count} values, at character {node.position}."
        raise QueryError("WhereSyntax", message, scope.path, node.position)


def _apply(function: Function, nodes: Sequence[tree.Node], position: int, scope: Scope) -> Term:
    items = [_value(node, scope) for node in nodes]
    if not function.variadic:
        missing = len(function.takes) - len(items)
        items += function.defaults[len(function.defaults) - missing :] if missing else ()
    kinds = function.takes * len(items) if function.variadic else function.takes
    arguments = [_argument(item, kind, scope) for item, kind in zip(items, kinds, strict=True)]
    if function.zoned:
        arguments.append(parameter(scope.clock.zone))
    return Term(call(function, arguments), function.gives, position)


def _argument(item: tree.Literal | Term, kind: Kind, scope: Scope) -> Combinable:
    """An argument of a function: of the kind it takes, and NULL where empty."""
    if is_empty(item):
        return no_value(kind)
    if isinstance(item, tree.Literal) and kind is Kind.TIME and not is_time(item):
        item = Term(as_kind(item, Kind.MOMENT, scope), Kind.MOMENT, item.position)
    if isinstance(item, tree.Literal):
        value = constant(item, kind, scope)
        if kind is Kind.NUMBER and isinstance(value, int | Decimal):
            number = bounded(value)
            return no_value(kind) if number is None else parameter(number)
        return parameter(value)
    if kind is Kind.TIME and item.kind is Kind.MOMENT:
        zone = parameter(scope.clock.zone)
        return Sql("({} AT TIME ZONE {})::time", item.expression, zone, output_field=TIME)
    expression = as_kind(item, kind, scope)
    match kind:
        case Kind.TEXT:
            return Sql("NULLIF({}, '')", expression, output_field=TEXT)
        case Kind.NUMBER:
            return Sql("({})::numeric", expression, output_field=NUMBER)
    return expression
