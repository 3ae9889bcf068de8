"""The abstract syntax of a condition (contract §9.1).

Pure data: what was written and where. It decides nothing about fields, types or rights. Every node
carries ``position``, the 1-based character at which it starts in the client's text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

LiteralKind: TypeAlias = OneOf["number", "string", "date", "boolean", "null"]
ComparisonOperator: TypeAlias = OneOf["eq", "ne", "lt", "le", "gt", "ge"]
ArithmeticOperator: TypeAlias = OneOf["+", "-", "mul", "div", "mod"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. ``text`` is what was written, without quotes; a quoted number stays a string."""

    kind: LiteralKind
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Name:
    """A field: identifiers as typed, or the single ``$key``, ``$updated`` or ``$published``."""

    parts: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Function:
    """A call; the name is as typed."""

    name: str
    arguments: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Group:
    """Brackets round a condition or a sum; which of them is a question of types, asked later."""

    inner: Node
    position: int


@dataclass(frozen=True, slots=True)
class Negative:
    """Unary minus on anything but a number literal."""

    operand: Node
    position: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum or a product of two."""

    operator: ArithmeticOperator
    left: Node
    right: Node
    position: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values compared; ``=`` is ``eq``."""

    operator: ComparisonOperator
    left: Node
    right: Node
    position: int


@dataclass(frozen=True, slots=True)
class Between:
    """``operand between low and high``, both ends included."""

    operand: Node
    low: Node
    high: Node
    position: int


@dataclass(frozen=True, slots=True)
class Membership:
    """``operand in (…)``."""

    operand: Node
    values: tuple[Literal, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Like:
    """``operand like 'pattern'``."""

    operand: Node
    pattern: Literal
    position: int


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition; never directly round another ``Not``."""

    operand: Node
    position: int


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    operands: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Or:
    """One of them at least."""

    operands: tuple[Node, ...]
    position: int


Node: TypeAlias = (
    Literal
    | Name
    | Function
    | Group
    | Negative
    | Arithmetic
    | Comparison
    | Between
    | Membership
    | Like
    | Not
    | And
    | Or
)

TESTS = (Comparison, Between, Membership, Like)
CONDITIONS = (*TESTS, Not, And, Or)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case Literal() | Name():
            return ()
        case Function():
            return node.arguments
        case Group():
            return (node.inner,)
        case Arithmetic() | Comparison():
            return (node.left, node.right)
        case Between():
            return (node.operand, node.low, node.high)
        case Membership():
            return (node.operand, *node.values)
        case Like():
            return (node.operand, node.pattern)
        case Negative() | Not():
            return (node.operand,)
        case And() | Or():
            return node.operands
