"""Django's middleware for the pages for people: the contract passes it by, for it has no cookie, form or file.

An answer of the contract would spend a quarter of a millisecond on what it does not use; what of it the contract needs
stands in ``api.middleware``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.middleware import common, csrf
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]  # it has no types

from api.address import address_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class PagesOnly:
    """Leaves requests of the contract, whose address ``SDataMiddleware`` has read, to what comes next."""

    get_response: Callable[[Any], Any]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        found: HttpResponseBase = (self.get_response if address_of(request).path else super().__call__)(request)  # type: ignore[misc]  # of the class beside
        return found


class FilesMiddleware(PagesOnly, WhiteNoiseMiddleware):  # type: ignore[misc]  # it has no types
    """Static files."""


class SessionMiddleware(PagesOnly, sessions.SessionMiddleware):
    """Sessions of the administration."""


class CommonMiddleware(PagesOnly, common.CommonMiddleware):
    """The length of an answer."""


class CsrfViewMiddleware(PagesOnly, csrf.CsrfViewMiddleware):
    """Forms are sent by our own pages only; no view of the contract reads a cookie, and each says so to Django."""


class AuthenticationMiddleware(PagesOnly, auth.AuthenticationMiddleware):
    """Who is logged in to the administration."""


class MessageMiddleware(PagesOnly, messages.MessageMiddleware):
    """What the administration says after a form."""
