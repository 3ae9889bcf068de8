"""Reads the demo world back into the oracle's plain data, below the gate, so that it can say who sees what."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group

from entities.models import Team, Territory, User
from entities.registry import registry
from security.grants import GRANTS
from security.models import FieldRule, Profile, ProfileRight
from tests.oracle.catalogue import catalogue
from tests.oracle.loading import CODENAMES
from tests.oracle.worlds import Grant, Right, Row, Rule, World
from tests.oracle.worlds import Territory as Place
from tests.oracle.worlds import User as Person

ACTIONS = {"view": "view", "insert": "insert", "edit": "edit", "delete_right": "delete"}
DIRECTORY = ("Users", "Channel", "Territories", "PhoneLink", "EmailLink")


def read() -> World:
    """Return everything there is."""
    profiles = {profile.pk: profile.group_id for profile in Profile.objects.all()}
    return World(
        territories=tuple(Place(place.pk, place.parent_id) for place in Territory.objects.all()),
        teams=tuple(Team.objects.values_list("pk", flat=True)),
        profiles=tuple(profiles.values()),
        plain_group=0,
        users=tuple(_user(user, set(profiles.values())) for user in User.objects.all()),
        rights=tuple(_right(right, profiles) for right in ProfileRight.objects.all()),
        rules=tuple(_rule(rule, profiles) for rule in FieldRule.objects.all()),
        grants=tuple(grant for kind in GRANTS for grant in _grants(kind)),
        rows=tuple(row for kind in catalogue() if kind in registry().entities for row in _rows(kind)),
    )


def _user(user: User, profiles: set[int]) -> Person:
    groups = set(Group.objects.filter(user=user).values_list("pk", flat=True))
    teams = frozenset(user.teams.values_list("pk", flat=True))
    return Person(
        user.pk,
        user.home_territory_id,
        user.primary_team_id,
        teams,
        frozenset(groups & profiles),
        user.is_superuser,
        user.disabled,
    )


def _right(right: ProfileRight, profiles: dict[int, int]) -> Right:
    actions = frozenset(action for column, action in ACTIONS.items() if getattr(right, column))
    holder = profiles[right.profile_id]
    return Right(holder, right.entity, right.scope, right.territory_id, right.with_subtree, actions)


def _rule(rule: FieldRule, profiles: dict[int, int]) -> Rule:
    said = (rule.read, rule.write, rule.required)
    if rule.user_id:
        return Rule(rule.entity, rule.field, "user", rule.user_id, *said)
    if rule.team_id:
        return Rule(rule.entity, rule.field, "team", rule.team_id, *said)
    if rule.profile_id:
        return Rule(rule.entity, rule.field, "profile", profiles[rule.profile_id], *said)
    return Rule(rule.entity, rule.field, "everyone", None, *said)


def _grants(kind: str) -> list[Grant]:
    names: dict[str, Any] = {codename: action for action, codename in CODENAMES.items()}
    found = []
    for table, to, column in zip(GRANTS[kind], ("user", "profile"), ("user_id", "group_id"), strict=True):
        rows = table._default_manager.values_list("permission__codename", "content_object_id", column)
        for codename, key, holder in rows:
            found.append(Grant(names[codename.partition("_")[0]], kind, key, to, holder))  # type: ignore[arg-type]
    return found


def _rows(kind: str) -> list[Row]:
    if kind in DIRECTORY:
        return []
    entity = registry()[kind]
    territory, assigned, team = catalogue()[kind].security
    columns = {field.wire: field.column for field in entity.fields if field.expression is None}

    def value(row: dict[str, Any], wire: str) -> Any:
        return row[columns[wire]] if wire else None

    found: Any = entity.model._default_manager.values()
    return [
        Row(
            kind,
            row["id"],
            value(row, territory),
            value(row, team),
            value(row, assigned),
            row["created_by_id"],
            row["deleted_at"] is not None,
            {wire: row.get(column) for wire, column in columns.items()},  # a view has columns of other records
        )
        for row in found
    ]
