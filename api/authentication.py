"""Who calls: Basic log-in or a Bearer token, on every request; cookies never authenticate (contract.md §2).

Where the operator allows it, a token may stand in the address as ``SID``; it goes no further than this module.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from security.credentials import Verified, verify_password, verify_token
from security.directory import remembered_kinds
from security.plan import Access, access_for
from security.throttle import network_of

if TYPE_CHECKING:
    from rest_framework.request import Request

HEADERS = ("Authorization", "X-Sage-Authorization", "X-Authorization")


@dataclass(frozen=True)
class Caller:
    """The authenticated user of a request, as DRF knows it; what it may do is ``access``."""

    access: Access
    is_authenticated: bool = True

    @property
    def pk(self) -> int:
        """The user's key."""
        return self.access.actor.id


class CredentialsAuthentication(BaseAuthentication):
    """Reads the credentials headers; several of them must be equal."""

    def authenticate(self, request: Request) -> tuple[Caller, Verified] | None:
        """Return the caller; raises ``AuthenticationFailed`` for wrong credentials, None without any."""
        given = {request.headers[name] for name in HEADERS if name in request.headers}
        if settings.ALLOW_SID_IN_URL:
            given |= {f"Bearer {value}" for name, value in _pairs(request) if _is_sid(name)}
        if not given:
            return None
        network = network_of(request.META.get("REMOTE_ADDR", ""))
        verified = _verify(given.pop(), network) if len(given) == 1 else None
        if verified is None:
            raise AuthenticationFailed
        access = access_for(verified.user_id, verified.version, external=True, granted=verified.granted)
        caller = Caller(access.reading if verified.read_only else access)
        remembered_kinds(caller.access)  # with the first request of an access, so that no later one takes longer for it
        return caller, verified

    def authenticate_header(self, request: Request) -> str:
        """Make DRF answer 401 rather than 403; the header itself is set by ``errors.exception_handler``."""
        return 'Basic realm="CRM", charset="UTF-8"'


def parameters_of(request: Request) -> list[tuple[str, str]]:
    """Return the decoded parameters of the address, without credentials that it may carry."""
    return [pair for pair in _pairs(request) if not (settings.ALLOW_SID_IN_URL and _is_sid(pair[0]))]


def _pairs(request: Request) -> list[tuple[str, str]]:
    text = request.META.get("QUERY_STRING", "").encode("latin-1").decode("utf-8", "replace")  # WSGI's form
    return parse_qsl(text, keep_blank_values=True, errors="replace")


def _is_sid(name: str) -> bool:
    return name.lower() == "sid"


def _verify(header: str, network: str) -> Verified | None:
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return verify_token(value.strip(), network)
    if scheme.lower() != "basic":
        return None
    try:
        logon, colon, password = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:  # not base64, not ASCII or not UTF-8
        return None
    return verify_password(logon, password, network) if colon else None
