"""Changes of policy as data: what explanations propose, previews try out and administrators may have made.

A change names a table of policy, a row of it (none = a new one) and values. Applying one is an ordinary write: the
triggers see it, the invariants judge it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, models, transaction
from guardian.shortcuts import assign_perm, remove_perm

from entities.models import User
from entities.registry import permission, registry
from security import gate
from security.access import DJANGO_ACTIONS
from security.errors import Invalid
from security.grants import GRANTS
from security.models import FUNCTIONS, ExternalAccess, FieldRule, Profile, ProfileRight
from security.sharing import SHARED_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What of each table a change may set. Memberships and grants are rows that are there or not.
COLUMNS: dict[str, tuple[str, ...]] = {
    "ProfileRight": (
        "profile",
        "entity",
        "scope",
        "territory",
        "with_subtree",
        "view",
        "insert",
        "edit",
        "delete_right",
    ),
    "FieldRule": ("entity", "field", "profile", "team", "user", "read", "write", "required"),
    "Profile": ("functions", "refused"),
    "ExternalAccess": ("entity", "offered"),
    "User": ("home_territory", "primary_team", "disabled", "is_superuser", "language"),
    "Membership": ("user", "profile"),
    "TeamMembership": ("user", "team"),
    "Grant": ("entity", "record", "action", "user", "profile"),
}
_MODELS: dict[str, type[models.Model]] = {
    "ProfileRight": ProfileRight,
    "FieldRule": FieldRule,
    "Profile": Profile,
    "ExternalAccess": ExternalAccess,
    "User": User,
}
_REFERENCES = ("profile", "territory", "team", "user", "home_territory", "primary_team")
_KEYED = ("Profile", "User")  # rows are changed, neither made nor removed


@dataclass(frozen=True)
class Change:
    """One change: ``key`` names the row, None a new one; ``remove`` takes it away; references are keys."""

    table: str
    key: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    remove: bool = False


def apply(changes: Iterable[Change]) -> None:
    """Make the changes, all or none; raises ``Invalid`` for what cannot be."""
    try:
        with transaction.atomic():
            for change in changes:
                _apply(change)
    except ValidationError as error:
        told = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        problems = [(name.strip("_"), text) for name, texts in told.items() for text in texts]
        raise Invalid([("" if name == "all" else name, "BusinessRule", text) for name, text in problems]) from error
    except (DatabaseError, LookupError, TypeError, ValueError, AttributeError, models.ObjectDoesNotExist) as error:
        raise Invalid([("", "BusinessRule", "There is no such row, or it cannot be changed so.")]) from error


def _apply(change: Change) -> None:
    unknown = sorted(set(change.values) - set(COLUMNS.get(change.table, ())))
    if change.table not in COLUMNS or unknown:
        raise Invalid([(name, "UnknownName", f"{name} is unknown.") for name in unknown or ["$table"]])
    for name, known in (("functions", FUNCTIONS), ("refused", _transitions())):
        given = change.values.get(name, [])
        if not isinstance(given, list) or not set(map(str, given)) <= set(known):
            raise Invalid([(name, "NotAChoice", f"{name} is an array of names that there are.")])
    if change.table in _MODELS:
        _row(_MODELS[change.table], change)
    elif change.table == "Grant":
        _grant(change)
    else:
        _membership(change)


def _transitions() -> list[str]:
    flows = [(entity.kind, entity.workflow.transitions) for entity in registry() if entity.workflow is not None]
    return [f"{kind}.{step.name}" for kind, steps in flows for step in steps]


def _row(model: type[models.Model], change: Change) -> None:
    if change.table in _KEYED and (change.key is None or change.remove):
        raise Invalid([("$key", "Required", "Name the row that is to change.")])
    row: Any = model() if change.key is None else _found(model, change.key)
    if change.remove:
        row.delete()
        return
    for name, value in change.values.items():
        setattr(row, f"{name}_id" if name in _REFERENCES else name, value)
    if change.table == "User":
        row.save(update_fields=list(change.values))  # of the record itself, nothing else is looked at
        return
    row.full_clean()
    row.save()


def _found(model: type[models.Model], key: int) -> models.Model:
    return _user(key) if model is User else model._default_manager.get(pk=key)


def _user(key: int) -> User:
    return gate.system_rows(User).get(pk=key)


def _membership(change: Change) -> None:
    user = _user(change.values["user"])
    if change.table == "Membership":
        group = Profile.objects.get(pk=change.values["profile"]).group
        (user.groups.remove if change.remove else user.groups.add)(group)
    else:
        (user.teams.remove if change.remove else user.teams.add)(change.values["team"])


def _grant(change: Change) -> None:
    values = change.values
    entity = registry().find(str(values.get("entity", "")))
    if entity is None or entity.kind not in GRANTS or values.get("action") not in SHARED_ACTIONS:
        raise Invalid([("entity", "BadReference", "Grants name a kind with rights of its own, and an action.")])
    user = values.get("user")
    holder = _user(user) if user else Profile.objects.get(pk=values["profile"]).group
    write = remove_perm if change.remove else assign_perm
    write(permission(entity, DJANGO_ACTIONS[values["action"]]), holder, entity.model(id=values["record"]))
