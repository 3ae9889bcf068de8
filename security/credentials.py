"""Verifying who calls: Basic log-in with argon2, Bearer tokens by hash.

A verified password is remembered for a short while, in this process only, as a keyed digest bound to the stored
hash and to the network: a repeated request does not pay the slow hash, and a changed password or a disabled user is
refused at once, because the stored hash and the user's state are read afresh for every request, together with the
policy version and, for whoever is remembered, with what is granted to them (ADR 36). Whoever is remembered, and a token
that is right, does not meet the throttle. That alone would let somebody in the same network guess without limit,
answered 429 until one guess is right: after a few *different* passwords that the throttle refused, nothing is
remembered of that account in that network for a while.

Every outcome goes to the trail (``log_ins``).
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db.models import BooleanField, CharField, Exists, ExpressionWrapper, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from entities.models import User
from entities.models.base import folded
from security import gate, log_ins, plan, second_factor, throttle
from security.log_ins import Attempt
from security.models import PolicyVersion, Token
from security.statements import Slot, Statement, prepared

if TYPE_CHECKING:
    from security.access import Granted

TOKEN_PREFIX = "pcrm_"
REMEMBER_SECONDS = 300
REMEMBER_ENTRIES = 10_000

_key = secrets.token_bytes(32)
_remembered: OrderedDict[bytes, _Right] = OrderedDict()
_guessed: OrderedDict[str, tuple[float, set[bytes]]] = OrderedDict()
_DUMMY = make_password(secrets.token_urlsafe(16))


@dataclass(frozen=True)
class Verified:
    """A caller whose credentials are right: the user's key and the policy version read together with it.

    ``factor`` = the second factor that was proved, in the administration. ``granted`` = what is granted to them under
    that version, where it was read as well.
    """

    user_id: int
    version: int
    read_only: bool = False
    factor: int | None = None
    granted: Granted | None = field(default=None, compare=False)


@dataclass(frozen=True)
class _Account:
    """Who is called by a logon: nobody without ``key``; ``may`` = may log in on this channel."""

    key: int | None = None
    stored: str = _DUMMY
    may: bool = False
    policy: int = 0
    granted: Granted | None = None


@dataclass(frozen=True)
class _Right:
    """A password that was right ``until`` then: whose, and bound to what was stored."""

    until: float
    user: int
    digest: bytes


def _may(*, web_service: bool, reserved: bool) -> Q:
    """Return the users who may log in: to the web service, which is ``reserved`` for some or not, or as staff."""
    may = Q(disabled=False, resource=False, is_template=False)
    if not web_service:
        return may & Q(is_staff=True)
    return may & Q(web_service_enabled=True) if reserved else may


def _version() -> Coalesce:
    """Return the policy version, to be read in the statement that reads the user."""
    return Coalesce(Subquery(PolicyVersion.objects.values("number")[:1]), 0)


def verify_password(
    logon: str, password: str, network: str = "", *, web_service: bool = True, code: str = ""
) -> Verified | None:
    """Return the user called ``logon`` if ``password`` is right and the user may log in, else None.

    Every refused password pays the slow hash, known user or not, so that the time tells nothing (OWASP). In the
    administration (not ``web_service``) every right one pays it too, and ``code`` must be right where there is a second
    factor; the refusal does not tell which of them was wrong. ``network`` is where the request comes from
    (``throttle.network_of``). Raises ``throttle.TooManyFailures``.
    """
    if "\x00" in logon or "\x00" in password or "\x00" in code:
        return None
    name, channel = logon.lower(), "api" if web_service else "administration"
    given = _digest(network, name, password)
    right_before = None if not web_service or _is_guessed(network, name) else _recalled(given)
    account = _account(name, web_service=web_service, expected=right_before.user if right_before else None)
    digest = _digest(network, str(account.key or 0), password, account.stored)
    if right_before and right_before.digest == digest and account.may and _may_be(password):
        return Verified(account.key or 0, account.policy, granted=account.granted)
    if right_before:  # and is not any more: what it is asked for by is not to tell so again
        _remembered.pop(given, None)
    _pass_throttle(Attempt(account.key, network, channel, "throttled"), name, digest)
    right = check_password(password, account.stored) and _may_be(password) and account.may
    passed = None if web_service else second_factor.passes(account.key if right else None, code, network)
    if not right or (passed is None and not web_service):
        outcome = "code" if right else "unknown" if account.key is None else "wrong" if account.may else "barred"
        throttle.failed(network, name)
        log_ins.note(Attempt(account.key, network, channel, outcome), name)
        return None
    log_ins.note(Attempt(account.key, network, channel, "right"), name)
    if web_service:
        _remember(given, _Right(time.monotonic() + REMEMBER_SECONDS, account.key or 0, digest))
    return Verified(account.key or 0, account.policy, factor=passed.factor if passed else None)


def confirm_password(user: int, password: str, network: str) -> bool:
    """Whether ``password`` is that of ``user``, who is logged in and is about to change how to log in.

    It counts as a log-in of that account: whoever found an open session does not guess here what they may not guess
    there. Raises ``throttle.TooManyFailures``.
    """
    found = gate.system_rows(User).filter(pk=user).values_list("logon", "password").first()
    name, stored = (found[0].lower(), found[1]) if found else ("", _DUMMY)
    throttled = Attempt(user, network, "own", "throttled")
    _pass_throttle(throttled, name, _digest(network, str(user), password, stored))
    right = check_password(password, stored) and found is not None
    if not right:
        throttle.failed(network, name)
    log_ins.note(Attempt(user, network, "own", "confirmed" if right else "wrong"), name)
    return right


def _pass_throttle(throttled: Attempt, name: str, digest: bytes) -> None:
    """Let an attempt pass the throttle. Raises ``TooManyFailures``, once it is noted."""
    try:
        throttle.check(throttled.network, name)
    except throttle.TooManyFailures:
        _note_guess(throttled.network, name, digest)
        log_ins.note(throttled, name)
        raise


def _account(name: str, *, web_service: bool, expected: int | None) -> _Account:
    """Return the account called ``name``, with what is granted to it where it is the ``expected`` user's."""
    reserved = settings.REQUIRE_WEB_SERVICE_ACCESS
    known = plan.known(expected) if expected is not None else None
    if known is None:
        row = next(iter(_user_called(web_service, reserved).rows(logon=name)), None)
        return _Account(*row) if row else _Account()
    user, profiles = plan.holders_of(known.policy)
    statement = _with_grants(web_service, reserved, known.policy.granted_statement)
    rows = statement.rows(logon=name, user=user, profiles=profiles)
    account = _Account(*rows[0][:4]) if rows else _Account()
    if account.key != expected or account.policy != known.version:  # they are another's, or mean something else now
        return account
    return replace(account, granted=plan.granted_of(known.policy, (row[4:] for row in rows)))


@cache
def _with_grants(web_service: bool, reserved: bool, granted: str) -> Statement:
    """Return the statement of ``_user_called`` with a row for each row of the one of what is ``granted``."""
    user = _user_called(web_service, reserved)
    sql = f"SELECT a.*, g.p, g.how FROM ({user.sql}) AS a LEFT JOIN ({granted}) AS g ON TRUE"
    return Statement(sql, (*user.slots, "user", "profiles"), user.converters)


@cache
def _user_called(web_service: bool, reserved: bool) -> Statement:
    """Return the statement that reads a user by the folded log-on name: key, hash, may log in, policy version."""
    may = ExpressionWrapper(_may(web_service=web_service, reserved=reserved), output_field=BooleanField())
    users = gate.system_rows(User).annotate(policy=_version(), may=may, _logon=folded("logon"))
    found = users.filter(_logon=Slot("logon", CharField())).order_by("pk")[:1]
    return prepared(found.values_list("pk", "password", "may", "policy"))


def _may_be(password: str) -> bool:
    return bool(password) or settings.ALLOW_EMPTY_PASSWORDS


def _digest(*parts: str) -> bytes:
    message = b"\x00".join(part.encode("utf-8", "surrogatepass") for part in parts)
    return hashlib.blake2b(message, key=_key, digest_size=32).digest()


def _recalled(given: bytes) -> _Right | None:
    right = _remembered.get(given)
    return right if right is not None and right.until > time.monotonic() else None


def _remember(given: bytes, right: _Right) -> None:
    _remembered.pop(given, None)
    while len(_remembered) >= REMEMBER_ENTRIES:
        _remembered.popitem(last=False)
    _remembered[given] = right


def _note_guess(network: str, name: str, digest: bytes) -> None:
    """Remember that the throttle refused a password: how many different ones there were, in this process."""
    key = throttle.key_of(f"guess {network} {name}")
    since, digests = _guessed.get(key, (-math.inf, set()))
    if since + settings.LOGIN_FAILURES_WINDOW < time.monotonic():
        while len(_guessed) >= REMEMBER_ENTRIES:
            _guessed.popitem(last=False)
        since, digests = time.monotonic(), set()
        _guessed[key] = since, digests
    if len(digests) < settings.LOGIN_FAILURES_PER_ACCOUNT:
        digests.add(digest)


def _is_guessed(network: str, name: str) -> bool:
    """Whether so many different passwords were refused that the next right one may be a guess."""
    if not _guessed:
        return False
    since, digests = _guessed.get(throttle.key_of(f"guess {network} {name}"), (-math.inf, set()))
    limit = settings.LOGIN_FAILURES_PER_ACCOUNT
    return 0 < limit <= len(digests) and since + settings.LOGIN_FAILURES_WINDOW >= time.monotonic()


def verify_token(token: str, network: str = "") -> Verified | None:
    """Return the user of a Bearer token that is neither expired nor revoked, else None.

    Nobody guesses 256 random bits, so a token is looked at before its failures are. Raises
    ``throttle.TooManyFailures`` where a wrong one is sent again and again.
    """
    digest = token_hash(token)
    may = gate.system_rows(User).filter(_may(web_service=True, reserved=settings.REQUIRE_WEB_SERVICE_ACCESS))
    valid = ExpressionWrapper(Q(revoked_at=None, expires_at__gt=timezone.now()), output_field=BooleanField())
    row = (
        Token.objects.filter(hash=digest)
        .annotate(valid=valid, may=Exists(may.filter(pk=OuterRef("user"))), policy=_version())
        .values_list("user", "valid", "may", "policy", "read_only")
        .first()
    )
    user, valid_now, may_now, policy, read_only = row or (None, False, False, 0, False)
    if user is not None and valid_now and may_now:
        log_ins.note(Attempt(user, network, "token", "right"), "a token")
        return Verified(user, policy, read_only)
    _pass_throttle(Attempt(user, network, "token", "throttled"), digest, b"")
    throttle.failed(network, digest)
    outcome = "unknown" if user is None else "barred" if valid_now else "ended"
    log_ins.note(Attempt(user, network, "token", outcome), "a token")
    return None


def token_hash(token: str) -> str:
    """Return what is stored of a token; tokens hold 256 random bits, so a fast hash suffices (OWASP)."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """Return a fresh token; it is shown once and stored only as its hash."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)
