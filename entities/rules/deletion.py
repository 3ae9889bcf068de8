"""What goes with a deleted record, and what may not go (entities.md §2, D1 to D7). All deletion is a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from entities.models import (
    Address,
    AddressLink,
    Company,
    Currency,
    Opportunity,
    Person,
    PriceList,
    Quote,
    Record,
    Team,
    Territory,
    User,
)
from entities.registry import CollectionLink, Entity, registry
from entities.rules.circumstances import RuleViolation
from entities.rules.directory import renumber
from entities.rules.documents import CONVERTED, lock_opportunity, recompute_opportunity
from entities.rules.parties import empty_unlinked_primaries
from entities.rules.possible import referred_to
from entities.rules.products import is_base
from entities.rules.writing import change_all, discard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entities.rules.circumstances import Circumstances


def remove_declared(record: Record, c: Circumstances) -> None:
    """What the declaration of the record's kind says: D6 and D7, else D1 or D4."""
    if registry().by_model[type(record)].delete in ("D6", "D7"):
        remove_reference(record, c)
    else:
        remove_owner(record, c)


def remove_owner(record: Record, c: Circumstances) -> None:
    """D1, D4: the owned children go; an address that others share only loses its link."""
    leaving = record if isinstance(record, Company | Person) else None
    _discard_owned(registry().by_model[type(record)], [record.pk], c, leaving)


def remove_person(person: Person, c: Circumstances) -> None:
    """D1; the person is nobody's primary one any more."""
    change_all(c.rows(Company).filter(primary_person=person.pk), c, primary_person_id=None)
    remove_owner(person, c)


def remove_opportunity(opportunity: Opportunity, c: Circumstances) -> None:
    """D2: as D1, and its quotes with their lines."""
    quotes = discard(c.rows(Quote).filter(opportunity=opportunity.pk), c)
    _discard_owned(registry().by_model[Quote], quotes, c)
    remove_owner(opportunity, c)


def remove_quote(quote: Quote, c: Circumstances) -> None:
    """D3: as D1; the totals of the opportunity are computed without it.

    Raises ``RuleViolation`` ``InUse`` for a converted quote.
    """
    if quote.status == CONVERTED:
        raise RuleViolation("A converted quote cannot be deleted.", code="InUse")
    opportunity = lock_opportunity(quote.opportunity_id, c)
    remove_owner(quote, c)
    if opportunity is not None:
        recompute_opportunity(opportunity, c, without=[quote.pk])


def remove_link(link: AddressLink, c: Circumstances) -> None:
    """D4; an owner without another link to the address has it no more as its primary one."""
    c.rows(AddressLink).filter(pk=link.pk).update(deleted_at=c.now, deleted_by_id=c.actor.pk)
    empty_unlinked_primaries([link.address_id], c)


def remove_address(address: Address, c: Circumstances) -> bool:
    """D5: the links to all owners that the caller sees; return whether the address goes with its last link.

    Raises ``RuleViolation`` ``NotPermitted`` unless the caller may edit all of those owners.
    """
    seen: list[int] = []
    for link in c.rows(AddressLink).filter(address=address.pk).order_by("pk"):
        owners: list[tuple[type[Company | Person], int | None]] = [(Company, link.company_id), (Person, link.person_id)]
        visible = [(model, key) for model, key in owners if key is not None and c.visible(model, key)]
        if not all(c.editable(model, key) for model, key in visible):
            raise RuleViolation("The address also serves a record that you may not edit.", code="NotPermitted")
        if visible:
            seen.append(link.pk)
    discard(c.rows(AddressLink).filter(pk__in=seen), c)
    empty_unlinked_primaries([address.pk], c)
    return not c.rows(AddressLink).filter(address=address.pk).exists()


def remove_reference(record: Record, c: Circumstances) -> None:
    """D6, D7: nothing refers to it. Raises ``RuleViolation`` ``InUse``."""
    if _is_needed(record, c) or _is_referred_to(record, c):
        advice = "disable the user" if isinstance(record, User) else "deactivate it"
        raise RuleViolation(f"It is in use; {advice} instead.", code="InUse")
    if isinstance(record, Territory):
        renumber(c, without=[record.pk])


def _is_needed(record: Record, c: Circumstances) -> bool:
    if isinstance(record, Currency):
        return is_base(record, c)
    if isinstance(record, PriceList):
        return record.default_value
    if isinstance(record, Territory):
        return record.parent_id is None
    return isinstance(record, Team) and c.rows(User).filter(teams=record.pk).exists()


def _is_referred_to(record: Record, c: Circumstances) -> bool:
    referred = referred_to(registry().by_model[type(record)], c.rows)
    return referred is not None and c.rows(type(record)).filter(referred, pk=record.pk).exists()


def _discard_owned(
    entity: Entity, keys: Sequence[int], c: Circumstances, leaving: Company | Person | None = None
) -> None:
    """Mark the owned children of the records ``keys`` deleted, and theirs; set-wise."""
    for collection in entity.collections if keys else ():
        if not collection.owned:
            continue
        child = registry()[collection.kind]
        if collection.via:
            gone = _discard_unlinked(child, collection, keys, c)
            if child.model is Address:
                empty_unlinked_primaries(gone, c, leaving)
            continue
        by = {f"{collection.by}__in": keys} if collection.by else {"owner_table": entity.table_id, "owner_id__in": keys}
        _discard_owned(child, discard(c.rows(child.model).filter(**by), c), c)


def _discard_unlinked(child: Entity, collection: CollectionLink, keys: Sequence[int], c: Circumstances) -> list[int]:
    """Mark the links of the records ``keys`` deleted, and their targets without another link."""
    link = registry()[collection.via]
    by = next(f for f in link.fields if f.target == child.kind and not f.repeat)
    links = c.rows(link.model).filter(**{f"{collection.by}__in": keys})
    if collection.unless:
        links = links.filter(**{collection.unless: None})
    targets = list(links.values_list(by.column, flat=True))
    discard(links, c)
    still = c.rows(link.model).filter(**{by.column: OuterRef("pk")})
    discard(c.rows(child.model).filter(~Exists(still), pk__in=targets), c)
    return targets
