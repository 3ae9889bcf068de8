"""A world: plain data about who and what there is, without any of Django.

Rows carry wire names. Keys start above those that sequences give, so that a record created during a test never
meets one.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = 1_000_000
SAME_ROWS = {
    "PhoneLink": "Phone",
    "EmailLink": "Email",
    "vAddressCompany": "Address_Link",
    "vAddressPerson": "Address_Link",
    "vCompanySummary": "Company",
    "vPersonSummary": "Person",
    "vNewProductPriceList": "Pricing",
}
Action = Literal["view", "insert", "edit", "delete"]
ACTIONS: tuple[Action, ...] = ("view", "insert", "edit", "delete")


@dataclass(frozen=True)
class Territory:
    key: int
    parent: int | None


@dataclass(frozen=True)
class User:
    key: int
    home: int | None
    primary_team: int | None
    teams: frozenset[int]
    profiles: frozenset[int]
    superuser: bool = False
    disabled: bool = False


@dataclass(frozen=True)
class Right:
    profile: int
    kind: str
    scope: str
    territory: int | None
    with_subtree: bool
    actions: frozenset[str]


@dataclass(frozen=True)
class Rule:
    """A field rule; ``holder`` is the key of a profile, team or user, None for everyone."""

    kind: str
    wire: str
    level: Literal["user", "team", "profile", "everyone"]
    holder: int | None
    read: bool | None
    write: bool | None
    required: bool | None


@dataclass(frozen=True)
class Refusal:
    """A profile refuses a transition of a kind."""

    profile: int
    kind: str
    name: str


@dataclass(frozen=True)
class Grant:
    """``group`` is a Django group that is no profile: what it holds counts for nobody."""

    action: Action
    kind: str
    key: int
    to: Literal["user", "profile", "group"]
    holder: int


@dataclass(frozen=True)
class Row:
    """A record: its security columns, and other values by wire name (references as keys)."""

    kind: str
    key: int
    territory: int | None = None
    team: int | None = None
    assigned: int | None = None
    creator: int | None = None
    deleted: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class World:
    territories: tuple[Territory, ...]
    teams: tuple[int, ...]
    profiles: tuple[int, ...]
    plain_group: int
    users: tuple[User, ...]
    rights: tuple[Right, ...]
    rules: tuple[Rule, ...]
    grants: tuple[Grant, ...]
    rows: tuple[Row, ...]
    refusals: tuple[Refusal, ...] = ()

    def of(self, kind: str) -> list[Row]:
        """The rows of a kind; Users, teams and territories are rows, too, and a link kind shows its base's rows."""
        base = SAME_ROWS.get(kind, kind)
        found = [row if base == kind else replace(row, kind=kind) for row in self.rows if row.kind == base]
        if kind == "Users":
            found += [Row("Users", user.key, values={"User_LastName": f"User {user.key}"}) for user in self.users]
        if kind == "Channel":
            found += [Row("Channel", key, values={"Chan_Description": f"Team {key}"}) for key in self.teams]
        if kind == "Territories":
            for place in self.territories:
                values = {"Terr_Caption": f"Place {place.key}", "Terr_ParentId": place.parent}
                found.append(Row("Territories", place.key, values=values))
        return found

    def __repr__(self) -> str:
        """A summary to read: one fact per line, keys shortened."""
        groups = (self.territories, self.users, self.rights, self.rules, self.grants, self.rows, self.refusals)
        lines = [f"  {_brief(item)}" for group in groups for item in group]
        heads = [f"  teams {self.teams}", f"  profiles {self.profiles}, plain group {self.plain_group}"]
        return "\n".join(["World(", *heads, *lines, ")"]).replace(str(BASE)[:-1], "*")


def _brief(item: Any) -> str:
    """Return the repr of a dataclass without what is empty or as always."""
    shown = [(part.name, getattr(item, part.name), part.default) for part in fields(item)]
    named = [
        f"{name}={sorted(value) if isinstance(value, frozenset) else value!r}"
        for name, value, default in shown
        if value is not None and value != frozenset() and (default is MISSING or value != default)
    ]
    return f"{type(item).__name__}({', '.join(named)})"
