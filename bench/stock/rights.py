"""Which rows and columns a user may see and change, as Django and guardian are commonly used for it."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from django.contrib.auth.models import Permission
from django.db.models import Model, Q
from guardian.shortcuts import get_objects_for_user

from entities.models import Address, AddressLink, Company, Person, Territory
from security.grants import GRANTS
from security.models import FieldRule, ProfileRight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from entities.models import User

Action = Literal["view", "edit", "delete"]
FLAGS = {"view": "view", "edit": "edit", "delete": "delete_right"}  # of a right
CODES = {"view": "view", "edit": "change", "delete": "delete"}  # of Django's permissions
M = TypeVar("M", bound=Model)


def live(model: type[M]) -> QuerySet[M]:
    """Return what is not deleted."""
    return model._default_manager.filter(deleted_at__isnull=True)


class Rights:
    """What ``user`` may do in one request; ``flat`` = by sub-queries tuned by hand."""

    def __init__(self, user: User, *, flat: bool = False) -> None:
        self.user, self.flat = user, flat

    def allowed(
        self, model: type[M], action: Action = "view", among: Iterable[int | None] | None = None
    ) -> QuerySet[M]:
        """Return the rows of a kind with rights of its own to which the user may do ``action``.

        ``among`` = of these keys alone: guardian need not look for others either.
        """
        rows = live(model)
        if among is not None:
            rows = rows.filter(pk__in=among)
        condition = self.condition(model, action, model if among is None else rows)
        return rows if condition is None else rows.filter(condition)

    def condition(self, model: type[Model], action: Action, among: Any) -> Q | None:
        """Return the condition under which the user may do ``action`` to a row of ``among``; None = always."""
        kind = model.__name__
        scopes = [right.scope for right in self._rights if right.entity == kind and getattr(right, FLAGS[action])]
        if self.user.is_superuser or "everywhere" in scopes:
            return None
        found = self._granted(model, action, among) if self.flat else self._shared(model, action, among)
        for scope in scopes:
            found |= self._reached(scope)
        return found

    def addresses(self, among: Iterable[int]) -> QuerySet[Address]:
        """Return the visible ones of the addresses ``among``: of a visible company or person, or one's own and free."""
        # step by step, for nested in one statement PostgreSQL would read all the companies
        links = live(AddressLink).filter(address__in=among).values_list("address", "company", "person")
        companies = self._seen(Company, {company for _, company, _ in links})
        people = self._seen(Person, {person for _, _, person in links})
        linked = {address for address, company, person in links if company in companies or person in people}
        free = set(among) - {address for address, _, _ in links}
        return live(Address).filter(Q(pk__in=linked) | Q(pk__in=free, created_by=self.user))

    def _seen(self, model: type[Model], keys: set[int | None]) -> set[int]:
        return set(self.allowed(model, among=keys - {None}).values_list("pk", flat=True))

    @property
    def may_insert(self) -> bool:
        """Whether the user may create companies at all."""
        return self.user.is_superuser or any(right.insert for right in self._rights if right.entity == "Company")

    def hidden(self) -> set[str]:
        """Return the wire names of the fields of companies that the user may not read."""
        if self.user.is_superuser:
            return set()
        rules = FieldRule.objects.filter(profile__group__user=self.user, entity="Company", read=False)
        return set(rules.values_list("field", flat=True))

    @cached_property
    def _rights(self) -> list[ProfileRight]:
        return [] if self.user.is_superuser else list(ProfileRight.objects.filter(profile__group__user=self.user))

    def _shared(self, model: type[Model], action: Action, among: Any) -> Q:
        permission = f"entities.{CODES[action]}_{model._meta.model_name}"
        return Q(pk__in=get_objects_for_user(self.user, permission, among, accept_global_perms=False))

    def _granted(self, model: type[Model], action: Action, among: Any) -> Q:
        tables: Any = GRANTS[model.__name__]
        users, groups = (table.objects.filter(permission=permission(model, action)) for table in tables)
        users, groups = users.filter(user=self.user), groups.filter(group__in=self._profiles)
        if among is not model:
            users, groups = users.filter(content_object__in=among), groups.filter(content_object__in=among)
        return Q(pk__in=users.values("content_object")) | Q(pk__in=groups.values("content_object"))

    def _reached(self, scope: str) -> Q:
        match scope:
            case "home":
                return Q(territory__in=self._territories)
            case "assigned":
                return Q(primary_user=self.user)
            case "team":
                return Q(team__in=self._teams)
            case "created_by":
                return Q(created_by=self.user)
        raise LookupError(scope)

    @cached_property
    def _profiles(self) -> list[int]:
        return list(self.user.groups.values_list("pk", flat=True))

    @cached_property
    def _territories(self) -> Any:
        home: Any = self.user.home_territory
        below = Territory.objects.filter(number__gte=home.number, number__lte=home.number_end)
        return list(below.values_list("pk", flat=True)) if self.flat else below

    @cached_property
    def _teams(self) -> Any:
        return list(self.user.teams.values_list("pk", flat=True)) if self.flat else self.user.teams.all()


@cache
def permission(model: type[Model], action: Action) -> int:
    """Return the key of the permission for ``action`` to the rows of ``model``."""
    name = f"{CODES[action]}_{model._meta.model_name}"
    return Permission.objects.get(content_type__app_label="entities", codename=name).pk
