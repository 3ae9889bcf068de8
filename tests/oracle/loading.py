"""Writes a world into PostgreSQL, in bulk and below the gate: nothing here asks or obeys a right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group, Permission

from entities.models import Team, Territory, User
from entities.registry import Entity, app_label, permission, registry
from security.grants import GRANTS
from security.models import FieldRule, Profile, ProfileRight
from tests.oracle.catalogue import catalogue

if TYPE_CHECKING:
    from typing import Literal

    from tests.oracle.worlds import Row, World

MOMENT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
CODENAMES: dict[str, Literal["view", "change", "delete"]] = {"view": "view", "edit": "change", "delete": "delete"}
REQUIRED: dict[str, dict[str, Any]] = {"currency": {"rate": 1}, "quoteline": {"line_type": "i"}}


def load(world: World, password: str = "!") -> None:
    """Insert everything there is in ``world``; ``password`` is the stored hash of every user."""
    _load_directory(world, password)
    _load_policy(world)
    by_kind: dict[str, list[Row]] = {}
    for row in world.rows:
        by_kind.setdefault(row.kind, []).append(row)
    # Companies and people refer to each other; foreign keys are checked when the transaction ends, so never here.
    for kind, rows in by_kind.items():
        entity = registry()[kind]
        entity.model._default_manager.bulk_create([_record(entity, row) for row in rows])
    _load_grants(world)


def _load_directory(world: World, password: str) -> None:
    intervals = _intervals(world)
    Territory.objects.bulk_create(
        Territory(
            id=place.key,
            parent_id=place.parent,
            caption=f"Place {place.key}",
            number=intervals[place.key][0],
            number_end=intervals[place.key][1],
        )
        for place in world.territories
    )
    Team.objects.bulk_create(Team(id=key, description=f"Team {key}") for key in world.teams)
    User.objects.bulk_create(
        User(
            id=user.key,
            logon=f"user{user.key}",
            last_name=f"User {user.key}",
            password=password,
            home_territory_id=user.home,
            primary_team_id=user.primary_team,
            is_superuser=user.superuser,
            disabled=user.disabled,
        )
        for user in world.users
    )
    teams = User.teams.through
    teams._default_manager.bulk_create(
        teams(user_id=user.key, team_id=team) for user in world.users for team in user.teams
    )


def _intervals(world: World) -> dict[int, tuple[int, int]]:
    children: dict[int | None, list[int]] = {}
    for place in world.territories:
        children.setdefault(place.parent, []).append(place.key)
    found: dict[int, tuple[int, int]] = {}

    def number(key: int, start: int) -> int:
        end = start
        for child in children.get(key, []):
            end = number(child, end + 1)
        found[key] = (start, end)
        return end

    for root in children[None]:
        number(root, 1)
    return found


def _load_policy(world: World) -> None:
    groups = [*world.profiles, world.plain_group]
    Group.objects.bulk_create(Group(id=key, name=f"Group {key}") for key in groups)
    refused = {key: [f"{r.kind}.{r.name}" for r in world.refusals if r.profile == key] for key in world.profiles}
    Profile.objects.bulk_create(Profile(group_id=key, refused=refused[key]) for key in world.profiles)
    # Everybody is in the group that is no profile, so that a grant to it would show.
    memberships = User.groups.through
    memberships._default_manager.bulk_create(
        memberships(user_id=user.key, group_id=key)
        for user in world.users
        for key in [*user.profiles, world.plain_group]
    )
    ProfileRight.objects.bulk_create(
        ProfileRight(
            profile_id=right.profile,
            entity=right.kind,
            scope=right.scope,
            territory_id=right.territory,
            with_subtree=right.with_subtree,
            view="view" in right.actions,
            insert="insert" in right.actions,
            edit="edit" in right.actions,
            delete_right="delete" in right.actions,
        )
        for right in world.rights
    )
    FieldRule.objects.bulk_create(
        FieldRule(
            entity=rule.kind,
            field=rule.wire,
            read=rule.read,
            write=rule.write,
            required=rule.required,
            **({} if rule.level == "everyone" else {f"{rule.level}_id": rule.holder}),
        )
        for rule in world.rules
    )


def _load_grants(world: World) -> None:
    if not world.grants:
        return
    keys = {
        (label, codename): key
        for label, codename, key in Permission.objects.values_list("content_type__app_label", "codename", "pk")
    }
    rows: dict[Any, list[Any]] = {}
    for grant in world.grants:
        entity = registry()[grant.kind]
        to_users, to_groups = GRANTS[grant.kind]
        table: Any = to_users if grant.to == "user" else to_groups
        holder = "user_id" if grant.to == "user" else "group_id"
        right = keys[app_label(entity), permission(entity, CODENAMES[grant.action])]
        rows.setdefault(table, []).append(
            table(content_object_id=grant.key, permission_id=right, **{holder: grant.holder})
        )
    for table, objects in rows.items():
        table._default_manager.bulk_create(objects)


def _record(entity: Entity, row: Row) -> Any:
    columns = {entity.by_wire[wire.lower()].column: value for wire, value in row.values.items()}
    territory, assigned, team = catalogue()[row.kind].security
    security = {territory: row.territory, assigned: row.assigned, team: row.team}
    columns |= {entity.by_wire[wire.lower()].column: key for wire, key in security.items() if wire}
    return entity.model(
        id=row.key,
        created_by_id=row.creator,
        updated_by_id=row.creator,
        created_at=MOMENT,
        updated_at=MOMENT,
        deleted_at=MOMENT if row.deleted else None,
        **columns,
        **REQUIRED.get(entity.model.__name__.lower(), {}),
    )
