"""The log-in page of the administration: the same throttle as the web service (contract.md §2.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from security.throttle import TooManyFailures

if TYPE_CHECKING:
    from django.http import HttpResponse


class LoginForm(AdminAuthenticationForm):
    """Says that there were too many failures instead of trying another time."""

    wait = 0

    def clean(self) -> dict[str, Any]:
        """Log in; refuses where name or password are wrong, or where there were too many failures."""
        try:
            return super().clean()
        except TooManyFailures as refused:
            self.wait = refused.seconds
            raise ValidationError(f"Too many failed log-ins. Try again in {refused.seconds} seconds.") from None


def with_status(response: HttpResponse) -> HttpResponse:
    """Return the log-in page, with the status that a client understands where its form was not looked at."""
    form = (getattr(response, "context_data", None) or {}).get("form")
    if isinstance(form, LoginForm) and form.wait:
        response.status_code = 429
        response["Retry-After"] = str(form.wait)
    return response
