"""What a kind's pages may show, asked of the plan: rights, rows, columns, filters, search.

It decides nothing itself; forms and pages are ``admin_gated``'s matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from crm.admin_lists import BoundedPaginator, GatedList, columns, filters
from crm.admin_rows import EMPTY, order_of, read_one, search, searched
from entities.registry import Entity, entity_of
from security import gate
from security.admin_pages import access_of
from security.admin_select import as_key

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from entities.models import Record
    from security.plan import Action


class PlanAdmin(admin.ModelAdmin["Record"]):
    """Answers Django's questions about one kind from the plan."""

    empty_value_display = EMPTY
    list_per_page = 50
    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    view_on_site = False

    @property
    def entity(self) -> Entity:
        """The kind."""
        return entity_of(self.model)

    def _may(self, request: HttpRequest, action: Action, obj: Record | None = None) -> bool:
        access = access_of(request)
        if action not in access.shape(self.entity).actions or obj is None:
            return action in access.shape(self.entity).actions
        known: dict[tuple[str, str, int], bool] = vars(request).setdefault("allowed", {})
        question = (self.entity.kind, action, obj.pk)
        if question not in known:
            known[question] = gate.allows(access, self.entity, action, obj.pk)
        return known[question]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the kind exists for the actor."""
        return access_of(request).knows(self.entity)

    def has_view_permission(self, request: HttpRequest, obj: Record | None = None) -> bool:
        """Whether the record, or some record, may be viewed."""
        return self._may(request, "view", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether some record may be inserted."""
        return self._may(request, "insert")

    def has_change_permission(self, request: HttpRequest, obj: Record | None = None) -> bool:
        """Whether the record, or some record, may be edited."""
        return self._may(request, "edit", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Record | None = None) -> bool:
        """Whether the record, or some record, may be deleted."""
        return self._may(request, "delete", obj)

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Only keys may be referred to."""
        return to_field == "id"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the parameters of the filters on offer and nothing else: no column, no path, no operator."""
        offered = {filter_.parameter_name for filter_ in self.get_list_filter(request)}
        return lookup in offered

    def get_queryset(self, request: HttpRequest) -> QuerySet[Record]:
        """Return the visible rows, by key only: what is shown of them ``GatedList`` and ``get_object`` read."""
        return gate.rows(access_of(request), self.entity).only("pk")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Record | None:
        """Return what may be seen of a record; None for an invisible as for a missing one."""
        key = as_key(object_id)
        row = None if key is None else read_one(access_of(request), self.entity, key)
        return row.carrier() if row else None

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[GatedList]:
        """Return the list that reads through the gate."""
        return GatedList

    def get_ordering(self, request: HttpRequest) -> Any:
        """Return the kind's default order."""
        return order_of(access_of(request), self.entity)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return title and columns."""
        return columns(access_of(request), self.entity)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Return the filters."""
        return filters(access_of(request), self.entity)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Return the names of the fields that are searched."""
        return [field.name for field in searched(access_of(request), self.entity)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Record], search_term: str
    ) -> tuple[QuerySet[Record], bool]:
        """Keep the rows that match what was typed."""
        return search(access_of(request), self.entity, queryset, search_term), False
