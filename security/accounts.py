"""What an administrator manages of a user beside its fields: password, profiles, teams, staff; and Bearer tokens.

None of it is a field on any channel, so none of it goes through ``writes``. Every function but the one for the
user's own password asks the plan for the administrator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from entities.models import Team, User
from security import credentials, gate
from security.errors import Invalid, NotPermitted, RecordNotFound
from security.models import Token

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from security.plan import Access

LOCKED_OUT = "You cannot take the administration away from yourself."


@dataclass(frozen=True)
class Account:
    """How a user stands to the system; profiles and teams by key."""

    staff: bool = False
    administrator: bool = False
    profiles: frozenset[int] = frozenset()
    teams: frozenset[int] = frozenset()


def account(access: Access, key: int) -> Account:
    """Return the account of the user ``key``. Raises ``NotPermitted``, ``RecordNotFound``."""
    user = _user(access, key)
    return Account(
        staff=user.is_staff,
        administrator=user.is_superuser,
        profiles=frozenset(user.groups.values_list("pk", flat=True)),
        teams=frozenset(user.teams.values_list("pk", flat=True)),
    )


def set_account(access: Access, key: int, wanted: Account) -> None:
    """Store ``wanted`` as the account of the user ``key``.

    Raises ``NotPermitted``, ``RecordNotFound``, and ``Invalid`` where administrators would lock themselves out.
    """
    user = _user(access, key)
    if key == access.actor.id and not (wanted.staff and wanted.administrator and user.is_active):
        raise Invalid([("", "BusinessRule", LOCKED_OUT)])
    with transaction.atomic():
        gate.system_rows(User).filter(pk=key).update(is_staff=wanted.staff, is_superuser=wanted.administrator)
        user.groups.set(Group.objects.filter(pk__in=wanted.profiles, profile__isnull=False))
        user.teams.set(gate.system_rows(Team).filter(pk__in=wanted.teams))


def set_password(access: Access, key: int, password: str) -> str:
    """Store ``password`` for the user ``key`` and return its hash.

    Everybody may set their own unless their account forbids it, an administrator everybody's. Sessions and
    remembered passwords of the user end with the old hash. Raises ``NotPermitted``, ``RecordNotFound``, and ``Invalid``
    for a password that the rules refuse, or an empty one, unless a setting allows them.
    """
    if not password and not settings.ALLOW_EMPTY_PASSWORDS:
        raise Invalid([("", "BusinessRule", "A password is needed.")])
    if key != access.actor.id:
        _user(access, key)
    elif not may_change_password(access):
        raise NotPermitted
    check_new_password(key, password)
    stored = make_password(password)
    gate.system_rows(User).filter(pk=key).update(password=stored)
    return stored


def check_new_password(key: int, password: str) -> None:
    """Ask the rules for new passwords about one of the user ``key``. Raises ``Invalid``."""
    if not password:
        return  # whether an empty one is allowed is another question
    try:
        validate_password(password, gate.system_rows(User).filter(pk=key).first())
    except ValidationError as error:
        raise Invalid([("", "BusinessRule", message) for message in error.messages]) from None


def may_change_password(access: Access) -> bool:
    """Whether the actor may set the own password."""
    forbidden = gate.system_rows(User).filter(pk=access.actor.id, cannot_change_password=True).exists()
    return access.actor.administrator or not forbidden


def issue_token(access: Access, user: int, name: str, expires_at: datetime, *, read_only: bool) -> tuple[Token, str]:
    """Issue a Bearer token; return it with its text, which is stored nowhere. Raises ``NotPermitted``."""
    _user(access, user)
    secret = credentials.new_token()
    token = Token(user_id=user, name=name, expires_at=expires_at, read_only=read_only)
    token.hash = credentials.token_hash(secret)
    token.save()
    return token, secret


def revoke_tokens(access: Access, keys: Iterable[int]) -> int:
    """Revoke those of the tokens ``keys`` that are still valid; return how many. Raises ``NotPermitted``."""
    _require_administrator(access)
    return Token.objects.filter(pk__in=keys, revoked_at=None).update(revoked_at=timezone.now())


def _require_administrator(access: Access) -> None:
    if not access.actor.administrator:
        raise NotPermitted


def _user(access: Access, key: int) -> User:
    _require_administrator(access)
    user = gate.system_rows(User).filter(pk=key).first()
    if user is None:
        raise RecordNotFound
    return user


def logon_of(key: int) -> str:
    """Return the log-on name of a user, empty where there is none any more: for pages of administrators."""
    return gate.system_rows(User).filter(pk=key).values_list("logon", flat=True).first() or ""
