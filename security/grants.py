"""The tables of row grants: for each entity with rights of its own one for users and one for profiles.

They are django-guardian's direct foreign key tables, generated from the registry under the entity's own app, so
that an ISV's migrations carry them. The generic table is never used: it compares keys as text.
"""

from __future__ import annotations

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from entities.registry import Entity, app_label, registry

GRANTS: dict[str, tuple[type[UserObjectPermissionBase], type[GroupObjectPermissionBase]]] = {}


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
    return type(
        name, (base,), {"__module__": __name__, "Meta": meta, "content_object": content_object}
    )


def build() -> None:
    """Create the grant models of every registered entity that has rights of its own."""
    for entity in registry():
        if entity.has_own_rights and entity.kind not in GRANTS:
            GRANTS[entity.kind] = (
                _table(entity, UserObjectPermissionBase, "user"),  # type: ignore[assignment]
                _table(entity, GroupObjectPermissionBase, "group"),  # type: ignore[assignment]
            )
