"""The history of policy: what was changed by whom and when, and what somebody's policy was at a time in the past.

``recording`` writes it. A state of the past is today's rows with what was changed since taken back.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group, Permission
from django.db import connection

from entities.models import Territory, User
from entities.registry import permission, table_name
from security.access import DJANGO_ACTIONS
from security.errors import UnknownActor
from security.facts import Facts, withheld
from security.grants import GRANTS
from security.models import ExternalAccess, FieldRule, PolicyChange, Profile, ProfileRight
from security.plan import access_of, compiled
from security.recording import TABLES
from security.sharing import SHARED_ACTIONS, Held

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from entities.registry import Entity
    from security.access import Access, Action, Holder, Policy

Row = dict[str, Any]


class NotRecorded(Exception):
    """Policy was not recorded yet at the time that is asked about."""


def beginning() -> datetime | None:
    """Return from when on policy is recorded."""
    return PolicyChange.objects.order_by("pk").values_list("at", flat=True).first()


def rows_at(table: str, at: datetime, **where: int) -> list[Row]:
    """Return the recorded columns of a table of policy as they were at ``at``; ``where`` = equal columns."""
    since = PolicyChange.objects.filter(table=table, at__gt=at).order_by("key", "pk").distinct("key")
    were: Mapping[int, Row | None] = dict(since.values_list("key", "old"))
    key, columns = TABLES.get(table, ("id", ""))
    equal = " AND ".join(f"t.{name} = %s" for name in where) or "true"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT security_policy_kept(to_jsonb(t), %s) FROM {table} t WHERE {equal}", [columns, *where.values()]
        )
        unchanged = [row for row in (json.loads(text) for (text,) in cursor.fetchall()) if row[key] not in were]
    fitting = [row for row in were.values() if row is not None and where.items() <= row.items()]
    return unchanged + fitting


def facts_at(user_id: int, at: datetime) -> Facts:
    """Return the facts about a user as they were recorded at ``at``.

    Raises ``NotRecorded`` where that is before the beginning, ``UnknownActor`` where there was no such user.
    """
    begun = beginning()
    if begun is None or at < begun:
        raise NotRecorded
    user = next((User(**_plain(row)) for row in rows_at("entities_user", at, id=user_id) if _live(row)), None)
    if user is None:
        raise UnknownActor
    groups = {row["group_id"] for row in rows_at("entities_user_groups", at, user_id=user_id)}
    names = {row["id"]: row["name"] for row in rows_at("auth_group", at)}
    profiles = [
        Profile(group=Group(id=row["group_id"], name=names[row["group_id"]]), **_without(row, "group_id"))
        for row in rows_at("security_profile", at)
        if row["group_id"] in groups
    ]
    teams = {row["team_id"] for row in rows_at("entities_user_teams", at, user_id=user_id)}
    teams |= {user.primary_team_id} - {None}
    rights = [_right(row) for row in rows_at("security_profileright", at) if row["profile_id"] in groups]
    rules = [FieldRule(**row) for row in rows_at("security_fieldrule", at)]
    return Facts(
        user=user,
        profiles=tuple(sorted(profiles, key=lambda profile: profile.pk)),
        teams=frozenset(teams),
        rights=tuple(sorted(rights, key=lambda right: right.pk)),
        rules=tuple(sorted((r for r in rules if _applies(r, user_id, teams, groups)), key=lambda rule: rule.pk)),
        territories=tuple(Territory(**_plain(row)) for row in rows_at("entities_territory", at) if _live(row)),
        withheld=withheld(ExternalAccess(**row) for row in rows_at("security_externalaccess", at)),
    )


def _right(row: Row) -> ProfileRight:
    return ProfileRight(delete_right=row["delete"], **_without(row, "delete"))


def _applies(rule: FieldRule, user: int, teams: set[int], groups: set[int]) -> bool:
    everyone = rule.user_id is None and rule.team_id is None and rule.profile_id is None
    return everyone or rule.user_id == user or rule.team_id in teams or rule.profile_id in groups


def _live(row: Row) -> bool:
    return row.get("deleted_at") is None


def _plain(row: Row) -> Row:
    """Return the columns that a plan looks at: not the stamps, which are texts here."""
    return {name: value for name, value in row.items() if not name.endswith("_at") and name != "last_login"}


def _without(row: Row, name: str) -> Row:
    return {other: value for other, value in row.items() if other != name}


def grants_at(entity: Entity, key: int, at: datetime) -> list[Held]:
    """Return the grants on the record ``key`` as they were recorded at ``at``."""
    if entity.kind not in GRANTS:
        return []
    codes = {permission(entity, DJANGO_ACTIONS[action]): action for action in SHARED_ACTIONS}
    actions = {pk: codes[code] for pk, code in Permission.objects.values_list("pk", "codename") if code in codes}
    users, groups = (list(rows_at(table_name(table), at, content_object_id=key)) for table in GRANTS[entity.kind])
    found = [Held("user", row["user_id"], actions[row["permission_id"]], ("Grant", row["id"])) for row in users]
    return found + [Held("profile", r["group_id"], actions[r["permission_id"]], ("Grant", r["id"])) for r in groups]


def access_at(facts: Facts, at: datetime, *, external: bool) -> tuple[Policy, Access]:
    """Return the policy that was compiled from these facts, and what it allowed with the grants of the time."""
    policy = compiled(facts)
    meaning = {key: pair for pair, key in policy.permissions.items()}
    profiles = [profile.pk for profile in facts.profiles]
    held: set[tuple[str, Action, Holder]] = set()
    for users, groups in GRANTS.values():
        mine = rows_at(table_name(users), at, user_id=facts.user.pk)
        theirs = [row for one in profiles for row in rows_at(table_name(groups), at, group_id=one)]
        known: list[tuple[Holder, list[Row]]] = [("user", mine), ("group", theirs)]
        for holder, rows in known:
            held |= {(*meaning[row["permission_id"]], holder) for row in rows if row["permission_id"] in meaning}
    hidden = facts.withheld if external else frozenset[str]()
    return policy, access_of(policy, 0, frozenset(held), hidden)
