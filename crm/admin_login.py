"""The log-in page of the administration: the same throttle as the web service (contract.md §2.9), and a second factor.

The code is asked for on the page of name and password, and one sentence refuses all three: who guessed a password does
not learn that it was right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http.response import HttpResponseBase

from security import credentials, second_factor
from security.throttle import TooManyFailures

if TYPE_CHECKING:
    from django.http import HttpRequest

Response = TypeVar("Response", bound=HttpResponseBase)

PROVED = "second_factor"
_REFUSED = "Please enter the correct logon and password for a staff account"


def code_field(**options: Any) -> forms.CharField:
    """Return the field that a code is typed into."""
    hints = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
    return forms.CharField(label="Code", max_length=40, widget=forms.TextInput(hints), **options)


class LoginForm(AdminAuthenticationForm):
    """Says that there were too many failures instead of trying another time."""

    wait = 0
    code = code_field(required=False, help_text="Of your authenticator, or a backup code, if you have set one up.")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not second_factor.is_asked():
            del self.fields["code"]
        else:
            self.fields["code"].widget.attrs["style"] = (
                "width: 100%; box-sizing: border-box; padding: 8px"  # as the two above it
            )

    def clean(self) -> dict[str, Any]:
        """Log in; refuses where name, password or code are wrong, or where there were too many failures."""
        given = self.cleaned_data
        if not given.get("username") or not given.get("password"):
            return given
        try:
            self.user_cache = authenticate(
                self.request, username=given["username"], password=given["password"], code=given.get("code", "")
            )
        except TooManyFailures as refused:
            raise _too_many(self, refused) from None
        if self.user_cache is None:
            raise self.get_invalid_login_error()
        self.confirm_login_allowed(self.user_cache)
        return given

    def get_invalid_login_error(self) -> ValidationError:
        """Return the one sentence."""
        end = ", and a code if you have set up a second factor." if "code" in self.fields else "."
        return ValidationError(_REFUSED + end, code="invalid_login")


def _too_many(form: Any, refused: TooManyFailures) -> ValidationError:
    form.wait = refused.seconds
    return ValidationError(f"Too many failed log-ins. Try again in {refused.seconds} seconds.")


def confirmed(form: Any, user: int, field: str, network: str) -> str:
    """Return the password in ``field``, which is the user's. Raises ``ValidationError`` for any other."""
    password: str = form.cleaned_data[field]
    try:
        right = credentials.confirm_password(user, password, network)
    except TooManyFailures as refused:
        raise _too_many(form, refused) from None
    if not right:
        raise ValidationError("Your password was entered incorrectly. Please enter it again.", "password_incorrect")
    return password


def with_status(response: Response) -> Response:
    """Return a page, with the status that a client understands where its form was not looked at."""
    wait = getattr((getattr(response, "context_data", None) or {}).get("form"), "wait", 0)
    if wait:
        response.status_code = 429
        response["Retry-After"] = str(wait)
    return response


def remember_factor(request: HttpRequest) -> None:
    """Write into the session which second factor was proved in this request's log-in."""
    proved = vars(request.user).get("second_factor") if request.user.is_authenticated else None
    if proved is not None:
        request.session[PROVED] = proved


def is_proved(request: HttpRequest) -> bool:
    """Whether the session may go on without another code; asked once per request."""
    known: dict[str, Any] = vars(request)
    if "is_proved" not in known:
        known["is_proved"] = second_factor.satisfies(request.user.pk or 0, request.session.get(PROVED))
    return bool(known["is_proved"])
