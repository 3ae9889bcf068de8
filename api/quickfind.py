"""Quick find: the records of one kind in which every word occurs, best titles first (contract.md §17).

Only searched columns that the caller can read enter the statement, and only titles made of them order it, so that a
hidden value neither finds a record nor moves one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db.models import F, IntegerField
from rest_framework.response import Response

from api import entries, prototypes
from api.address import QUICK_FIND as PATH
from api.base import SDataView
from api.feeds import Collection, Listing, Source, body_of, page_of
from api.pagination import walk_of
from api.query.bind import Order, by_key
from api.query.errors import QueryError
from api.query.parameters import QUICK_FIND
from api.query.sql import Sql, folded, parameter
from api.related import Selection
from entities.registry import registry
from security import gate

if TYPE_CHECKING:
    from rest_framework.request import Request

    from api.query.parameters import ListQuery
    from entities.registry import Entity, Field
    from security.access import Access

SHORTEST, LONGEST = 2, 100
_LITERAL = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


def searched(access: Access, entity: Entity) -> tuple[Field, ...]:
    """Return the fields that quick find looks into for the caller: the searched ones that it can read."""
    if not access.sees(entity):
        return ()
    return tuple(field for field in access.shape(entity).readable if field.search)


def searchable(access: Access) -> list[Entity]:
    """Return the kinds that the caller can search."""
    return [entity for entity in prototypes.known(access) if searched(access, entity)]


def text_of(query: ListQuery) -> str:
    """Return what is looked for, without blanks around it; raises ``QueryError`` for what is too short or too long."""
    text = query.given.get("query", "").strip()
    if SHORTEST <= len(text) <= LONGEST:
        return text
    raise _bad("query", f"is not a text of {SHORTEST} to {LONGEST} characters")


def entity_of(access: Access, query: ListQuery) -> Entity:
    """Return the kind to search; one text for all that the caller cannot search. Raises ``QueryError``."""
    entity = registry().find(query.given.get("entity", ""))
    if entity is None or not searched(access, entity):
        raise _bad("entity", "is not a kind that can be searched")
    return entity


def _bad(name: str, what: str) -> QueryError:
    return QueryError("BadParameterValue", f"The value of '{name}' {what}.", name)


def listing(access: Access, entity: Entity, text: str) -> Listing:
    """Return the visible records in which every word of ``text`` occurs, in the order of contract.md §17.3."""
    fields = searched(access, entity)
    columns = [folded(F(field.column)) for field in fields]
    tests: list[Sql] = []
    for word in text.split():
        pattern = parameter(f"%{word.translate(_LITERAL)}%")
        found = [Sql("{} LIKE lower({})", column, pattern) for column in columns]
        tests.append(Sql(f"({' OR '.join(['{}'] * len(found))})", *found))
    source = Source(lambda form: gate.rows(access, entity, form=form).filter(*tests), PATH)
    title = folded(gate.shown_title(access, entity))
    later = Sql("(NOT starts_with({}, lower({})))::integer", title, parameter(text), output_field=IntegerField())
    orders = [
        Order(later, "int", descending=False, nullable=False, column=""),
        Order(title, "text", descending=False, nullable=False, column=""),
        by_key(),
    ]
    projection = entries.Projection(fields, (), owner=False, tag=False, updated=False, links=False)
    walk = walk_of(access, f"{PATH}/{entity.kind}", text, "")
    return Listing(source, orders, Selection(projection), walk)


class QuickFindView(SDataView):
    """``GET …/$service/quickFind/getResults?query=euro&entity=Company``."""

    def get(self, request: Request) -> Response:
        """Answer a feed of what is found."""
        query = self.parameters(QUICK_FIND)
        text = text_of(query)
        entity = entity_of(self.access, query)
        base = self.base()
        asked = listing(self.access, entity, text)
        page = page_of(self.access, entity, asked, query, base)
        found = [entry | {"$links": _links(entry)} for entry in page.entries]
        collection = Collection(entity, asked.source, quick_find_url(base), PATH)
        return Response(body_of(collection, query, replace(page, entries=found), base))


def _links(entry: dict[str, Any]) -> dict[str, Any]:
    return {"$self": {"$url": entry["$url"], "$title": entry["$title"]}}


def quick_find_url(base: str) -> str:
    """Return the absolute address of quick find, which stands beside the dataset."""
    return f"{base.removesuffix('/-')}/{PATH}"


def link(base: str) -> dict[str, Any]:
    """Return the link of the service root, with the parameters that the address needs."""
    texts = {name: {"$type": "sdata/string"} for name in ("query", "entity")}
    return {"$url": quick_find_url(base), "$title": "Quick find", "$request": {"$properties": texts}}
