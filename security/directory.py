"""Titles of users, teams and territories, remembered with an access: whatever they are made of moves its version.

A row of a page names five such records, and looking each up took the database a quarter of the page (docs/adr/0037).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entities.registry import registry
from security import gate
from security.access import once_per_access, remembered
from security.plan import policy_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from security.access import Access

    Titles = dict[int, str | None]  # by key; None = not to be seen

KINDS = ("Users", "Channel", "Territories")
MOST = 1_000  # titles of a kind that are remembered; with more it begins anew


@dataclass
class _Place:
    """Where titles are remembered. They are replaced and never emptied: another thread may be looking."""

    titles: Titles = field(default_factory=dict)


@once_per_access
def remembered_kinds(access: Access) -> frozenset[str]:
    """Return the kinds whose titles are remembered: whose every live record the actor sees, by right and not by grant.

    What else a record is seen by may change without the policy.
    """
    return frozenset(kind for kind in KINDS if access.sees(registry()[kind]) and _sees_all(access, kind))


def _sees_all(access: Access, kind: str) -> bool:
    return any(rule.scope == "everywhere" for rule in access.plans[kind].rules["view"])


def titles(access: Access, wanted: Mapping[str, set[int | None]]) -> Mapping[str, Mapping[int, str | None]]:
    """Return ``{kind: {key: title}}`` of at least the ``wanted`` records of remembered kinds; None = not to be seen.

    A key that is None is nobody's.
    """
    known = {kind: _known(access, kind) for kind in wanted}
    missing: dict[str, set[int]] = {}
    for kind, keys in wanted.items():
        if unknown := {key for key in keys if key is not None and key not in known[kind]}:
            missing[kind] = unknown
    if missing:
        found = gate.titles(access, missing)
        holds = policy_version() == access.version  # asked afterwards: so they are titles of that version
        for kind, unknown in missing.items():
            told = {key: found.get((kind, key)) for key in unknown}
            if holds:
                known[kind].update(told)
            else:
                known[kind] = known[kind] | told
    return known


def _known(access: Access, kind: str) -> Titles:
    place = remembered(access, _known, kind, _Place)
    if len(place.titles) > MOST:
        place.titles = {}
    return place.titles
