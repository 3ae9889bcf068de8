"""How much a query may ask for (contract §9.3, §20). Numbers and counting only, no meaning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from api.query.errors import QueryError
from api.query.tree import (
    TESTS,
    And,
    Arithmetic,
    Function,
    Group,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Or,
    children,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force; ``QUERY_LIMITS`` in the settings overrides any of them by name."""

    page_default: int = 25
    page_maximum: int = 1000
    classic_page_default: int = 10
    classic_page_maximum: int = 100
    where_length: int = 8000
    where_depth: int = 20
    where_tests: int = 100
    where_operations: int = 100
    in_values: int = 1000
    list_length: int = 8000
    order_terms: int = 8
    include_names: int = 10
    include_depth: int = 2
    hops: int = 3


def current_limits() -> Limits:
    """The configured limits."""
    return _limits(tuple(getattr(settings, "QUERY_LIMITS", {}).items()))


@lru_cache(maxsize=8)
def _limits(configured: tuple[tuple[str, int], ...]) -> Limits:
    return Limits(**dict(configured))


def exceeded(limit: str, path: str | None, position: int | None = None) -> QueryError:
    """The error for a limit, naming it: ``limit`` reads like "at most 100 tests"."""
    where = "" if position is None else f", at character {position}"
    return QueryError("LimitExceeded", f"A query has {limit}{where}.", path, position)


def check_tree(root: Node, limits: Limits, path: str | None) -> None:
    """Refuse a tree beyond the limits; walks without recursion, because depth is one of them.

    Depth counts brackets, those of functions included. Arithmetic and function calls are limited
    together: a chain of them needs no bracket and would nest the SQL as deep as it is long.
    """
    tests = operations = 0
    pending: list[tuple[Node, int, bool]] = [(root, 0, True)]
    while pending:
        node, depth, is_condition = pending.pop()
        if isinstance(node, Group | Function):
            depth += 1
            if depth > limits.where_depth:
                raise exceeded(f"a nesting depth of at most {limits.where_depth}", path, node.position)
        if isinstance(node, Name) and len(node.parts) > limits.hops + 1:
            raise exceeded(f"names through at most {limits.hops} relations", path, node.position)
        if isinstance(node, Membership) and len(node.values) > limits.in_values:
            raise exceeded(f"at most {limits.in_values} values per 'in'", path, node.position)
        operations += isinstance(node, Function | Arithmetic | Negative)
        tests += isinstance(node, TESTS) or (is_condition and isinstance(node, Name))
        below = is_condition and isinstance(node, And | Or | Not | Group)
        pending.extend((child, depth, below) for child in children(node))
    if tests > limits.where_tests:
        raise exceeded(f"at most {limits.where_tests} tests", path)
    if operations > limits.where_operations:
        raise exceeded(f"at most {limits.where_operations} operations and function calls", path)
