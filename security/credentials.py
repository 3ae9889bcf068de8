"""Verifying who calls: Basic log-in with argon2, Bearer tokens by hash.

A verified password is remembered for a short while, in this process only, as a keyed digest bound to the stored
hash: a repeated request does not pay the slow hash, and a changed password or a disabled user is refused at once,
because the stored hash and the user's state are read afresh for every request, together with the policy version.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from entities.models import User
from entities.models.base import folded
from security import gate
from security.models import PolicyVersion, Token

TOKEN_PREFIX = "pcrm_"
REMEMBER_SECONDS = 300
REMEMBER_ENTRIES = 10_000

_key = secrets.token_bytes(32)
_remembered: OrderedDict[bytes, float] = OrderedDict()
_DUMMY = make_password(secrets.token_urlsafe(16))


@dataclass(frozen=True)
class Verified:
    """A caller whose credentials are right: the user's key and the policy version read together with it."""

    user_id: int
    version: int
    read_only: bool = False


def _users() -> QuerySet[User]:
    """Return the users who may log in, each with the policy version read in the same statement."""
    number = Subquery(PolicyVersion.objects.values("number")[:1])
    may = gate.system_rows(User).filter(disabled=False, resource=False, is_template=False)
    return may.annotate(policy=Coalesce(number, 0))


def verify_password(logon: str, password: str) -> Verified | None:
    """Return the user called ``logon`` if ``password`` is right and the user may log in, else None.

    Every refused password pays the slow hash, known user or not, so that the time tells nothing (OWASP).
    """
    if "\x00" in logon or "\x00" in password:
        return None
    wanted = folded("logon")
    row = _users().annotate(_logon=wanted).filter(_logon=logon.lower()).values_list("pk", "password", "policy").first()
    if row is None:
        check_password(password, _DUMMY)
        return None
    key, stored, version = row
    digest = _digest(key, password, stored)
    if not _is_remembered(digest):
        if not check_password(password, stored):
            return None
        _remember(digest)
    return Verified(key, version)


def _digest(user: int, password: str, stored: str) -> bytes:
    message = b"\x00".join((str(user).encode(), stored.encode(), password.encode("utf-8", "surrogatepass")))
    return hmac.new(_key, message, hashlib.sha256).digest()


def _is_remembered(digest: bytes) -> bool:
    return _remembered.get(digest, 0.0) > time.monotonic()


def _remember(digest: bytes) -> None:
    while len(_remembered) >= REMEMBER_ENTRIES:
        _remembered.popitem(last=False)
    _remembered[digest] = time.monotonic() + REMEMBER_SECONDS


def verify_token(token: str) -> Verified | None:
    """Return the user of a Bearer token that is neither expired nor revoked, else None."""
    number = Subquery(PolicyVersion.objects.values("number")[:1])
    may = gate.system_rows(User).filter(disabled=False, resource=False, is_template=False, pk=OuterRef("user"))
    valid = Token.objects.filter(hash=token_hash(token), revoked_at=None, expires_at__gt=timezone.now())
    row = (
        valid.annotate(active=Subquery(may.values("pk")[:1]), policy=Coalesce(number, 0))
        .filter(active=F("user"))
        .values_list("user", "policy", "read_only")
        .first()
    )
    return None if row is None else Verified(*row)


def token_hash(token: str) -> str:
    """Return what is stored of a token; tokens hold 256 random bits, so a fast hash suffices (OWASP)."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """Return a fresh token; it is shown once and stored only as its hash."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)
