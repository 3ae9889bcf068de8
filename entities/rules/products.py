"""Rules of what is sold: currencies, price lists, prices and units (entities.md §3.15, §6.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entities.models import Currency, Price, PriceList, Unit
from entities.rules.circumstances import RuleViolation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entities.rules.circumstances import Circumstances

BASE_RATE = 1


def base_currency(c: Circumstances) -> int | None:
    """Return the key of the base currency: the first one with the rate 1."""
    currencies = c.rows(Currency).filter(rate=BASE_RATE).order_by("pk")
    return c.once("base currency", lambda: currencies.values_list("pk", flat=True).first())


def default_price_list(c: Circumstances) -> int | None:
    """Return the key of the default price list."""
    lists = c.rows(PriceList).filter(default_value=True).order_by("pk")
    return lists.values_list("pk", flat=True).first()


def check_currency(currency: Currency, c: Circumstances) -> Iterator[RuleViolation]:
    """A rate is positive, and one currency is the base."""
    if currency.rate is not None and currency.rate <= 0:
        yield RuleViolation("The rate must be greater than 0.", "rate")
    before = c.before
    if isinstance(before, Currency) and before.rate != currency.rate and is_base(currency, c):
        yield RuleViolation("The base currency has the rate 1.", "rate")


def is_base(currency: Currency, c: Circumstances) -> bool:
    """Whether no other currency could be the base, with the rate 1."""
    stored = c.rows(Currency).filter(rate=BASE_RATE)
    return stored.filter(pk=currency.pk).exists() and not stored.exclude(pk=currency.pk).exists()


def check_price_list(price_list: PriceList, c: Circumstances) -> Iterator[RuleViolation]:
    """Exactly one price list is the default; the first one is."""
    others = c.rows(PriceList).filter(default_value=True).exclude(pk=price_list.pk)
    if price_list.default_value or others.exists():
        return
    if c.before is None:
        price_list.default_value = True
    else:
        yield RuleViolation("One price list is the default; choose another one instead.", "default_value")


def check_price(price: Price, c: Circumstances) -> Iterator[RuleViolation]:
    """A product has one active price per list, unit and currency."""
    key = {
        "product": price.product_id,
        "pricing_list": price.pricing_list_id,
        "uom": price.uom_id,
        "price_currency": price.price_currency_id,
    }
    if not price.active or not c.changed(price, "active", *(f"{name}_id" for name in key)):
        return
    if c.rows(Price).filter(**key, active=True).exclude(pk=price.pk).exists():
        yield RuleViolation("The product already has an active price there.", "active")


def check_unit(unit: Unit, c: Circumstances) -> Iterator[RuleViolation]:
    """A unit is some positive number of its family's base unit."""
    if not unit.units or unit.units < 0:
        yield RuleViolation("The number of units must be greater than 0.", "units")
