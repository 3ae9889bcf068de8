"""What the policy of one user is made of: the rows of the policy tables that concern them, as they are stored.

``plan`` compiles these facts, ``explain`` names them. They are read in a constant number of statements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from entities.models import Territory, User
from entities.registry import registry
from security import gate
from security.errors import UnknownActor
from security.models import ExternalAccess, FieldRule, Profile, ProfileRight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entities.registry import Entity, Field


@dataclass(frozen=True)
class Facts:
    """The stored policy of one user. ``profiles`` know their groups; ``territories`` is the whole tree."""

    user: User
    profiles: tuple[Profile, ...]
    teams: frozenset[int]
    rights: tuple[ProfileRight, ...]
    rules: tuple[FieldRule, ...]
    territories: tuple[Territory, ...]
    withheld: frozenset[str]

    def rules_about(self, entity: Entity, field: Field) -> list[FieldRule]:
        """Return the field rules that speak of ``field``."""
        return [r for r in self.rules if registry().find(r.entity) is entity and entity.field(r.field) is field]

    @property
    def home(self) -> Territory | None:
        """The user's home territory."""
        return next((t for t in self.territories if t.pk == self.user.home_territory_id), None)


def facts_of(user_id: int) -> Facts:
    """Return the facts about a user as they are now; raises ``UnknownActor`` for a key of no user."""
    user = gate.system_rows(User).filter(pk=user_id).first()
    if user is None:
        raise UnknownActor
    profiles = tuple(Profile.objects.filter(group__user=user_id).select_related("group").order_by("pk"))
    teams = frozenset((*user.teams.values_list("pk", flat=True), *filter(None, [user.primary_team_id])))
    keys = [profile.pk for profile in profiles]
    applies = Q(profile=None, team=None, user=None) | Q(user=user_id) | Q(team__in=teams) | Q(profile__in=keys)
    return Facts(
        user=user,
        profiles=profiles,
        teams=teams,
        rights=tuple(ProfileRight.objects.filter(profile__in=keys).order_by("pk")),
        rules=tuple(FieldRule.objects.filter(applies).order_by("pk")),
        territories=tuple(gate.system_rows(Territory)),
        withheld=withheld(ExternalAccess.objects.filter(offered=False)),
    )


def withheld(rows: Iterable[ExternalAccess]) -> frozenset[str]:
    """Return the kinds that the rows keep out of the API."""
    return frozenset(row.entity for row in rows if not row.offered)
