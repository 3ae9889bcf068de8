"""The page that says with whom one record is shared, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpResponseRedirect

from crm.admin_forms import ReferenceField
from entities.registry import Entity, entity_of
from security import gate
from security.admin_pages import access_of
from security.admin_select import as_key
from security.errors import Invalid
from security.grants import GRANTS
from security.sharing import SHARED_ACTIONS, share, shares

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from entities.models import Record
    from security.plan import Access
    from security.sharing import HolderKind

_ACTIONS = [(action, action) for action in SHARED_ACTIONS]


def may_share(access: Access, entity: Entity) -> bool:
    """Whether the actor may share records of ``entity``: administrators, of kinds with rights of their own."""
    return access.actor.administrator and entity.kind in GRANTS


class SharingForm(forms.Form):
    """One user or one profile, and what it may do; no action ends the sharing."""

    profile = forms.ChoiceField(required=False)
    user = ReferenceField("Users", label="or user", required=False)
    actions = forms.MultipleChoiceField(
        choices=_ACTIONS, required=False, widget=forms.CheckboxSelectMultiple, label="may"
    )

    def __init__(self, access: Access, data: Any = None) -> None:
        super().__init__(data)
        profiles = Group.objects.filter(profile__isnull=False).order_by("name")
        self.fields["profile"] = forms.ChoiceField(
            choices=[("", ""), *((str(group.pk), group.name) for group in profiles)], required=False
        )
        user, key = self.fields["user"], as_key((data or {}).get("user", ""))
        if isinstance(user, ReferenceField) and key is not None:
            user.know({key: title for (_, key), title in gate.titles(access, {"Users": {key}}).items()})

    def clean(self) -> dict[str, Any]:
        """Ask for exactly one holder."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and bool(cleaned.get("profile")) == (cleaned.get("user") is not None):
            self.add_error("profile", "Choose either a profile or a user.")
        return cleaned

    @property
    def holder(self) -> tuple[HolderKind, int]:
        """Who was chosen."""
        if self.cleaned_data["profile"]:
            return "profile", int(self.cleaned_data["profile"])
        return "user", self.cleaned_data["user"]


def sharing_page(request: HttpRequest, record: Record) -> dict[str, Any] | HttpResponse:
    """Return what the page shows of ``record``; a valid form stores the grants and comes back to the page."""
    access, entity = access_of(request), entity_of(type(record))
    form = SharingForm(access, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            with transaction.atomic():
                share(access, entity, record.pk, *form.holder, set(form.cleaned_data["actions"]))
        except Invalid as error:
            form.add_error(None, error.problems[0][2])
        else:
            messages.success(request, "The sharing was stored. It counts from the next request on.")
            return HttpResponseRedirect(request.path)
    return {"form": form, "shares": shares(access, entity, record.pk), "media": form.media}
