"""Titles of users, teams and territories, remembered with an access: whatever they are made of moves its version.

A row of a page names five such records, and looking each up took the database a quarter of the page (docs/adr/0037).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entities.registry import registry
from security import gate
from security.access import remembered
from security.plan import policy_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from security.access import Access

    Titles = dict[int, str | None]  # by key; None = not to be seen

KINDS = ("Users", "Channel", "Territories")
MOST = 1_000  # records of a kind; with more of them its titles are looked up with each page


def remembered_kinds(access: Access) -> frozenset[str]:
    """Return the kinds whose titles are remembered: whose every live record the actor sees, by right and not by grant.

    What else a record is seen by may change without the policy.
    """
    return frozenset(_all_titles(access))


def titles(access: Access, wanted: Mapping[str, set[int | None]]) -> Mapping[str, Mapping[int, str | None]]:
    """Return ``{kind: {key: title}}`` of at least the ``wanted`` records of remembered kinds; None = not to be seen.

    A key that is None is nobody's. One that is not remembered, such as that of a deleted user, is looked up once.
    """
    everything = _all_titles(access)
    known = {kind: everything.get(kind, {}) for kind in wanted}
    missing: dict[str, set[int]] = {}
    for kind, keys in wanted.items():
        if unknown := {key for key in keys if key is not None and key not in known[kind]}:
            missing[kind] = unknown
    if missing:
        found = gate.titles(access, missing)
        holds = policy_version() == access.version  # asked afterwards: so they are titles of that version
        for kind, unknown in missing.items():
            told = {key: found.get((kind, key)) for key in unknown}
            if holds and len(known[kind]) < 2 * MOST:
                known[kind].update(told)
            else:
                known[kind] = known[kind] | told
    return known


def _all_titles(access: Access) -> dict[str, Titles]:
    """Return all titles of the remembered kinds, read once for an access that is that of the present policy."""
    place: list[dict[str, Titles]] = remembered(access, _all_titles, None, list)
    if place:
        return place[0]
    kinds = [kind for kind in KINDS if access.sees(registry()[kind]) and _sees_all(access, kind)]
    every: dict[str, Titles] = {kind: {} for kind in kinds}
    for kind, key, title in gate.every_title(access, kinds, MOST + 1):
        every[kind][key] = title
    found = {kind: known for kind, known in every.items() if len(known) <= MOST}
    if policy_version() == access.version:  # and not with changes of a transaction that may be taken back
        place[:] = [found]
    return found


def _sees_all(access: Access, kind: str) -> bool:
    return any(rule.scope == "everywhere" for rule in access.plans[kind].rules["view"])
