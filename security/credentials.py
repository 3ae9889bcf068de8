"""Verifying who calls: Basic log-in with argon2, Bearer tokens by hash.

A verified password is remembered for a short while, in this process only, as a keyed digest bound to the stored
hash: a repeated request does not pay the slow hash, and a changed password or a disabled user is refused at once,
because the stored hash and the user's state are read afresh for every request, together with the policy version.
Whoever is remembered, and a token that is right, never meets the throttle.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache

import structlog
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db.models import CharField, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from entities.models import User
from entities.models.base import folded
from security import gate, throttle
from security.models import PolicyVersion, Token
from security.statements import Slot, Statement, prepared

TOKEN_PREFIX = "pcrm_"
REMEMBER_SECONDS = 300
REMEMBER_ENTRIES = 10_000

log = structlog.get_logger(__name__)

_key = secrets.token_bytes(32)
_remembered: OrderedDict[bytes, float] = OrderedDict()
_DUMMY = make_password(secrets.token_urlsafe(16))


@dataclass(frozen=True)
class Verified:
    """A caller whose credentials are right: the user's key and the policy version read together with it."""

    user_id: int
    version: int
    read_only: bool = False


def _users(*, web_service: bool, reserved: bool) -> QuerySet[User]:
    """Return the users who may log in; ``web_service`` = to the web service, which is ``reserved`` for some or not."""
    may = gate.system_rows(User).filter(disabled=False, resource=False, is_template=False)
    return may.filter(web_service_enabled=True) if web_service and reserved else may


def _version() -> Coalesce:
    """Return the policy version, to be read in the statement that reads the user."""
    return Coalesce(Subquery(PolicyVersion.objects.values("number")[:1]), 0)


def verify_password(logon: str, password: str, network: str = "", *, web_service: bool = True) -> Verified | None:
    """Return the user called ``logon`` if ``password`` is right and the user may log in, else None.

    Every refused password pays the slow hash, known user or not, so that the time tells nothing (OWASP).
    ``network`` is where the request comes from (``throttle.network_of``). Raises ``throttle.TooManyFailures``.
    """
    if "\x00" in logon or "\x00" in password:
        return None
    row = next(iter(_user_called(web_service, settings.REQUIRE_WEB_SERVICE_ACCESS).rows(logon=logon.lower())), None)
    key, stored, policy = row or (0, _DUMMY, 0)
    digest = _digest(key, password, stored)
    if row is not None and _is_remembered(digest) and _may_be(password):
        return Verified(key, policy)
    throttle.check(network, logon.lower())
    if not check_password(password, stored) or row is None or not _may_be(password):
        throttle.failed(network, logon.lower())
        log.warning("log-in failed", network=network, logon=logon if row else "unknown")
        return None
    _remember(digest)
    return Verified(key, policy)


@cache
def _user_called(web_service: bool, reserved: bool) -> Statement:
    """Return the statement that reads a user by the folded log-on name: key, stored hash, policy version."""
    users = _users(web_service=web_service, reserved=reserved).annotate(policy=_version(), _logon=folded("logon"))
    found = users.filter(_logon=Slot("logon", CharField())).order_by("pk")[:1]
    return prepared(found.values_list("pk", "password", "policy"))


def _may_be(password: str) -> bool:
    return bool(password) or settings.ALLOW_EMPTY_PASSWORDS


def _digest(user: int, password: str, stored: str) -> bytes:
    message = b"\x00".join((str(user).encode(), stored.encode(), password.encode("utf-8", "surrogatepass")))
    return hmac.new(_key, message, hashlib.sha256).digest()


def _is_remembered(digest: bytes) -> bool:
    return _remembered.get(digest, 0.0) > time.monotonic()


def _remember(digest: bytes) -> None:
    while len(_remembered) >= REMEMBER_ENTRIES:
        _remembered.popitem(last=False)
    _remembered[digest] = time.monotonic() + REMEMBER_SECONDS


def verify_token(token: str, network: str = "") -> Verified | None:
    """Return the user of a Bearer token that is neither expired nor revoked, else None.

    Nobody guesses 256 random bits, so a token is looked at before its failures are. Raises
    ``throttle.TooManyFailures`` where a wrong one is sent again and again.
    """
    may = _users(web_service=True, reserved=settings.REQUIRE_WEB_SERVICE_ACCESS).filter(pk=OuterRef("user"))
    valid = Token.objects.filter(hash=token_hash(token), revoked_at=None, expires_at__gt=timezone.now())
    row = (
        valid.annotate(active=Subquery(may.values("pk")[:1]), policy=_version())
        .filter(active=F("user"))
        .values_list("user", "policy", "read_only")
        .first()
    )
    if row is not None:
        return Verified(*row)
    throttle.check(network, token_hash(token))
    throttle.failed(network, token_hash(token))
    log.warning("log-in failed", network=network, logon="a token")
    return None


def token_hash(token: str) -> str:
    """Return what is stored of a token; tokens hold 256 random bits, so a fast hash suffices (OWASP)."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """Return a fresh token; it is shown once and stored only as its hash."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)
