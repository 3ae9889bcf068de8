"""Administration of Bearer tokens: issued and shown once, revoked, never changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.template.response import TemplateResponse
from django.utils import timezone

from security import accounts
from security.admin_pages import PolicyPages, access_of
from security.models import Token

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

TOKEN_LIFE = timedelta(days=365)


class TokenForm(forms.ModelForm[Token]):
    """What a new token is for."""

    class Meta:
        model = Token
        fields = ("user", "name", "expires_at", "read_only")

    def clean_expires_at(self) -> Any:
        """Refuse a token that would be of no use."""
        expires_at = self.cleaned_data["expires_at"]
        if expires_at <= timezone.now():
            raise forms.ValidationError("Choose a time to come.")
        return expires_at


class TokenAdmin(PolicyPages, admin.ModelAdmin[Token]):
    """Bearer tokens: issued here and shown once, revoked here, never changed."""

    actions = ("revoke",)
    form = TokenForm
    list_display = ("name", "owner", "read_only", "created_at", "expires_at", "revoked_at")
    list_filter = ("read_only", "expires_at", "revoked_at")
    ordering = ("-created_at",)
    search_fields = ("name", "user__logon")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A token is what it was issued as."""
        return False

    has_delete_permission = has_change_permission

    def get_queryset(self, request: HttpRequest) -> QuerySet[Token]:
        """Read logon and name of the owners along."""
        return super().get_queryset(request).select_related("user")

    @admin.display(description="User", ordering="user__logon")
    def owner(self, token: Token) -> str:
        """Name the user."""
        return f"{token.user} ({token.user.logon})"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Propose an expiry."""
        return {"expires_at": (timezone.now() + TOKEN_LIFE).replace(microsecond=0)}

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        """Issue the token."""
        wanted = form.cleaned_data
        issued, secret = accounts.issue_token(
            access_of(request), obj.user_id, wanted["name"], wanted["expires_at"], read_only=wanted["read_only"]
        )
        obj.pk = issued.pk
        vars(request)["token"] = secret

    def response_add(self, request: HttpRequest, obj: Token, post_url_continue: str | None = None) -> HttpResponse:
        """Show the token this once."""
        context = {**self.admin_site.each_context(request), "title": "Token issued", "opts": self.opts}
        shown = {"token": vars(request)["token"], "name": obj.name}
        return TemplateResponse(request, "admin/token_issued.html", context | shown)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether tokens may be revoked."""
        return access_of(request).actor.administrator

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        """Revoke them; the next request with one is refused."""
        count = accounts.revoke_tokens(access_of(request), queryset.values_list("pk", flat=True))
        messages.success(request, f"{count} revoked.")
