"""Setting up, renewing and removing one's second factor, and its reset by an administrator.

A session is not enough for any of it. Setting up takes the password, so that who found an open session cannot make it
theirs; replacing takes the password and a code. Until a first code has proved it, the key stands nowhere but in the
page that shows it, sealed to the user and the present password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.admin_login import PROVED, code_field, confirmed, with_status
from crm.admin_rows import address
from entities.registry import registry
from security import log_ins, second_factor
from security.admin_pages import access_of
from security.errors import NotPermitted
from security.log_ins import Attempt
from security.throttle import network_of

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.http import HttpRequest

    from entities.models import Record

_SALT = "parapet.second-factor"
_SECONDS = 900
_WRONG_CODE = "The code is not right. Look at the clock of your device, or wait for the next code."


class ConfirmForm(forms.Form):
    """The password, before a key is shown."""

    wait = 0
    password = forms.CharField(
        label="Your password", strip=False, widget=forms.PasswordInput({"autocomplete": "current-password"})
    )

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        self.user, self.network = request.user, network_of(request.META.get("REMOTE_ADDR", ""))
        super().__init__(data)

    def clean_password(self) -> str:
        """Compare it, through the throttle of log-ins."""
        return confirmed(self, self.user.pk or 0, "password", self.network)


class ProvedForm(ConfirmForm):
    """The password and a code of the present second factor."""

    code = code_field(help_text="Of your authenticator, or a backup code.")

    def clean(self) -> dict[str, Any]:
        """Look at the code, once the password is right."""
        given = self.cleaned_data
        if not self.errors and second_factor.passes(self.user.pk, given["code"], self.network) is None:
            log_ins.note(Attempt(self.user.pk, self.network, "own", "code"), self.user.get_username())
            self.add_error("code", _WRONG_CODE)
        return given


class NewForm(forms.Form):
    """The first code of a new key, and the key."""

    key = forms.CharField(widget=forms.HiddenInput)
    code = code_field()

    def __init__(self, request: HttpRequest, data: Any) -> None:
        self.request = request
        super().__init__(data)

    def clean_key(self) -> bytes:
        """Open the key that the page carries. Raises ``ValidationError`` for any but a fresh one of this user."""
        try:
            text = signing.loads(self.cleaned_data["key"], key=None, salt=_salt(self.request), max_age=_SECONDS)
        except signing.BadSignature:
            raise ValidationError("Begin again.") from None
        return bytes.fromhex(text)


def _salt(request: HttpRequest) -> str:
    user: Any = request.user
    return f"{_SALT} {user.pk} {user.get_session_auth_hash()}"


def own_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Answer the page of one's own second factor; ``step`` says which form was sent."""
    factor = second_factor.factor_of(request.user.pk or 0)
    step = request.POST.get("step", "") if request.method == "POST" else ""
    shown: dict[str, Any] | HttpResponse
    if step == "leave":  # the site's own log-out is not open before there is a second factor
        logout(request)
        return HttpResponseRedirect(reverse("admin:login"))
    if factor is None:
        shown = _confirm(request) if step == "new" else _begin(request, step)
    else:
        shown = _change(request, factor.pk, step)
    if isinstance(shown, HttpResponse):
        return shown
    context = {**site.each_context(request), "title": "Second factor", **shown}
    return with_status(TemplateResponse(request, "admin/second_factor.html", context))


def _begin(request: HttpRequest, step: str) -> dict[str, Any]:
    form = ConfirmForm(request, request.POST if step == "begin" else None)
    if not form.is_valid():
        return {"form": form, "step": "begin", "submit": "Set up"}
    return _shown(request, second_factor.new_key(), NewForm(request, None))


def _shown(request: HttpRequest, key: bytes, form: NewForm) -> dict[str, Any]:
    """Show a key: as a picture for a telephone, as text for others."""
    found = second_factor.address_of(key, request.user.get_username())
    picture = segno.make(found, error="m", micro=False).svg_inline(scale=5, border=4, light="#fff", dark="#000")
    form.initial["key"] = signing.dumps(key.hex(), salt=_salt(request))
    if form.is_bound:
        form.data = {**form.data.dict(), "key": form.initial["key"]}  # type: ignore[attr-defined]  # a QueryDict
    spelled = second_factor.spelled(key)
    return {"form": form, "step": "new", "submit": "Confirm", "picture": picture, "spelled": spelled}


def _confirm(request: HttpRequest) -> dict[str, Any] | HttpResponse:
    form = NewForm(request, request.POST)
    form.is_valid()
    key = form.cleaned_data.get("key")
    if key is None:
        messages.error(request, "That took too long. Begin again.")
        return _begin(request, "")
    try:
        made = second_factor.enrol(request.user.pk or 0, key, form.cleaned_data.get("code", ""))
    except NotPermitted:  # another window was faster
        return HttpResponseRedirect(reverse("admin:second_factor"))
    if made is None:
        if not form.errors:
            form.add_error("code", _WRONG_CODE)
        return _shown(request, key, form)
    factor, codes = made
    request.session.cycle_key()
    request.session[PROVED] = factor
    vars(request)["is_proved"] = True
    _note(request, request.user.pk or 0, "enrolled")
    return {"codes": codes}


def _change(request: HttpRequest, factor: int, step: str) -> dict[str, Any] | HttpResponse:
    form = ProvedForm(request, request.POST if step in ("codes", "remove") else None)
    if not form.is_valid():
        left = second_factor.backup_codes_left(request.user.pk or 0)
        return {"form": form, "step": "codes", "submit": "New backup codes", "left": left, "removable": True}
    if step == "codes":
        return {"codes": second_factor.new_backup_codes(factor)}
    second_factor.remove(request.user.pk or 0)
    _note(request, request.user.pk or 0, "removed")
    messages.success(request, "The second factor was removed.")
    return HttpResponseRedirect(reverse("admin:second_factor"))


def reset_page(request: HttpRequest, obj: Record) -> dict[str, Any] | HttpResponse:
    """Ask, then remove the second factor of somebody else."""
    if request.method != "POST":
        return {}
    try:
        gone = second_factor.reset(access_of(request), obj.pk)
    except NotPermitted:
        messages.error(request, "Change your own second factor on its own page: it takes a code.")
    else:
        if gone:
            _note(request, obj.pk, "reset")
        messages.success(request, "There is no second factor any more; the password alone logs in.")
    return HttpResponseRedirect(address(registry()["Users"], "change", obj.pk))


def _note(request: HttpRequest, user: int, outcome: str) -> None:
    network = network_of(request.META.get("REMOTE_ADDR", ""))
    by = request.user.get_username()
    log_ins.note(Attempt(user, network, "own", outcome), by)
