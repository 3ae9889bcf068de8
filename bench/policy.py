"""Who calls in the benchmark's world, and what they may do: users, teams, territories, profiles, rights, grants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission

from bench import rows
from bench.size import (
    CALLERS,
    FILLERS,
    KEYS,
    PASSWORD,
    PROFILES,
    TEAMS,
    USERS,
    Size,
    empty_territory,
    home,
    territory_parents,
)
from crm.demo import load
from entities.models import ROOT_TERRITORY, User
from entities.registry import table_name
from entities.rules.directory import place_territories
from security.gate import system_rows
from security.grants import GRANTS
from security.holders import summarise_anew
from security.models import FieldRule, Profile, ProfileRight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm.demo.load import Row

KINDS = ("Company", "Person", "Opportunity", "Quotes", "Cases")
HIDDEN = {
    "Company": ("Comp_Revenue", "Comp_Employees", "Comp_Sector", "Comp_Source", "Comp_WebSite"),
    "Person": ("Pers_Gender", "Pers_TitleCode", "Pers_WebSite"),
}
_ALL = ("home", "assigned", "team", "created_by")
# Profile → its scopes. "Worst" is "Restricted" without what was shared with that profile.
_SCOPES: dict[str, tuple[str, ...]] = {
    "Everywhere": ("everywhere",),
    "Home": ("home",),
    "Assigned": ("assigned",),
    "Team": ("team",),
    "Creator": ("created_by",),
    "Granted": (),
    "Restricted": _ALL,
    "Worst": _ALL,
}
_MEMBERS = {
    "everywhere": "Everywhere",
    "home": "Home",
    "assigned": "Assigned",
    "team": "Team",
    "created": "Creator",
    "granted": "Granted",
    "restricted": "Restricted",
    **dict.fromkeys(("nothing", "tiny", "small", "many"), "Worst"),
}
_EMPTY = ("nothing", "tiny", "small")  # whose territory and team are
_STAMPS: Row = {"created_at": "2020-01-01 UTC", "updated_at": "2020-01-01 UTC", "created_by_id": 1, "updated_by_id": 1}


def fill(size: Size) -> None:
    """Write everything that rights depend on but the grants."""
    load.copy("Territories", _territories(size))
    load.copy("Channel", ({"id": key, "description": f"Team {key}", "active": True, **_STAMPS} for key in _upto(TEAMS)))
    load.copy("Users", _users(size))
    groups = {name: _profile(name, scopes) for name, scopes in _SCOPES.items()}
    others = [_profile(f"Profile {number}", _ALL) for number in range(len(groups) + 1, PROFILES + 1)]
    for user in system_rows(User):
        if user.primary_team_id:
            user.teams.add(user.primary_team_id)
        if user.logon in _MEMBERS:
            user.groups.add(groups[_MEMBERS[user.logon]])
        elif user.pk >= FILLERS[0]:
            user.groups.add(others[user.pk % len(others)])


def grant(size: Size) -> None:
    """Write the grants: some of two callers, by half through their profile, many of one, the rest of other profiles."""
    users, groups = (table_name(table) for table in GRANTS["Company"])
    view = Permission.objects.get(content_type__app_label="entities", codename="view_company").pk
    profiles = dict(Group.objects.values_list("name", "pk"))
    half = size.shared // 2
    for number, (logon, profile) in enumerate((("granted", "Granted"), ("restricted", "Restricted")), start=1):
        rows.grant(users, {"user_id": f"{KEYS[logon]}"}, view, half, number, size.companies)
        rows.grant(groups, {"group_id": f"{profiles[profile]}"}, view, size.shared - half, number + 9, size.companies)
    rows.grant(users, {"user_id": f"{KEYS['many']}"}, view, size.own, 3, size.companies)
    rest = size.grants - 2 * size.shared - size.own
    others = [key for name, key in sorted(profiles.items()) if name.startswith("Profile ")]
    drawn = f"(ARRAY{others})[1 + (i + i / {size.companies}) % {len(others)}]"  # another one when the rows come again
    rows.grant(groups, {"group_id": drawn}, view, rest, 4, size.companies)
    summarise_anew()  # for triggers are off


def _upto(last: int) -> range:
    return range(1, last + 1)


def _key(number: int) -> int:
    return number or ROOT_TERRITORY


def _territories(size: Size) -> Iterator[Row]:
    parents = territory_parents(size)
    above = {_key(number): None if parent is None else _key(parent) for number, parent in parents.items()}
    places = place_territories((key, parent, f"Territory {key}") for key, parent in above.items())
    for key, parent in above.items():
        place = places[key]
        yield {
            "id": key,
            "caption": "Worldwide" if parent is None else f"Territory {key}",
            "parent_id": parent,
            "depth": place.depth,
            "child_count": place.child_count,
            "number": place.number,
            "number_end": place.number_end,
            **_STAMPS,
        }


def _users(size: Size) -> Iterator[Row]:
    stored = make_password(PASSWORD)
    for key in _upto(USERS):
        logon = CALLERS[key - 1] if key <= len(CALLERS) else f"user{key}"
        place = (
            empty_territory(size) if logon in _EMPTY else home(size) if key <= FILLERS[0] else key % size.territories
        )
        yield {
            "id": key,
            "logon": logon,
            "password": stored,
            "first_name": logon.capitalize(),
            "last_name": f"Caller {key}",
            "language": "US",
            "home_territory_id": _key(place),
            "primary_team_id": TEAMS if logon in _EMPTY else 1 if key <= FILLERS[0] else 2 + key % (TEAMS - 2),
            "is_superuser": logon == "admin",
            **_STAMPS,
        }


def _profile(name: str, scopes: tuple[str, ...]) -> Group:
    group = Group(name=name)
    group.save()
    profile = Profile(group=group)
    profile.save()
    for kind in KINDS:
        for scope in scopes or (("created_by",) if kind != "Company" else ()):
            mine = scope in ("created_by", "everywhere")
            ProfileRight(
                profile=profile, entity=kind, scope=scope, view=True, insert=True, edit=True, delete_right=mine
            ).save()
    if name in ("Restricted", "Worst"):
        for kind, fields in HIDDEN.items():
            for field in fields:
                FieldRule(profile=profile, entity=kind, field=field, read=False).save()
    return group
