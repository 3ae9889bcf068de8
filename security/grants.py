"""The tables of row grants: for each entity with rights of its own one for users and one for profiles.

They are django-guardian's direct foreign key tables, generated from the registry under the entity's own app, so
that an ISV's migrations carry them. The generic table is never used: it compares keys as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from entities.registry import Entity, app_label, registry, table_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from security.access import Action

GRANTS: dict[str, tuple[type[models.Model], type[models.Model]]] = {}


def _table(entity: Entity, base: type[models.Model], holder: str) -> type[models.Model]:
    name = f"{entity.model.__name__}{holder.capitalize()}Grant"
    prefix = entity.prefix.lower()
    meta = type(
        "Meta",
        (base.Meta,),  # type: ignore[attr-defined]  # guardian's abstract bases carry the unique constraint
        {
            "app_label": app_label(entity),
            "indexes": [
                models.Index(
                    fields=[holder, "permission", "content_object"],
                    name=f"{prefix}_{holder}_grant_ix",
                ),
                models.Index(
                    fields=["content_object", holder, "permission"],
                    name=f"{prefix}_row_{holder}_ix",
                ),
            ],
            "default_permissions": (),
            "verbose_name": f"{entity.label} shared with a {'profile' if holder == 'group' else 'user'}",
        },
    )
    target = f"{app_label(entity)}.{entity.model.__name__}"
    content_object = models.ForeignKey(
        target,
        models.CASCADE,
        db_index=False,
        verbose_name=entity.label,
        related_name=f"{holder}_grants",
    )
    table = type(name, (base,), {"__module__": __name__, "Meta": meta, "content_object": content_object})
    globals()[name] = table  # so that it can be imported, and pickled, by its name
    return table


def build() -> None:
    """Create the grant models of every registered entity that has rights of its own."""
    for entity in registry():
        if entity.has_own_rights and entity.kind not in GRANTS:
            GRANTS[entity.kind] = (
                _table(entity, UserObjectPermissionBase, "user"),
                _table(entity, GroupObjectPermissionBase, "group"),
            )


def granted_statement(grantable: Mapping[int, tuple[str, Action]], summarised: Collection[str]) -> str:
    """Return the statement of the permissions of which a ``user`` or a ``group`` of theirs holds a grant.

    It may list others besides those that are ``grantable``: keys of Django's permissions and what they mean, from the
    database, never from a request. Its places are the user's key and the list of the groups'. What is not among the
    tables that are ``summarised`` (``holders``) is looked up itself.
    """
    first = "(SELECT min(content_object_id) FROM {} g WHERE {} AND g.permission_id = p) IS NOT NULL"  # never a scan
    summary = "SELECT permission_id, '{}' FROM security_holder WHERE"
    branches = [f"{summary.format('user')} user_id = mine", f"{summary.format('group')} group_id = ANY (theirs)"]
    for kind, tables in GRANTS.items():
        users, groups = (table_name(table) for table in tables)
        values = ", ".join(f"({key:d})" for key, (of, _) in grantable.items() if of == kind)
        if {users, groups} <= set(summarised) or not values:
            continue
        branches += [
            f"SELECT p, 'user' FROM (VALUES {values}) AS v (p) WHERE {first.format(users, 'g.user_id = mine')}",
            f"SELECT p, 'group' FROM (VALUES {values}) AS v (p) WHERE EXISTS"
            f" (SELECT FROM unnest(theirs) AS h WHERE {first.format(groups, 'g.group_id = h')})",
        ]
    holders = "(SELECT %s::int AS mine, %s::int[] AS theirs) AS holders"
    return f"SELECT p, how FROM {holders} CROSS JOIN LATERAL ({' UNION ALL '.join(branches)}) AS held (p, how)"
