"""Users, profiles and rights for the tests of the access model, and what somebody sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group

from entities.models import Company, Territory, User
from entities.registry import registry
from security import gate
from security.models import FieldRule, Profile, ProfileRight
from security.plan import Access, access_for

if TYPE_CHECKING:
    from entities.models import Team


def territory(caption: str, number: int, end: int, parent: Territory | None = None) -> Territory:
    """Store a territory; ``number`` to ``end`` is the interval of its subtree."""
    return Territory.objects.create(caption=caption, number=number, number_end=end, parent=parent)


def profile(name: str) -> Profile:
    """Store a security profile with its group."""
    return Profile.objects.create(group=Group.objects.create(name=name))


def user(logon: str, *profiles: Profile, teams: tuple[Team, ...] = (), **values: Any) -> User:
    """Store a user in ``profiles`` and ``teams``."""
    found = User(logon=logon, last_name=logon.title(), **({"password": "!"} | values))
    found.save()
    found.groups.set([each.group for each in profiles])
    found.teams.set(teams)
    return found


def right(holder: Profile, kind: str, actions: str = "view", scope: str = "everywhere", **values: Any) -> ProfileRight:
    """Give a profile a right; ``actions`` are words."""
    given = {{"delete": "delete_right"}.get(action, action): True for action in actions.split()}
    return ProfileRight.objects.create(profile=holder, entity=kind, scope=scope, **given, **values)


def rule(wire: str, kind: str = "Company", **values: Any) -> FieldRule:
    """Store a field rule; for everyone unless ``values`` name a profile, team or user."""
    return FieldRule.objects.create(entity=kind, field=wire, **values)


def company(name: str = "Eurolandia", **values: Any) -> Company:
    """Store a company without any rule or right."""
    found = Company(name=name, **values)
    found.save()
    return found


def seen(who: User, kind: str = "Company", action: Any = "view") -> set[int]:
    """Return the keys of the rows on which the user may do the action now."""
    return set(gate.rows(access(who), registry()[kind], action).values_list("pk", flat=True))


def access(who: User) -> Access:
    """Return what the user may do now."""
    return access_for(who.pk)
