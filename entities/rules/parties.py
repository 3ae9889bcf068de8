"""Rules of companies, people and how to reach them (entities.md §3.1 to §3.4, §6.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Subquery

from entities.models import Address, AddressLink, Company, Email, Note, Person, Phone, Record, User
from entities.registry import registry
from entities.rules.assignment import assignee, check_assignment, complete_assignment
from entities.rules.circumstances import RuleViolation
from entities.rules.writing import change_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from entities.registry import Entity
    from entities.rules.circumstances import Circumstances

ADDRESS_PARTS = ("address1", "address2", "address3", "address4", "city", "post_code")


def near_person(person: Person, c: Circumstances) -> Iterator[tuple[type[Record], int | None]]:
    """Yield what the rules of a new person look up: its company, then whom that is assigned to."""
    yield from assignee(person, c)
    yield Company, person.company_id
    company = c.foreseen(Company, person.company_id)
    yield User, company.primary_user_id if company else None


def complete_person(person: Person, c: Circumstances) -> None:
    """Let a new person of a company have its territory and, where the caller can read it, its account manager."""
    company = c.find(Company, person.company_id)
    complete_assignment(
        person,
        c,
        user=company.primary_user_id if company and c.readable(Company, "primary_user") else None,
        territories=[company.territory_id if company else None],
    )


def check_company(company: Company, c: Circumstances) -> Iterator[RuleViolation]:
    """The primary person belongs to the company, the primary address is linked to it.

    Whoever cannot read a person's company chooses nobody: a success would tell it.
    """
    yield from check_assignment(company, c)
    person = company.primary_person_id
    if person is not None and c.changed(company, "primary_person_id"):
        people = c.rows(Person).filter(pk=person, company_id=company.pk)
        if c.before is None or not (c.readable(Person, "company") and people.exists()):
            yield RuleViolation("The primary person must belong to the company.", "primary_person")
    yield from _check_primary_address(company, c)


def check_person(person: Person, c: Circumstances) -> Iterator[RuleViolation]:
    """The primary address is linked to the person."""
    yield from check_assignment(person, c)
    yield from _check_primary_address(person, c)


def settle_person(person: Person, c: Circumstances) -> None:
    """Keep the companies' primary people right when a person is new, or moved."""
    if not c.changed(person, "company_id"):
        return
    if c.before is not None:
        left = c.rows(Company).filter(primary_person=person.pk)
        change_all(left.exclude(pk__in=[person.company_id]), c, primary_person_id=None)
    if person.company_id is not None and c.editable(Company, person.company_id):
        without = c.rows(Company).filter(pk=person.company_id, primary_person=None)
        change_all(without, c, primary_person_id=person.pk)


def settle_people(people: Sequence[Person], c: Circumstances) -> None:
    """Let the first of new people be the primary one of each company that has none."""
    keys = sorted({person.company_id for person in people if person.company_id is not None})
    if keys:
        without = c.rows(Company).filter(pk__in=c.among_editable(Company, keys), primary_person=None)
        new = [person.pk for person in people]
        first = c.rows(Person).filter(company=OuterRef("pk"), pk__in=new).order_by("pk").values("pk")[:1]
        change_all(without, c, primary_person_id=Subquery(first))


def check_address(address: Address, c: Circumstances) -> Iterator[RuleViolation]:
    """At least one part of an address is filled."""
    if not any(getattr(address, part) for part in ADDRESS_PARTS):
        yield RuleViolation("An address needs a line, a city or a post code.", "address1")


def check_link(link: AddressLink, c: Circumstances) -> Iterator[RuleViolation]:
    """A link has an owner, and an owner uses an address once per type.

    Linking needs Edit on the address: whoever may edit one owner may edit the address, so a link to somebody else's
    address would otherwise turn seeing it into editing it.
    """
    if c.before is None and not c.keyed(Address, link.address_id).exists():
        yield RuleViolation("This record cannot be used here.", "address", "BadReference")
        return
    if c.before is None and not c.editable(Address, link.address_id):
        yield RuleViolation("You may not do this.", "address", "NotPermitted")
        return
    if link.company_id is None and link.person_id is None:
        yield RuleViolation("An address link needs a company or a person.", "company")
        return
    both = link.company_id is not None and link.person_id is not None
    if c.before is None and both and not c.editable(Person, link.person_id or 0):
        # The link is the person's; the right to edit the company that it names too is not enough.
        yield RuleViolation("You may not do this.", "person", "NotPermitted")
        return
    same = c.rows(AddressLink).filter(address=link.address_id, type=link.type).exclude(pk=link.pk)
    if link.person_id is not None:
        same = same.filter(person=link.person_id)
    else:
        same = same.filter(company=link.company_id, person=None)
    if c.changed(link, "type") and same.exists():
        yield RuleViolation("The address already serves its owner in this way.", "type")


def settle_link(link: AddressLink, c: Circumstances) -> None:
    """The first address of a company or person without primary one becomes primary."""
    if c.before is not None:
        return
    model: type[Company | Person] = Person if link.person_id else Company
    key = link.person_id or link.company_id
    if key is not None and c.editable(model, key):
        without = c.rows(model).filter(pk=key, primary_address=None)
        change_all(without, c, primary_address_id=link.address_id)


def near_reach(reach: Phone | Email | Note, c: Circumstances) -> Iterator[tuple[type[Record], int | None]]:
    """Yield the owner, which the rules look up."""
    owner = _owner(reach)
    if owner is not None:
        yield owner.model, reach.owner_id


def check_reach(reach: Phone | Email | Note, c: Circumstances) -> Iterator[RuleViolation]:
    """The owner of a phone, an e-mail or a note is a live record of a kind that has them."""
    if c.before is not None or reach.owner_id is None:
        return
    owner = _owner(reach)
    if owner is None or c.find(owner.model, reach.owner_id) is None:
        yield RuleViolation("This record cannot be used here.", "owner_id", "BadReference")


def _owner(reach: Phone | Email | Note) -> Entity | None:
    """Return the kind of the owner, if it is one that has such records."""
    owner = registry().by_table_id.get(reach.owner_table)
    kind = registry().by_model[type(reach)].kind
    return owner if owner is not None and any(item.kind == kind for item in owner.collections) else None


def lock_link(link: AddressLink, c: Circumstances) -> None:
    """Lock owners and address of a link, in this order: two deletions may not each count on the other's link."""
    _lock(Company, [link.company_id], c)
    _lock(Person, [link.person_id], c)
    _lock(Address, [link.address_id], c)


def lock_address(address: Address, c: Circumstances) -> None:
    """Lock the owners of an address, then the address."""
    if address.pk is not None:
        owners = list(c.rows(AddressLink).filter(address=address.pk).values_list("company_id", "person_id"))
        _lock(Company, [company for company, _ in owners], c)
        _lock(Person, [person for _, person in owners], c)
        _lock(Address, [address.pk], c)


def _lock(model: type[Record], keys: Iterable[int | None], c: Circumstances) -> None:
    wanted = [key for key in keys if key is not None]
    if wanted:
        rows = c.rows(model).filter(pk__in=wanted).select_for_update(no_key=True).order_by("pk")
        list(rows.values_list("pk"))


def empty_unlinked_primaries(addresses: list[int], c: Circumstances, leaving: Company | Person | None = None) -> None:
    """Empty every primary reference to one of ``addresses`` whose owner has no link to it any more.

    ``leaving`` is being deleted itself and keeps its reference for the day it is restored.
    """
    owners: tuple[tuple[type[Company | Person], str], ...] = ((Company, "company"), (Person, "person"))
    for model, owner in owners:
        links = c.rows(AddressLink).filter(**{owner: OuterRef("pk")}, address=OuterRef("primary_address"))
        unlinked = c.rows(model).filter(~Exists(links), primary_address__in=addresses)
        if isinstance(leaving, model):
            unlinked = unlinked.exclude(pk=leaving.pk)
        change_all(unlinked, c, primary_address_id=None)


def _check_primary_address(owner: Company | Person, c: Circumstances) -> Iterator[RuleViolation]:
    address = owner.primary_address_id
    if address is None or not c.changed(owner, "primary_address_id"):
        return
    name = "company" if isinstance(owner, Company) else "person"
    readable = all(c.readable(AddressLink, column) for column in (name, "address"))  # a success would tell them
    links = c.rows(AddressLink).filter(**{name: owner.pk}, address=address)
    if c.before is None or not (readable and links.exists()):
        yield RuleViolation(f"The primary address must be linked to the {name}.", "primary_address")
