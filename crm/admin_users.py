"""Administration of users: their fields through the gate as for every kind, and what is no field of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import path, reverse

from crm.admin_factor import reset_page
from crm.admin_forms import RecordForm, form_class
from crm.admin_gated import GatedAdmin
from crm.admin_password import PasswordForm
from crm.admin_rows import address, order_of, row_of
from entities.registry import registry
from security import accounts, gate, second_factor
from security.accounts import Account
from security.admin_pages import access_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

    from entities.models import Record
    from security.plan import Access

_ACCOUNT = ("account_staff", "account_administrator", "account_profiles", "account_teams")


class UserForm(RecordForm):
    """A user and the account; stored together or not at all."""

    def store(self) -> int:
        """Write the fields, then the account. Raises one of ``REFUSALS``."""
        key, chosen = super().store(), self.cleaned_data
        if set(_ACCOUNT) & set(self.changed_data) or key == self.access.actor.id:
            wanted = Account(
                staff=chosen["account_staff"],
                administrator=chosen["account_administrator"],
                profiles=frozenset(int(pk) for pk in chosen["account_profiles"]),
                teams=frozenset(int(pk) for pk in chosen["account_teams"]),
            )
            accounts.set_account(self.access, key, wanted)
        return key


def account_fields(access: Access, stored: Account) -> dict[str, forms.Field]:
    """Return the form fields of an account, filled with ``stored``."""
    channel = registry()["Channel"]
    teams = gate.rows(access, channel).order_by(*order_of(access, channel)).values_list("pk", flat=True)
    titles = gate.titles(access, {"Channel": set(teams)})
    profiles = Group.objects.filter(profile__isnull=False).order_by("name").values_list("pk", "name")
    boxes = forms.CheckboxSelectMultiple
    return {
        "account_staff": forms.BooleanField(
            label="Staff", help_text="May open the administration.", required=False, initial=stored.staff
        ),
        "account_administrator": forms.BooleanField(
            label="Administrator", help_text="May do everything.", required=False, initial=stored.administrator
        ),
        "account_profiles": forms.MultipleChoiceField(
            label="Security profiles",
            choices=list(profiles),
            required=False,
            initial=sorted(stored.profiles),
            widget=boxes,
        ),
        "account_teams": forms.MultipleChoiceField(
            label="Teams",
            choices=[(pk, titles["Channel", pk]) for pk in teams],
            required=False,
            initial=sorted(stored.teams),
            widget=boxes,
        ),
    }


class UserAdmin(GatedAdmin):
    """Users; administrators see their accounts too."""

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that set a password and remove a second factor."""
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/password/", view(self.password_view), name="entities_user_password"),
            path("<path:object_id>/second-factor/", view(self.factor_view), name="entities_user_second_factor"),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Record | None = None) -> Any:
        """Put the account after the first fields."""
        first, *others = super().get_fieldsets(request, obj)
        if not access_of(request).actor.administrator:
            return [first, *others]
        return [first, ("Account", {"fields": list(_ACCOUNT), "classes": ()}), *others]

    def get_form(self, request: HttpRequest, obj: Record | None = None, change: bool = False, **options: Any) -> Any:
        """Return the form, with the account for administrators."""
        access = access_of(request)
        if not access.actor.administrator:
            return super().get_form(request, obj, change, **options)
        row = row_of(obj) if obj is not None else None
        stored = accounts.account(access, obj.pk) if obj is not None else Account()
        fields = self.writable(request, obj)
        return form_class(access, self.entity, row, fields, UserForm, account_fields(access, stored))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        """Add the links to the password and to the second factor of somebody else."""
        obj = options.get("obj")
        if obj is not None and access_of(request).actor.administrator:
            context["password_url"] = address(self.entity, "password", obj.pk)
            if obj.pk != request.user.pk and second_factor.factor_of(obj.pk) is not None:
                context["factor_url"] = address(self.entity, "second_factor", obj.pk)
        return super().render_change_form(request, context, *arguments, **options)

    def response_add(self, request: HttpRequest, obj: Record, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the password."""
        messages.success(request, "The user was added. Nobody can log in as this user before there is a password.")
        return HttpResponseRedirect(address(self.entity, "password", obj.pk))

    def password_view(self, request: HttpRequest, object_id: str) -> Any:
        """Set a user's password; one's own on its own page, for an open session is no proof of who uses it."""
        if not access_of(request).actor.administrator:
            raise PermissionDenied
        return self._page(request, object_id, "admin/gated/password.html", "Set password", self._password)

    def factor_view(self, request: HttpRequest, object_id: str) -> Any:
        """Remove the second factor of a user who lost it."""
        if not access_of(request).actor.administrator:
            raise PermissionDenied
        return self._page(request, object_id, "admin/gated/reset_factor.html", "Reset second factor", reset_page)

    def _password(self, request: HttpRequest, obj: Record) -> dict[str, Any] | HttpResponse:
        if obj.pk == request.user.pk:
            return HttpResponseRedirect(reverse("admin:password_change"))  # which takes the old one
        user: Any = obj
        form = PasswordForm(user, request.POST or None)
        if not form.is_valid():
            return {"form": form, "media": form.media}
        accounts.set_password(access_of(request), obj.pk, form.cleaned_data["new_password1"])
        messages.success(request, "The password was set.")
        return HttpResponseRedirect(address(self.entity, "change", obj.pk))
