"""What a list page offers of a kind: columns, filters, a bounded count. All of it comes from the shape.

It decides what is useful to show; what may be shown is the shape's decision, which rows the gate's.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.utils import timezone

from crm.admin_rows import OWNER_PARAMETER, Column, TitleColumn, order_of, read
from entities.registry import ByOwner, Entity, Field, entity_of, registry
from security import gate
from security.admin_pages import access_of
from security.admin_select import as_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.admin import ModelAdmin
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from entities.models import Record
    from security.plan import Access

LIST_COLUMNS = 7
OFFERED_ROWS = 50  # a reference with more targets is filtered by the links that name one
COUNTED_ROWS = 10_000
_PERIODS = (("1", "Past day"), ("7", "Past 7 days"), ("30", "Past 30 days"), ("365", "Past year"))


def columns(access: Access, entity: Entity) -> list[Column | TitleColumn]:
    """Return the title and the most telling readable fields."""
    shape = access.shape(entity)
    usable = [
        f for f in shape.readable if not f.repeat and f.type not in ("key", "memo") and f.name not in entity.title
    ]
    owners = (entity.assigned, "territory", "team", "created_by", "updated_by", "created_at")
    selections = [f for f in usable if f.type == "sel"][:2]
    references = [f for f in usable if f.target and f.name not in owners][:1]
    ends = [f for f in usable if f.name in (entity.assigned, "territory", "updated_at")]
    rest = [f for f in usable if f.name not in owners and f.type not in ("ref", "sel")]
    room = LIST_COLUMNS - 1 - len({*selections, *references, *ends})
    fill = [f for f in rest if f not in ends][: max(room, 0)]
    chosen = dict.fromkeys((*references, *selections, *fill, *ends))
    titled = next((entity.by_name[name] for name in entity.title if shape.reads(name)), None)
    language = access.actor.language
    return [TitleColumn(titled, entity.label), *(Column(f, access.lists, language, short=True) for f in chosen)]


class FieldFilter(SimpleListFilter):
    """A filter by one readable field; a value that is none of its choices matches nothing, it is never dropped."""

    field: ClassVar[Field]
    template = "admin/gated/filter.html"

    def has_output(self) -> bool:
        """Apply the filter also where there is nothing to choose from."""
        return bool(self.lookup_choices) or self.value() is not None

    def choose(self, access: Access) -> Iterable[tuple[str, str]]:
        """Return the choices."""
        raise NotImplementedError

    def keep(self, access: Access, query: QuerySet[Record], value: str) -> QuerySet[Record]:
        """Return the rows with ``value``, one of the choices."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """Return the choices."""
        return list(self.choose(access_of(request)))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Record]) -> QuerySet[Record]:
        """Keep the rows of the chosen value."""
        value = self.value()
        if value is None:
            return queryset
        if value not in dict(self.lookup_choices):
            return queryset.none()
        return self.keep(access_of(request), queryset, value)


class ChoiceFilter(FieldFilter):
    """By the codes of a selection list, or by yes and no."""

    def choose(self, access: Access) -> Iterable[tuple[str, str]]:
        """Return the codes, retired ones too: records still hold them."""
        if self.field.type == "bool":
            return [("true", "Yes"), ("false", "No")]
        language = access.actor.language
        return [(c.code, c.label(language)) for c in access.lists.get(self.field.list_name, ()) if c.code]

    def keep(self, access: Access, query: QuerySet[Record], value: str) -> QuerySet[Record]:
        """Compare the column."""
        return query.filter(**{self.field.column: value == "true" if self.field.type == "bool" else value})


class PeriodFilter(FieldFilter):
    """By how long ago."""

    def choose(self, access: Access) -> Iterable[tuple[str, str]]:
        """Return periods that end now."""
        return _PERIODS

    def keep(self, access: Access, query: QuerySet[Record], value: str) -> QuerySet[Record]:
        """Compare with the start of the period."""
        start = timezone.now() - timedelta(days=int(value))
        return query.filter(**{f"{self.field.column}__gte": start, f"{self.field.column}__lte": timezone.now()})


class ReferenceFilter(FieldFilter):
    """By the record referred to: offered in full for the few, else only the one that the address names."""

    offers: ClassVar[bool]

    def choose(self, access: Access) -> Iterable[tuple[str, str]]:
        """Return visible records with their titles."""
        target = registry()[self.field.target]
        named = as_key(self.value())
        keys = set() if named is None else {named}
        if self.offers:
            first = gate.rows(access, target).order_by(*order_of(access, target)).values_list("pk", flat=True)
            offered = list(first[: OFFERED_ROWS + 1])
            keys |= set(offered if len(offered) <= OFFERED_ROWS else ())
        titles = gate.titles(access, {target.kind: keys})
        return sorted(((str(key), title) for (_, key), title in titles.items()), key=lambda pair: pair[1].lower())

    def keep(self, access: Access, query: QuerySet[Record], value: str) -> QuerySet[Record]:
        """Compare the column; the choices are visible records only."""
        return query.filter(**{self.field.column: int(value)})


class OwnerFilter(FieldFilter):
    """By the generic owner of a child kind, named ``Company-43``."""

    def choose(self, access: Access) -> Iterable[tuple[str, str]]:
        """Return the owner that the address names, if it is visible."""
        kind, _, key = (self.value() or "").partition("-")
        number, owner = as_key(key), registry().entities.get(kind)
        titles = gate.titles(access, {kind: {number}}) if owner and number is not None else {}
        return [(f"{found}-{pk}", title) for (found, pk), title in titles.items()]

    def keep(self, access: Access, query: QuerySet[Record], value: str) -> QuerySet[Record]:
        """Compare kind and key of the owner."""
        kind, _, key = value.partition("-")
        return query.filter(**{"owner_table": registry()[kind].table_id, "owner_id": int(key)})


def filters(access: Access, entity: Entity) -> list[type[FieldFilter]]:
    """Return the filters by readable fields, the most used first."""
    shape = access.shape(entity)
    usable = [f for f in shape.readable if not f.repeat and f.expression is None]
    offered = (entity.assigned, "territory", "team")
    found = [
        _filter(ChoiceFilter, f) for f in [f for f in usable if f.type == "sel" and f.name not in entity.title][:5]
    ]
    found += [_filter(ChoiceFilter, f) for f in [f for f in usable if f.type == "bool"][:2]]
    visible = [f for f in usable if f.target and access.sees(registry()[f.target])]
    found += [_filter(ReferenceFilter, f, offers=True) for f in visible if f.name in offered]
    found += [_filter(PeriodFilter, f) for f in usable if f.name in ("opened", "created_at", "updated_at")]
    found += [_filter(ReferenceFilter, f, offers=False) for f in visible if f.name not in offered]
    owned = any(isinstance(parent, ByOwner) for parent in entity.parents)
    if owned and shape.reads("owner_table") and shape.reads("owner_id"):
        found.append(_filter(OwnerFilter, entity.by_name["owner_id"], parameter_name=OWNER_PARAMETER))
    return found


def _filter(base: type[FieldFilter], field: Field, **members: Any) -> type[FieldFilter]:
    named = {"field": field, "title": field.title, "parameter_name": field.wire.lower(), "__module__": __name__}
    return type(f"{field.wire}Filter", (base,), named | members)


class BoundedPaginator(Paginator[Any]):
    """Counts no further than ``COUNTED_ROWS``: beyond, people search or filter, and no page pays a full count."""

    @cached_property
    def count(self) -> int:
        """How many rows there are to page through."""
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED_ROWS].count())


class GatedList(ChangeList):
    """A list whose rows were read through the gate: the readable columns on show, and nothing else."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """Replace the rows of the page by what the actor may see of them."""
        super().get_results(request)
        access, page = access_of(request), self.result_list
        shown = [column.field for column in self.list_display if isinstance(column, Column)]
        rows = read(access, entity_of(self.model), page, shown)
        self.result_list = [row.carrier() for row in rows]
        self.bounded = self.result_count >= COUNTED_ROWS
