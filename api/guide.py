"""What the guide for partners shows: requests and answers told with the caller's own kinds and fields.

Everything comes from the caller's contract; ``templates/docs`` holds the sentences, which name no kind and no field.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from api import prototypes
from api.openapi import examples, parameters
from api.openapi.texts import REFUSALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entities.registry import Entity
    from security.access import Access

FIELDS_SHOWN = 6
_MEMBERS_SHOWN = ("$key", "$title", "$url", "$etag")
_LINKS_SHOWN = ("$self", "$edit", "$prototype")


@dataclass(frozen=True)
class Sample:
    """The kind that the guide is told with: addresses, conditions and bodies of one example record."""

    entity: Entity
    key: int
    conditions: list[str]
    select: str
    include: str
    order_by: str
    entry: str
    feed: str
    create: str
    update: str
    collection: str
    condition: str


@dataclass(frozen=True)
class Guide:
    """The guide's content. ``kinds`` are (entity, rights) pairs; ``sample`` is None where the caller sees no kind."""

    base: str
    logon: str
    kinds: list[tuple[Entity, Mapping[str, bool]]]
    sample: Sample | None
    refusal: str
    refusals: list[tuple[int, str]] = field(default_factory=list)


def guide_for(access: Access, base: str) -> Guide:
    """Return the guide for one caller; ``base`` is the absolute address of the contract."""
    known = prototypes.known(access)
    seen = next((entity for entity in known if access.sees(entity)), None)
    return Guide(
        base=base,
        logon=access.actor.logon,
        kinds=[(entity, _rights(access, entity)) for entity in known],
        sample=None if seen is None else _sample(access, seen, base),
        refusal=_pretty(examples.refusals()[400]),
        refusals=[(status, refusal.description) for status, refusal in REFUSALS.items()],
    )


def _rights(access: Access, entity: Entity) -> dict[str, bool]:
    """Return the rights without the protocol's ``$``, as templates can name them."""
    return {name.removeprefix("$"): given for name, given in prototypes.rights(access.shape(entity)).items()}


def _sample(access: Access, entity: Entity, base: str) -> Sample:
    key = examples.key_of(entity)
    shown = examples.with_base(examples.of_kind(access, entity), base)
    conditions = list(parameters.conditions(access, entity, key).values())
    included = parameters.included(access, entity)
    collections = prototypes.collections(access, entity)
    entry = _shortened(shown.get(f"{entity.kind}Entry", {}))
    return Sample(
        entity=entity,
        key=key,
        conditions=conditions,
        condition=conditions[0],
        select=parameters.selection(access, entity),
        include=included[0] if included else "",
        order_by=parameters.selection(access, entity).partition(",")[0],
        entry=_pretty(entry),
        feed=_pretty(_page(shown.get(f"{entity.kind}Feed", {}))),
        create=_pretty(shown.get(f"{entity.kind}Create", {})),
        update=_pretty(shown.get(f"{entity.kind}Update", {})),
        collection=collections[0].kind if collections else "",
    )


def _shortened(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of an entry that tell the form: identity, some filled fields, a linked record, some links."""
    fields = ((n, v) for n, v in entry.items() if not (n.startswith("$") or v is None or isinstance(v, dict)))
    linked = ((name, value) for name, value in entry.items() if isinstance(value, dict) and not name.startswith("$"))
    links = entry.get("$links", {})
    found = {name: entry[name] for name in _MEMBERS_SHOWN if name in entry}
    found |= dict(islice(fields, FIELDS_SHOWN)) | dict(islice(linked, 1))
    return found | {"$links": {name: links[name] for name in _LINKS_SHOWN if name in links}}


def _page(feed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a feed whose entries show their identity only."""
    entries = [{name: entry[name] for name in _MEMBERS_SHOWN[:3]} for entry in feed.get("$resources", ())]
    return {name: entries if name == "$resources" else value for name, value in feed.items()}


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
