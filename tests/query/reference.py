"""What conditions mean, in plain Python: slow, straight from contract §9.2, row by row.

Shares the tree with the compiler and nothing else. Only for conditions that the compiler accepts:
types are not checked here.
"""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from api.query import tree
from tests.query.reference_functions import function
from tests.query.reference_values import EXACT, Value, World, as_text, comparable, computed, number

if TYPE_CHECKING:
    from collections.abc import Sequence


def holds(node: tree.Node, world: World) -> bool:
    """Whether the condition is true."""
    match node:
        case tree.Group():
            return holds(node.inner, world)
        case tree.Not():
            return not holds(node.operand, world)
        case tree.And():
            return all(holds(part, world) for part in node.operands)
        case tree.Or():
            return any(holds(part, world) for part in node.operands)
        case tree.Comparison():
            left, right = evaluate(node.left, world), evaluate(node.right, world)
            return compare(node.operator, left, right, world)
        case tree.Between():
            operand, low, high = (evaluate(n, world) for n in (node.operand, node.low, node.high))
            if operand.empty or low.empty or high.empty:
                return False
            operand, low, high = aligned([operand, low, high], world)
            return bool(low.content <= operand.content <= high.content)
        case tree.Membership():
            operand = evaluate(node.operand, world)
            values = [evaluate(value, world) for value in node.values]
            if not operand.empty and operand.type != "codes":
                filled = [value for value in values if not value.empty]
                operand, *values = aligned([operand, *filled], world)
                return any(value.content == operand.content for value in values)
            return any(compare("eq", operand, value, world) for value in values)
        case tree.Like():
            return is_like(evaluate(node.operand, world), node.pattern.text)
    return evaluate(node, world).content is True


def compare(operator: str, left: Value, right: Value, world: World) -> bool:
    """A comparison of two values (§9.2.1–6)."""
    if operator == "ne":
        return not compare("eq", left, right, world)
    if left.empty or right.empty:
        return operator == "eq" and left.empty and right.empty
    if "codes" in (left.type, right.type):
        codes, sought = (left, right) if left.type == "codes" else (right, left)
        return str(sought.content).lower() in [code.lower() for code in codes.content]
    left, right = aligned([left, right], world)
    a, b = left.content, right.content
    return bool({"eq": a == b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[operator])


def aligned(values: Sequence[Value], world: World) -> list[Value]:
    """Values as they are compared: in one type, texts without case."""
    types = {value.type for value in values if not value.literal}
    if types == {"number", "text"}:
        types = {"text"}
    if not types:
        written = [value.type for value in values]
        types = {next((t for t in ("moment", "boolean", "number") if t in written), "text")}
    (kind,) = types
    return [comparable(value, kind, world) for value in values]


def is_like(value: Value, pattern: str) -> bool:
    """``%`` any run, ``_`` one character, ``\\`` escapes the three."""
    if value.empty or not pattern:
        return False
    expression = ""
    rest = pattern
    while rest:
        if re.match(r"\\[%_\\]", rest):
            expression, rest = expression + re.escape(rest[1]), rest[2:]
            continue
        expression += {"%": ".*", "_": "."}.get(rest[0]) or re.escape(rest[0].lower())
        rest = rest[1:]
    return re.fullmatch(expression, as_text(value).lower(), re.DOTALL) is not None


def evaluate(node: tree.Node, world: World) -> Value:
    """A value."""
    match node:
        case tree.Literal(kind="null"):
            return Value("text", None, True)
        case tree.Literal(kind="boolean"):
            return Value("boolean", node.text == "true", True)
        case tree.Literal():
            kind = {"number": "number", "string": "text", "date": "moment"}[node.kind]
            return Value(kind, node.text, True)
        case tree.Name():
            return Value(*world.field(node.parts))
        case tree.Group(inner=inner) if not isinstance(inner, tree.CONDITIONS):
            return evaluate(inner, world)
        case tree.Group():
            return Value("boolean", holds(node.inner, world))
        case tree.Negative():
            operand = number(evaluate(node.operand, world))
            return Value("number", None if operand is None else EXACT.minus(operand))
        case tree.Arithmetic():
            operands = [number(evaluate(n, world)) for n in (node.left, node.right)]
            return Value("number", arithmetic(node.operator, *operands))
        case tree.Function():
            arguments = [evaluate(argument, world) for argument in node.arguments]
            return function(node.name.lower(), arguments, world)
    return Value("boolean", holds(node, world))


def arithmetic(operator: str, a: Decimal | None, b: Decimal | None) -> Decimal | None:
    """§9.2.8: empty in, empty out; division by zero is empty."""
    if a is None or b is None or (operator in ("div", "mod") and b == 0):
        return None
    with localcontext(EXACT):
        if operator == "div":
            shifted, sign = abs(a) * 10**12, 1 if (a < 0) == (b < 0) else -1
            return computed(sign * (shifted // abs(b)) / Decimal(10) ** 12)
        result = {"+": lambda: a + b, "-": lambda: a - b, "mul": lambda: a * b}
        return computed(result.get(operator, lambda: a % b)())
