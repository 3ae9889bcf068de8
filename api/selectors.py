"""Records named by a condition: ``Company(comp_name eq 'X')``, and by an external key (contract.md §1.5, §14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import ApiError, record_not_found
from api.query.bind import bind_where
from api.query.parse import parse_where
from api.query.tree import Comparison, Group, Literal, Name
from security import gate

if TYPE_CHECKING:
    from api.query.tree import Node
    from entities.registry import Entity, Field
    from security.plan import Access


@dataclass(frozen=True)
class ExternalKey:
    """The value of a field by which other systems know a record."""

    field: Field
    text: str


def one(access: Access, entity: Entity, predicate: str) -> int:
    """Return the key of the one visible record that ``predicate`` selects; raises 404 and 400 ``SelectorNotUnique``."""
    key = one_or_none(access, entity, predicate)
    if key is None:
        raise record_not_found()
    return key


def one_or_none(access: Access, entity: Entity, predicate: str) -> int | None:
    """Return what ``one`` does, None where no visible record matches."""
    condition = bind_where(access, entity, _tree(predicate), path=None)
    found = list(gate.rows(access, entity).filter(condition).values_list("pk", flat=True)[:2])
    if len(found) > 1:
        message = "Several records match; this address needs exactly one."
        raise ApiError.of(400, "SelectorNotUnique", message, sdata_code="BadUrlSyntax")
    return int(found[0]) if found else None


def external_key(access: Access, entity: Entity, predicate: str) -> ExternalKey | None:
    """Return the external key that ``predicate`` is, None for any other; raises 400 ``BadSelector`` for an empty."""
    tree = _tree(predicate)
    while isinstance(tree, Group):
        tree = tree.inner
    if not isinstance(tree, Comparison) or tree.operator != "eq":
        return None
    name, literal = tree.left, tree.right
    if not isinstance(name, Name) or len(name.parts) != 1 or not isinstance(literal, Literal):
        return None
    field = gate.resolve(access, entity, name.parts[0])
    if field is None or not field.upsert or literal.kind not in ("string", "number", "null"):
        return None
    if literal.kind == "null" or not literal.text:
        raise ApiError.of(400, "BadSelector", "An external key is not empty.", sdata_code="BadUrlSyntax")
    return ExternalKey(field, literal.text)


def _tree(predicate: str) -> Node:
    if not predicate.strip():
        raise ApiError.of(400, "BadSelector", "The selector is empty.", sdata_code="BadUrlSyntax")
    return parse_where(predicate, path=None)
