"""The forms that set a password: an administrator's for anybody, and everybody's for themselves.

What a new password must be like is asked of ``security.accounts``; the old one is guarded like a log-in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError

from crm.admin_login import confirmed, with_status
from security import accounts
from security.errors import Invalid
from security.plan import access_for
from security.throttle import network_of

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


def _check(form: Any, field: str) -> None:
    """Say beside ``field`` why the new password is refused.

    The rules compare it with the stored user: the one of the form may lack columns.
    """
    try:
        accounts.check_new_password(form.user.pk, form.cleaned_data.get(field) or "")
    except Invalid as refused:
        form.add_error(field, [message for _, _, message in refused.problems])


class PasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """The form by which an administrator sets a password; an empty one where a setting allows it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for field in self.fields.values():
            field.required = not settings.ALLOW_EMPTY_PASSWORDS

    def clean(self) -> dict[str, Any] | None:
        """Compare both entries, empty ones too, which Django's form does not."""
        if self.cleaned_data.get("new_password1") != self.cleaned_data.get("new_password2"):
            self.add_error("new_password2", "The two passwords are not the same.")
        return super().clean()

    def validate_password_for_user(self, user: Any, password_field_name: str = "new_password2") -> None:
        """Ask the rules."""
        _check(self, password_field_name)


class OwnPasswordForm(PasswordChangeForm):
    """The form by which users change their own password; ``wait`` = seconds, after too many wrong old ones."""

    wait = 0

    def __init__(self, *arguments: Any, network: str, **options: Any) -> None:
        self.network = network
        super().__init__(*arguments, **options)

    def clean_old_password(self) -> str:
        """Compare the old password, through the throttle of log-ins: an open session is no place to guess it."""
        return confirmed(self, self.user.pk, "old_password", self.network)

    def clean(self) -> dict[str, Any] | None:
        """Refuse users whose account forbids it."""
        if not accounts.may_change_password(access_for(self.user.pk)):
            self.add_error("old_password", "Your account does not allow you to change your password.")
        return super().clean()

    def validate_password_for_user(self, user: Any, password_field_name: str = "new_password2") -> None:
        """Ask the rules."""
        given = self.cleaned_data
        if given.get(password_field_name) and given.get(password_field_name) == given.get("old_password"):
            self.add_error(password_field_name, ValidationError("This is your old password."))
        _check(self, password_field_name)

    def save(self, commit: bool = True) -> Any:
        """Store the hash and no other column: the rest of the session's user may be stale."""
        password = self.cleaned_data["new_password1"]
        self.user.password = accounts.set_password(access_for(self.user.pk), self.user.pk, password)
        return self.user


class OwnPasswordView(PasswordChangeView):
    """The page of ``OwnPasswordForm``."""

    form_class = OwnPasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form where the request comes from."""
        return {**super().get_form_kwargs(), "network": network_of(self.request.META.get("REMOTE_ADDR", ""))}

    def dispatch(self, request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponseBase:
        """Answer 429 where there were too many failures."""
        return with_status(super().dispatch(request, *arguments, **options))
