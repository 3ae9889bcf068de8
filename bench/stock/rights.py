"""Which rows and columns a user may see, as Django and guardian are commonly used for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q
from guardian.shortcuts import get_objects_for_user

from entities.models import Company, Territory
from security.grants import GRANTS
from security.models import FieldRule, ProfileRight

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from entities.models import User


def visible(user: User, *, flat: bool = False) -> QuerySet[Company]:
    """Return the companies that ``user`` may view; ``flat`` = by sub-queries tuned by hand."""
    companies = Company.objects.filter(deleted_at__isnull=True)
    if user.is_superuser:
        return companies
    rights = ProfileRight.objects.filter(profile__group__user=user, entity="Company", view=True)
    allowed = Q(pk__in=get_objects_for_user(user, "entities.view_company", Company, accept_global_perms=False))
    if flat:
        allowed = _granted(user)
    for right in rights:
        if right.scope == "everywhere":
            return companies
        allowed |= _reached(user, right.scope, flat=flat)
    return companies.filter(allowed)


def _reached(user: User, scope: str, *, flat: bool) -> Q:
    match scope:
        case "home":
            home: Any = user.home_territory
            below = Territory.objects.filter(number__gte=home.number, number__lte=home.number_end)
            return Q(territory__in=list(below.values_list("pk", flat=True)) if flat else below)
        case "assigned":
            return Q(primary_user=user)
        case "team":
            return Q(team__in=list(user.teams.values_list("pk", flat=True)) if flat else user.teams.all())
        case "created_by":
            return Q(created_by=user)
    raise LookupError(scope)


def _granted(user: User) -> Q:
    tables: Any = GRANTS["Company"]
    users, groups = (table.objects.filter(permission=view_permission()) for table in tables)
    profiles = list(user.groups.values_list("pk", flat=True))
    return Q(pk__in=users.filter(user=user).values("content_object")) | Q(
        pk__in=groups.filter(group__in=profiles).values("content_object")
    )


def view_permission() -> int:
    """Return the key of the permission to view companies."""
    if not _known:
        from django.contrib.auth.models import Permission

        _known.append(Permission.objects.get(content_type__app_label="entities", codename="view_company").pk)
    return _known[0]


_known: list[int] = []


def may_insert(user: User) -> bool:
    """Whether ``user`` may create companies at all."""
    rights = ProfileRight.objects.filter(profile__group__user=user, entity="Company", insert=True)
    return user.is_superuser or rights.exists()


def hidden(user: User) -> set[str]:
    """Return the wire names of the fields of companies that ``user`` may not read."""
    if user.is_superuser:
        return set()
    rules = FieldRule.objects.filter(profile__group__user=user, entity="Company", read=False)
    return set(rules.values_list("field", flat=True))
