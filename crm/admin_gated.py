"""One administration for every kind: Django's pages over the gate.

Rows come from ``gate.rows``, fields from the shape, rights from the plan, writes end in ``security.writes``. It
decides how pages are arranged; it asks nobody but the plan what may be seen or done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path

from crm.admin_explain import explain_page
from crm.admin_forms import REFUSALS, form_class, problems
from crm.admin_rights import PlanAdmin
from crm.admin_rows import Column, address, read, related, row_of, shown_fields
from crm.admin_sharing import may_share, sharing_page
from entities.rules import computed_by_state
from security import gate, writes
from security.admin_pages import access_of
from security.admin_select import as_key
from security.errors import Invalid
from security.history import history
from security.recording import is_policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.urls import URLPattern

    from entities.models import Record
    from entities.registry import Field

SELECTED_ROWS = 1_000
_FOLDED = ("collapse",)


class GatedAdmin(PlanAdmin):
    """The pages of one kind."""

    change_form_template = "admin/gated/change_form.html"
    change_list_template = "admin/gated/change_list.html"
    delete_confirmation_template = "admin/gated/delete.html"

    def writable(self, request: HttpRequest, obj: Record | None) -> list[Field]:
        """Return the fields to type in, for a new record or for ``obj``."""
        access = access_of(request)
        if obj is not None and not self.has_change_permission(request, obj):
            return []
        shape, computed = access.shape(self.entity), computed_by_state(obj) if obj is not None else frozenset()
        fields = [f for f in shown_fields(access, self.entity) if shape.writes(f) and f.name not in computed]
        return [f for f in fields if obj is None or not f.fixed]

    def get_fieldsets(self, request: HttpRequest, obj: Record | None = None) -> Any:
        """Arrange the readable fields: the writable by name, the others as columns to read."""
        access, entity = access_of(request), self.entity
        typed = self.writable(request, obj)
        shown = typed if obj is None else [f for f in shown_fields(access, entity) if f.type != "key"]
        item = {f: f.name if f in typed else Column(f, access.lists, access.actor.language) for f in shown}
        assignment = [f for f in shown if f.name in (entity.assigned, "territory", "team")]
        notes = [f for f in shown if f.type == "memo"]
        system = [f for f in shown if f.system and f not in assignment and f not in notes]
        first = [f for f in shown if f not in (*assignment, *notes, *system)]
        named = ((None, first, ()), ("Assignment", assignment, ()), ("Notes", notes, ()), ("Record", system, _FOLDED))
        sets = [(name, {"fields": [item[f] for f in fields], "classes": css}) for name, fields, css in named if fields]
        tag = (None, {"fields": ["shown_tag"], "classes": ("hidden",)})
        return [*sets, tag] if obj is not None and typed else sets

    def get_readonly_fields(self, request: HttpRequest, obj: Record | None = None) -> Any:
        """Return the columns to read of the form."""
        items = [item for _, options in self.get_fieldsets(request, obj) for item in options["fields"]]
        return [item for item in items if isinstance(item, Column)]

    def get_form(self, request: HttpRequest, obj: Record | None = None, change: bool = False, **options: Any) -> Any:
        """Return the form of ``obj`` or of a new record."""
        row = row_of(obj) if obj is not None else None
        return form_class(access_of(request), self.entity, row, self.writable(request, obj))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Let a link to the page of a new record say which records it belongs to, by key."""
        sent = {name.lower(): value for name, value in request.GET.items()}
        fields = [f for f in self.writable(request, None) if f.target or f.name in ("owner_table", "owner_id")]
        keys = {f.name: as_key(sent.get(f.wire.lower(), "")) for f in fields}
        return {name: key for name, key in keys.items() if key is not None}

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """The form has stored the record while it was checked (``RecordForm``)."""
        return form.instance

    def save_model(self, request: HttpRequest, obj: Record, form: Any, change: bool) -> None:
        """Nothing is left to store."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is left to store."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Nothing: the trail of changes is written by ``security.writes`` for every channel."""
        return []

    def log_addition(self, request: HttpRequest, obj: Record, message: Any) -> Any:
        """Write no log of Django's: its entries name fields that a later reader may not know."""

    log_change = log_addition

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """As ``log_addition``."""

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of grants and of explanations."""
        pages = (("sharing", self.sharing_view), ("explain", self.explain_view))
        found = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=self._name(name))
            for name, view in pages
        ]
        return [*found, *super().get_urls()]

    def _name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def _must_know(self, request: HttpRequest) -> None:
        if not access_of(request).knows(self.entity):
            raise Http404

    def _refused(self, request: HttpRequest, error: Exception) -> None:
        for _, sentence in problems(access_of(request), self.entity, error):
            messages.error(request, sentence)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list, or run an action; a refused one changed nothing and says why."""
        self._must_know(request)
        try:
            return super().changelist_view(request, extra_context)
        except REFUSALS as error:
            self._refused(request, error)
            return HttpResponseRedirect(request.get_full_path())

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *more: Any) -> Any:
        """Run an action on the chosen keys. Raises ``BadRequest`` for what is no key."""
        if any(as_key(text) is None for text in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest
        return super().response_action(request, queryset, *more)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show or save a record."""
        self._must_know(request)
        if "_saveasnew" in request.POST:
            raise BadRequest
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        """Add the lists of related records and the link to the grants."""
        obj = options.get("obj")
        if obj is not None:
            access = access_of(request)
            context["related"] = related(access, self.entity, obj.pk)
            context["explain_url"] = address(self.entity, "explain", obj.pk)
            context["previews"] = is_policy(self.entity) and "preview" in access.actor.functions
            context["sharing_url"] = address(self.entity, "sharing", obj.pk) if may_share(access, self.entity) else ""
        return super().render_change_form(request, context, *arguments, **options)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List the chosen records by title, and nothing that hangs on them: deletion is a mark, nothing cascades.

        Raises ``Invalid`` for too many at once.
        """
        access, keys = access_of(request), [obj.pk for obj in objs[: SELECTED_ROWS + 1]]
        if len(keys) > SELECTED_ROWS:
            raise Invalid([("", "BusinessRule", f"Choose at most {SELECTED_ROWS:,} records at a time.")])
        rows = read(access, self.entity, gate.rows(access, self.entity).filter(pk__in=keys), ())
        deletable = set(gate.rows(access, self.entity, "delete").filter(pk__in=keys).values_list("pk", flat=True))
        lacking = {str(self.opts.verbose_name)} if set(keys) - deletable else set()
        return [row.title for row in rows], {str(self.opts.verbose_name_plural): len(rows)}, lacking, []

    def delete_model(self, request: HttpRequest, obj: Record) -> None:
        """Delete through the gate. Raises one of ``REFUSALS``."""
        access = access_of(request)
        writes.delete(access, self.entity, writes.locked(access, self.entity, obj.pk, "delete"))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete one by one through the gate: all or none. Raises one of ``REFUSALS``."""
        with transaction.atomic():
            for record in sorted(queryset, key=lambda found: found.pk):
                self.delete_model(request, record)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Delete a record after a question; a refusal leads back to it and says why."""
        self._must_know(request)
        try:
            return super().delete_view(request, object_id, extra_context)
        except REFUSALS as error:
            self._refused(request, error)
            return HttpResponseRedirect(address(self.entity, "change", object_id))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Show who changed which readable fields when."""
        return self._page(request, object_id, "admin/gated/history.html", "Change history", self._history)

    def _history(self, request: HttpRequest, obj: Record) -> dict[str, Any]:
        return {"entries": history(access_of(request), self.entity, obj.pk)}

    def sharing_view(self, request: HttpRequest, object_id: str) -> Any:
        """Show and change with whom a record is shared."""
        if not may_share(access_of(request), self.entity):
            raise PermissionDenied
        return self._page(request, object_id, "admin/gated/sharing.html", "Shared with", sharing_page)

    def explain_view(self, request: HttpRequest, object_id: str) -> Any:
        """Show why somebody may or may not do something to a record."""
        return self._page(request, object_id, "admin/gated/explain.html", "Why", explain_page)

    def _page(
        self,
        request: HttpRequest,
        object_id: str,
        template: str,
        title: str,
        content: Callable[[HttpRequest, Record], dict[str, Any] | HttpResponse],
    ) -> HttpResponse:
        """Answer with a page about one record."""
        self._must_know(request)
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return HttpResponseRedirect(address(self.entity, "change", object_id))  # which says that it is missing
        made = content(request, obj)
        if not isinstance(made, dict):
            return made
        context = {**self.admin_site.each_context(request), "title": title, "subtitle": str(obj), "object": obj}
        return TemplateResponse(request, template, {**context, "opts": self.opts, **made})
