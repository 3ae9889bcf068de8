"""A small set of records, and a caller who may do everything unless a test says otherwise."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model

from entities import rules
from entities.models import (
    Address,
    AddressLink,
    Case,
    Company,
    Currency,
    Opportunity,
    Person,
    Price,
    PriceList,
    Product,
    ProductFamily,
    Quote,
    QuoteLine,
    Record,
    Team,
    Territory,
    Unit,
    UnitFamily,
    User,
)
from entities.rules import Circumstances
from security.gate import system_rows

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
R = TypeVar("R", bound=Record)
M = TypeVar("M", bound=Model)


def circumstances(actor: User, **different: Any) -> Circumstances:
    """Return the circumstances of a write by someone who may do everything; ``different`` says what is otherwise."""
    usual: dict[str, Any] = {
        "now": LATER,
        "given": frozenset(),
        "before": None,
        "rows": system_rows,
        "may_insert": lambda record: True,
        "visible": lambda model, key: system_rows(model).filter(pk=key).exists(),
        "editable": lambda model, key: True,
    }
    return Circumstances(actor=actor, **(usual | different))


@transaction.atomic
def create(actor: User, record: R, **different: Any) -> R:
    """Write a new record with its rules, in the order of the gate."""
    c = circumstances(actor, **different)
    record.created_by_id = actor.pk
    rules.complete(record, c)
    rules.check(record, c)
    record.save()
    rules.settle(record, c)
    return record


@transaction.atomic
def update(actor: User, record: R, given: frozenset[str] | None = None, **values: Any) -> R:
    """Change columns of a stored record with its rules, in the order of the gate."""
    model, key = type(record), record.pk
    c = circumstances(actor)
    rules.lock(record, c)
    stored = system_rows(model).get(pk=key)
    c = circumstances(actor, before=copy(stored), given=frozenset(values) if given is None else given)
    for name, value in values.items():
        setattr(stored, name, value)
    rules.check(stored, c)
    stored.save()
    rules.settle(stored, c)
    return stored


@transaction.atomic
def delete(actor: User, record: Record, **different: Any) -> bool:
    """Delete a stored record with its rules, in the order of the gate; say whether its row went."""
    c = circumstances(actor, **different)
    rules.lock(record, c)
    gone = rules.remove(record, c)
    if gone:
        system_rows(type(record)).filter(pk=record.pk).update(deleted_at=LATER, deleted_by=actor)
    return gone


def stored(record: R) -> R:
    """Return the record as the database holds it."""
    return system_rows(type(record)).get(pk=record.pk)


def alive(record: Record) -> bool:
    """Whether the record is not deleted."""
    return system_rows(type(record)).filter(pk=record.pk).exists()


def saved(record: M) -> M:
    """Store a record without any rule."""
    record.save()
    return record


@dataclass(frozen=True)
class World:
    """What a quote needs, and who writes it."""

    actor: User
    root: Territory
    europe: Territory
    uk: Territory
    team: Team
    eur: Currency
    yen: Currency
    price_list: PriceList
    pieces: Unit
    box: Unit
    product: Product
    company: Company
    person: Person
    opportunity: Opportunity

    def quote(self, **values: Any) -> Quote:
        """Create a quote of the opportunity through the rules."""
        return create(self.actor, Quote(**({"opportunity": self.opportunity} | values)))

    def item(self, quote: Quote, quantity: str, price: str | None = None, **values: Any) -> QuoteLine:
        """Create an item line through the rules."""
        line = QuoteLine(
            quote=quote,
            line_type="i",
            product=values.pop("product", self.product),
            quantity=Decimal(quantity),
            quoted_price=None if price is None else Decimal(price),
            **values,
        )
        return create(self.actor, line)

    def text(self, quote: Quote, quantity: str, price: str, **values: Any) -> QuoteLine:
        """Create a free text line through the rules."""
        line = QuoteLine(
            quote=quote,
            line_type="f",
            description="Work",
            quantity=Decimal(quantity),
            quoted_price=Decimal(price),
            **values,
        )
        return create(self.actor, line)


def build() -> World:
    """Store the world; no rule has run yet."""
    root = saved(Territory(caption="Worldwide", number=1, number_end=3, child_count=1))
    europe = saved(Territory(caption="Europe", parent=root, number=2, number_end=3, depth=1, child_count=1))
    uk = saved(Territory(caption="UK", parent=europe, number=3, number_end=3, depth=2))
    team = saved(Team(description="Direct Sales"))
    actor = saved(User(logon="susan", last_name="Sales", home_territory=uk, primary_team=team))
    eur = saved(Currency(symbol="EUR", rate=Decimal(1)))
    yen = saved(Currency(symbol="JPY", rate=Decimal(160), decimal_places=0))
    price_list = saved(PriceList(name="Standard", default_value=True))
    family = saved(UnitFamily(name="Count"))
    pieces = saved(Unit(family=family, name="Piece", default_value=True))
    box = saved(Unit(family=family, name="Box", units=Decimal(12)))
    goods = saved(ProductFamily(name="Goods"))
    product = saved(Product(code="P1", name="Widget", product_family=goods, uom_category=family))
    for unit, currency, price in ((pieces, eur, "19.99"), (box, eur, "200"), (pieces, yen, "3000")):
        saved(Price(product=product, pricing_list=price_list, uom=unit, price=Decimal(price), price_currency=currency))
    company = saved(Company(name="Eurolandia", primary_user=actor, territory=europe))
    person = saved(Person(last_name="Sample", company=company, territory=uk))
    opportunity = saved(
        Opportunity(
            description="Deal",
            primary_company=company,
            primary_person=person,
            assigned_user=actor,
            team=team,
            territory=europe,
            opened=NOW,
        )
    )
    return World(
        actor, root, europe, uk, team, eur, yen, price_list, pieces, box, product, company, person, opportunity
    )


def address(owner: Company | Person | None = None, kind: str = "Business", **parts: str) -> Address:
    """Store an address, linked to ``owner`` if given; no rule runs."""
    found = saved(Address(**(parts or {"city": "Dublin"})))
    if owner is not None:
        link(found, owner, kind)
    return found


def link(found: Address, owner: Company | Person, kind: str = "Business") -> AddressLink:
    """Link an address to its owner; no rule runs."""
    name = "company" if isinstance(owner, Company) else "person"
    return saved(AddressLink(address=found, type=kind, **{name: owner}))


def case(world: World, **values: Any) -> Case:
    """Return an unsaved case."""
    return Case(**({"description": "Broken"} | values))
