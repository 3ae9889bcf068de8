"""What the demo company sells: currencies, units, families, products, and their prices on two lists."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from crm.demo.directory import stamps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crm.demo.load import Row

# symbol, units per euro, decimal places, name; the base currency has the rate 1
CURRENCIES = (
    ("EUR", Decimal(1), 2, "Euro"),
    ("USD", Decimal("1.085"), 2, "US Dollar"),
    ("GBP", Decimal("0.855"), 2, "Pound Sterling"),
    ("JPY", Decimal("163.5"), 0, "Japanese Yen"),
)
CURRENCY = {symbol: key for key, (symbol, *_) in enumerate(CURRENCIES, start=1)}
# family, then its units with how many of the smallest unit they hold; the first one is the family's default
UNIT_FAMILIES = (
    ("Piece", (("Each", 1), ("Box of 10", 10))),
    ("Time", (("Hour", 1), ("Day", 8))),
    ("Licence", (("User per Year", 1), ("User per 3 Years", 3))),
)
PRICE_LISTS = (("Standard", Decimal(1)), ("Partner", Decimal("0.85")))
# family, unit family, its products with their price in euro
_FAMILIES = (
    ("Software", "Licence", "ExpenseCheck Standard|49; ExpenseCheck Professional|89.5; ExpenseCheck Enterprise|149; "
     "Mobile Add-on|12.9; Reporting Pack|24; Archive|18.25; Connector for Mail|9.99; Sandbox|75"),
    ("Hardware", "Piece", "Receipt Scanner R2|229; Receipt Scanner R5|389.9; Card Reader|64.5; Label Printer|199; "
     "Docking Cradle|39.95; Badge (blank)|1.15; Badge Printer|449; Power Supply|22.4"),
    ("Services", "Time", "Installation|95; Configuration|110; Data Migration|125; Health Check|105; Site Support|135"),
    ("Consulting", "Time", "Process Workshop|160; Solution Architecture|185; Project Management|150; Audit|175.5"),
    ("Training", "Time", "Administrator Course|120; User Course|80; Developer Course|140"),
    ("Supplies", "Piece", "Paper Roll|1.999; Cleaning Kit|7.3; Label Roll|4.75; Cable|6.2; \"Quick Start\" Guide|3.5"),
)  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """A product in one of its units, with its price in every (price list, currency)."""

    product: int
    family: int
    unit: int
    name: str
    whole: bool
    prices: dict[tuple[int, int], Decimal]


def _units() -> Iterator[tuple[int, int, str, int, bool]]:
    key = 0
    for family, (_, units) in enumerate(UNIT_FAMILIES, start=1):
        for position, (name, content) in enumerate(units):
            key += 1
            yield key, family, name, content, position == 0


def _products() -> Iterator[tuple[int, int, int, str, str, Decimal]]:
    names = [name for name, _ in UNIT_FAMILIES]
    key = 0
    for family, (caption, units, products) in enumerate(_FAMILIES, start=1):
        for number, product in enumerate(products.split("; "), start=1):
            key += 1
            name, _, price = product.partition("|")
            code = f"{caption[:3].upper()}-{number:03}"
            yield key, family, names.index(units) + 1, code, name, Decimal(price)


def _price(base: Decimal, content: int, factor: Decimal, rate: Decimal, places: int) -> Decimal:
    # Cheap goods are priced to a tenth of a cent, as supplies are.
    exact = base * content * factor * rate
    step = Decimal(1).scaleb(-places if exact >= 2 or places == 0 else -places - 1)
    return exact.quantize(step, ROUND_HALF_UP)


def offers() -> tuple[Offer, ...]:
    """Return everything that a quote line may offer, in the order of its keys."""
    return tuple(
        Offer(
            product,
            family,
            unit,
            name,
            UNIT_FAMILIES[units - 1][0] != "Time",
            {
                (price_list, currency): _price(base, content, factor, rate, places)
                for price_list, (_, factor) in enumerate(PRICE_LISTS, start=1)
                for currency, (_, rate, places, _) in enumerate(CURRENCIES, start=1)
            },
        )
        for product, family, units, _, name, base in _products()
        for unit, unit_family, _, content, _ in _units()
        if unit_family == units
    )


def rows() -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows of every kind of the catalogue, in an order in which references exist."""
    stamped = stamps()
    yield (
        "Currency",
        [
            {"id": key, "symbol": symbol, "code": symbol, "rate": rate, "decimal_places": places, "description": name}
            | stamped
            for key, (symbol, rate, places, name) in enumerate(CURRENCIES, start=1)
        ],
    )
    yield "UOMFamily", [{"id": key, "name": name} | stamped for key, (name, _) in enumerate(UNIT_FAMILIES, start=1)]
    yield (
        "UOM",
        [
            {"id": key, "family_id": family, "name": name, "units": content, "default_value": default} | stamped
            for key, family, name, content, default in _units()
        ],
    )
    yield "ProductFamily", [{"id": key, "name": name} | stamped for key, (name, *_) in enumerate(_FAMILIES, start=1)]
    yield (
        "NewProduct",
        [
            {"id": key, "product_family_id": family, "uom_category_id": units, "code": code, "name": name} | stamped
            for key, family, units, code, name, _ in _products()
        ],
    )
    yield (
        "PricingList",
        [
            {"id": key, "name": name, "default_value": key == 1} | stamped
            for key, (name, _) in enumerate(PRICE_LISTS, start=1)
        ],
    )
    yield "Pricing", list(_price_rows(stamped))


def _price_rows(stamped: Row) -> Iterator[Row]:
    every = ((offer, place, price) for offer in offers() for place, price in offer.prices.items())
    for key, (offer, (price_list, currency), price) in enumerate(every, start=1):
        yield {
            "id": key,
            "product_id": offer.product,
            "pricing_list_id": price_list,
            "uom_id": offer.unit,
            "price": price,
            "price_currency_id": currency,
            **stamped,
        }
