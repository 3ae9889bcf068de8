"""Stage one of a condition: text in, tree out, or a ``QueryError``. Syntax and limits only.

It must not know fields, types or rights: what a name means is asked in ``bind``, what a comparison
means in ``expressions``.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

from api.query import tree
from api.query.errors import QueryError, shown
from api.query.limits import Limits, check_tree, current_limits, exceeded

# What PostgreSQL cannot store and UTF-8 cannot carry (contract §4).
FORBIDDEN = re.compile("[\0\ud800-\udfff]")
DATE = re.compile(r"@\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)?)?@", re.ASCII)


def parse_where(text: str, *, path: str | None = "where", limits: Limits | None = None) -> tree.Node:
    """The tree of a condition (contract §9.1).

    ``path`` is the parameter's name for error messages. Raises ``QueryError`` for anything that is
    not a condition of the grammar within the limits; the text may be arbitrary.
    """
    limits = limits or current_limits()
    if len(text) > limits.where_length:
        raise exceeded(f"at most {limits.where_length} characters of condition", path)
    if not text.strip():
        raise QueryError("WhereSyntax", "The condition is empty.", path, 1)
    if bad := FORBIDDEN.search(text):
        raise _syntax_error("A character that no text can hold", path, bad.start() + 1)
    try:
        root = cast("tree.Node", _PARSER.parse(text))
    except UnexpectedInput as error:
        raise _unexpected(error, text, path) from None
    except _NotADate as error:
        raise _syntax_error("Not a date or time of the form @YYYY-MM-DD@", path, error.position) from None
    check_tree(root, limits, path)
    return root


def parse_selector(text: str, *, limits: Limits | None = None) -> tree.Node:
    """What stands in the brackets of an address (contract §1.5).

    A ``tree.Literal`` of kind string or number is a primary key, any other node a predicate.
    Raises ``QueryError``: ``BadSelector`` where the text is neither.
    """
    try:
        return parse_where(text, path=None, limits=limits)
    except QueryError as error:
        if error.application_code != "WhereSyntax":
            raise
        raise QueryError("BadSelector", error.message, None, error.position, sdata_code="BadUrlSyntax") from None


class _NotADate(Exception):
    def __init__(self, position: int) -> None:
        self.position = position


def _syntax_error(what: str, path: str | None, position: int) -> QueryError:
    return QueryError("WhereSyntax", f"{what}, at character {position}.", path, position)


def _unexpected(error: UnexpectedInput, text: str, path: str | None) -> QueryError:
    if isinstance(error, UnexpectedToken):
        if error.token.type == "$END":
            return _syntax_error("The condition ends too early", path, len(text) + 1)
        return _syntax_error(f"Unexpected {shown(error.token)}", path, _at(error.token))
    start = cast("int", error.pos_in_stream)
    unclosed = {"'": "Text without closing quote", '"': "Text without closing quote"}
    unclosed["@"] = "Date without closing @"
    what = unclosed.get(text[start], f"Unexpected {text[start]}")
    return _syntax_error(what, path, start + 1)


def _at(item: tree.Node | Token) -> int:
    return item.position if not isinstance(item, Token) else (item.start_pos or 0) + 1


@v_args(inline=True)
class _Builder(Transformer[Token, tree.Node]):
    """Called by the parser at each reduction, so that building needs no recursion."""

    def any_of(self, *operands: tree.Node) -> tree.Node:
        return tree.Or(operands, operands[0].position)

    def all_of(self, *operands: tree.Node) -> tree.Node:
        return tree.And(operands, operands[0].position)

    def negated(self, word: Token, operand: tree.Node) -> tree.Node:
        # Folded in pairs: a long row of them must not become a deep tree.
        return operand.operand if isinstance(operand, tree.Not) else tree.Not(operand, _at(word))

    def compared(self, left: tree.Node, operator: Token, right: tree.Node) -> tree.Node:
        name = "eq" if operator == "=" else operator.lower()
        return tree.Comparison(cast("tree.ComparisonOperator", name), left, right, left.position)

    def between(self, operand: tree.Node, low: tree.Node, high: tree.Node) -> tree.Node:
        return tree.Between(operand, low, high, operand.position)

    def member(self, operand: tree.Node, _open: Token, *values: tree.Literal) -> tree.Node:
        return tree.Membership(operand, values, operand.position)

    def like(self, operand: tree.Node, pattern: tree.Literal) -> tree.Node:
        return tree.Like(operand, pattern, operand.position)

    def arithmetic(self, left: tree.Node, operator: Token, right: tree.Node) -> tree.Node:
        name = cast("tree.ArithmeticOperator", operator.lower())
        return tree.Arithmetic(name, left, right, left.position)

    def negative(self, sign: Token, operand: tree.Node) -> tree.Node:
        match operand:
            case tree.Literal(kind="number", text=text) if not text.startswith("-"):
                return tree.Literal("number", "-" + text, _at(sign))
        return tree.Negative(operand, _at(sign))

    def name(self, *parts: Token) -> tree.Node:
        words = tuple(part.lower() if part.startswith("$") else str(part) for part in parts)
        return tree.Name(words, _at(parts[0]))

    def call(self, name: Token, _open: Token, *arguments: tree.Node) -> tree.Node:
        return tree.Function(str(name), arguments, _at(name))

    def group(self, bracket: Token, inner: tree.Node) -> tree.Node:
        return tree.Group(inner, _at(bracket))

    def number(self, token: Token) -> tree.Node:
        return tree.Literal("number", str(token), _at(token))

    def string(self, token: Token) -> tree.Node:
        quote = token[0]
        return tree.Literal("string", token[1:-1].replace(quote * 2, quote), _at(token))

    def date(self, token: Token) -> tree.Node:
        try:
            if not DATE.fullmatch(token):
                raise ValueError
            datetime.fromisoformat(token[1:-1])
        except ValueError:
            raise _NotADate(_at(token)) from None
        return tree.Literal("date", token[1:-1], _at(token))

    def boolean(self, token: Token) -> tree.Node:
        return tree.Literal("boolean", token.lower(), _at(token))

    def null(self, token: Token) -> tree.Node:
        return tree.Literal("null", "", _at(token))


_PARSER = Lark(
    Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8"),
    parser="lalr",
    lexer="basic",
    transformer=_Builder(),
    # Case-blind letters are ASCII letters: with Unicode rules a Kelvin sign would spell "like".
    g_regex_flags=re.ASCII,
)
