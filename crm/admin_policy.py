"""Changing policy in the administration: recorded with its author, refused where an invariant breaks, tried out first.

Every form of the site passes here, for policy is changed on many pages: profiles, rules, users, territories, grants.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.messages.storage import default_storage
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse

from entities.registry import registry
from security import accounts, gate
from security.admin_pages import PolicyPages, access_of
from security.invariants import breaches, judged
from security.models import Invariant, PolicyChange
from security.preview import changed, effects, last_change, seen_by
from security.recording import acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from security.access import Access
    from security.invariants import Breach
    from security.preview import Effect

    View = Callable[..., HttpResponse]

PREVIEW = "_preview"
_SAID = ("may read", "may no longer read", "may write", "may no longer write")
_NOT_REPEATED = (PREVIEW, "csrfmiddlewaretoken")


def guarded(view: View, context: Callable[[HttpRequest], dict[str, Any]]) -> View:
    """Return ``view`` with its changes of policy recorded, judged and, if asked for, only tried out.

    ``context`` = what every page of the site is shown with. Raises ``PermissionDenied`` for a preview by whoever has
    not this function right.
    """

    @wraps(view)
    def asked(request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        if request.method != "POST" or not request.user.is_authenticated:
            return view(request, *arguments, **options)
        if PREVIEW in request.POST:
            return _previewed(request, context, lambda: view(request, *arguments, **options))
        with transaction.atomic():
            start = last_change()
            acting(int(request.user.pk or 0))
            response = view(request, *arguments, **options)
            broken = judged() if changed(start, int(request.user.pk or 0)) else []
            if broken:
                transaction.set_rollback(True)
        return _refused(request, context, broken) if broken else response

    return asked


def _refused(
    request: HttpRequest, context: Callable[[HttpRequest], dict[str, Any]], broken: list[Breach]
) -> HttpResponse:
    """Say which invariants would break; nothing was stored."""
    _unsay(request)
    page = {**context(request), "title": "Nothing was stored", "breaches": broken, "repeated": _repeated(request)}
    return TemplateResponse(request, "admin/policy/refused.html", page, status=409)


def _previewed(
    request: HttpRequest, context: Callable[[HttpRequest], dict[str, Any]], change: Callable[[], HttpResponse]
) -> HttpResponse:
    access = access_of(request)
    if "preview" not in access.actor.functions:
        raise PermissionDenied
    # Policy is the administrators', and so is what a rule about it says of other people.
    judges = breaches if access.actor.administrator else list
    (response, broken), told = effects(lambda: (change(), judges()))
    if not isinstance(response, HttpResponseRedirect):
        form: HttpResponse = response  # it has errors and shows them
        return form
    _unsay(request)
    page = {**context(request), "title": "What this would change", "breaches": broken, "repeated": _repeated(request)}
    return TemplateResponse(request, "admin/policy/preview.html", {**page, "effects": told_to(access, told)})


def _unsay(request: HttpRequest) -> None:
    """Drop the message of a success that there was not."""
    vars(request)["_messages"] = default_storage(request)


def _repeated(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what was sent, to be sent again as it is."""
    sent = request.POST.lists()
    return [(name, str(value)) for name, values in sent if name not in _NOT_REPEATED for value in values]


def told_to(access: Access, told: list[Effect]) -> list[dict[str, Any]]:
    """Return the effects as the page shows them to the reader."""
    known = seen_by(access, told)
    names = gate.titles(access, {"Users": {effect.user for effect in known}})
    return [
        {
            "name": names.get(("Users", effect.user), f"User {effect.user}"),
            "rows": effect.rows,
            "fields": [
                (said, list(wires), one.kind)
                for one in effect.fields
                for said, wires in zip(_SAID, one.lists, strict=True)
                if wires
            ],
        }
        for effect in known
    ]


class InvariantForm(forms.ModelForm[Invariant]):
    """One invariant."""

    entity = forms.ChoiceField(
        label="Kind", choices=lambda: [("", "---------"), *((entity.kind, entity.plural) for entity in registry())]
    )

    class Meta:
        model = Invariant
        fields = ("mode", "profile", "action", "entity", "field", "scope")

    def clean(self) -> dict[str, Any]:
        """Refuse a field of another kind, and a scope beside a field or for a kind without rights of its own."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        entity = registry().find(cleaned.get("entity", ""))
        wire, scope = cleaned.get("field", ""), cleaned.get("scope", "")
        if entity is not None and wire:
            field = entity.field(wire)
            if field is None:
                self.add_error("field", f"{entity.plural} have no such field.")
            else:
                cleaned["field"] = field.wire
            if scope or cleaned.get("action") not in ("view", "edit"):
                self.add_error("field", "A field is viewed or edited, and in no scope.")
        if entity is not None and not wire and not entity.has_own_rights:
            self.add_error("entity", f"{entity.plural} follow other records: name the kind whose rights decide.")
        if scope == "territory":
            self.add_error("scope", "No single territory can be named here.")
        return cleaned


class InvariantAdmin(PolicyPages, admin.ModelAdmin[Invariant]):
    """What the policy must hold whoever changes it."""

    form = InvariantForm
    list_display = ("__str__",)
    list_select_related = ("profile__group",)


class PolicyChangeAdmin(PolicyPages, admin.ModelAdmin[PolicyChange]):
    """The history of policy, to be read only."""

    list_display = ("at", "who", "what")
    list_filter = ("table",)
    search_fields = ("table", "key")
    ordering = ("-pk",)
    list_per_page = 50
    fields = ("at", "who", "table", "key", "old", "new")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody writes history."""
        return False

    has_change_permission = has_delete_permission = has_add_permission

    @admin.display(description="by")
    def who(self, change: PolicyChange) -> str:
        """Name the administrator, else the role of the database."""
        if change.actor is None:
            return f"database role {change.role}"
        return accounts.logon_of(change.actor) or f"user {change.actor}"

    @admin.display(description="change")
    def what(self, change: PolicyChange) -> str:
        """Say what became different."""
        row, name = change.new or change.old or {}, change.table.partition("_")[2].replace("_", " ")
        if not row:
            return "recording began"
        if change.old is None or change.new is None:
            filled = {name: value for name, value in row.items() if value not in (None, "", False, []) and name != "id"}
            said = ", ".join(f"{name}={value}" for name, value in _named(filled).items())
            return f"{name} {change.key} {'made' if change.old is None else 'removed'}: {said}"
        differs = (name for name in change.new if change.old.get(name) != change.new[name])
        return f"{name} {change.key}: " + ", ".join(
            f"{name} {change.old.get(name)} → {change.new[name]}" for name in differs
        )


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the permission of a grant by its name."""
    if "permission_id" not in row:
        return row
    code = Permission.objects.filter(pk=row["permission_id"]).values_list("codename", flat=True).first()
    return {name: value for name, value in row.items() if name != "permission_id"} | {"permission": code}
