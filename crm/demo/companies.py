"""Companies: where they are, who looks after them, how big they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crm.demo.dice import Dice, weighted
from crm.demo.directory import USERS, changed_stamps, sellers, team_of
from crm.demo.names import BRAND_ENDS, BRAND_STARTS, CULTURES, SECTORS
from crm.demo.people import Circle, add_person
from crm.demo.places import COUNTRIES, Country, territory
from crm.demo.reach import add_address, add_email, add_phone, slug
from entities.models import ROOT_TERRITORY

if TYPE_CHECKING:
    from crm.demo.batch import Batch
    from crm.demo.load import Row

# The company that the API guide's examples are about.
EXAMPLE_COMPANY = 43
# How many people the companies have, in turn: two on average. Where nobody works, a private person is added.
_STAFF = (2, 1, 2, 4, 2, 3, 1, 0)
_BY_SHARE = weighted({country: country.share for country in COUNTRIES})
_TYPES = weighted(
    {"Prospect": 40, "Customer": 36, "Supplier": 9, "Partner": 7, "Competitor": 3, "Investor": 2, "Other": 3}
)
_STATUS = weighted({"Active": 85, "Inactive": 8, "Closed": 4, "Archive": 3})
_SOURCES = ("Tradeshow", "Customer Referral", "Web", "Telephone", "Email", "Campaign", "Partner", "")
_SIZES = weighted({0: 34, 1: 26, 2: 16, 3: 12, 4: 7, 5: 5})
_EMPLOYEES = ("Upto20", "21-50", "51-100", "101-200", "201-500", "501+")
_REVENUE = ("Upto1M", "1M-5M", "5M-20M", "20M-50M", "50M-100M", "100M+")
_REGIONS = ("North", "South", "East", "West", "Central", "International", "")
_SECTORS = tuple(SECTORS)
_SIGNS = ("Blue Anchor", "Copper Kettle", "Golden Goose", "Old Mill", "Silver Birch", "Three Bridges", "White Hart")


@dataclass(frozen=True)
class Account:
    """What sales and service need to know of a company."""

    key: int
    country: Country
    city: str
    territory: int
    user: int
    team: int | None
    created: int
    people: tuple[int, ...]
    bill_address: str
    ship_address: str


def add_company(dice: Dice, batch: Batch, key: int) -> Account:
    """Collect the company ``key`` with its addresses, phones, e-mails and people; return what others need of it."""
    example = key == EXAMPLE_COMPANY
    country = COUNTRIES[0] if example else dice.pick(_BY_SHARE)
    user = USERS["susan"] if example else USERS["olivia"] if is_partners(key) else dice.pick(sellers(country.name))
    by = USERS["olivia"] if key % 160 == 13 else _creator(dice, user)
    created = dice.moment()
    stamped = changed_stamps(dice, by, user, created)
    place, team = _territory(dice, country, example), team_of(user) if dice.chance(0.9) else None
    owned: Row = {"primary_user_id": user, "team_id": team, "territory_id": place}
    facts = _facts(dice, country, key)
    domain = f"{slug(str(facts['name']))}.example"
    address, city, text = add_address(dice, batch, country, {"company_id": key}, "Business", stamped)
    circle = Circle(country, owned, by, user, created, key, address, domain)
    people = _add_people(dice, batch, circle)
    row: Row = {
        **facts,
        "web_site": "" if example or dice.chance(0.15) else f"www.{domain}",
        "primary_person_id": people[0] if people else None,
        "primary_address_id": address,
        "int_foreign_id": f"ERP-{key:07}" if by == USERS["ian"] else "",
        "integrated_systems": "ERP" if by == USERS["ian"] else "",
        **owned,
        **stamped,
    }
    batch.add("Company", row, key)
    _reach(dice, batch, key, country, domain, stamped)
    more = dice.pick(("Billing", "Shipping")) if dice.chance(0.2) else ""
    other = add_address(dice, batch, country, {"company_id": key}, more, stamped)[2] if more else ""
    bill, ship = (other if more == kind else text for kind in ("Billing", "Shipping"))
    return Account(key, country, city, place, user, team, created, people, bill, ship)


def is_partners(key: int) -> bool:
    """Whether the company ``key`` is assigned to olivia: one in eighty, whatever the size of the world."""
    return key % 80 == 11


def _territory(dice: Dice, country: Country, example: bool) -> int:
    if example:
        return ROOT_TERRITORY
    return territory(country.region if dice.chance(0.03) else country.name)


def _facts(dice: Dice, country: Country, key: int) -> Row:
    example, size, sector = key == EXAMPLE_COMPANY, dice.pick(_SIZES), dice.pick(_SECTORS)
    return {
        "name": "Eurolandia" if example else _name(dice, country, sector),
        "type": "Customer" if example else dice.pick(_TYPES),
        "status": "Active" if example else dice.pick(_STATUS),
        "source": dice.pick(_SOURCES),
        "revenue": _REVENUE[max(size - dice.between(0, 1), 0)],
        "employees": _EMPLOYEES[size],
        "sector": sector,
        "ind_code": SECTORS[sector][0],
        "sales_region": dice.pick(_REGIONS),
        "mail_restriction": dice.chance(0.05),
        "opt_out": dice.chance(0.08),
        "promote": dice.chance(0.2),
        "segment_id": dice.between(1, 9) if dice.chance(0.3) else None,
    }


def _name(dice: Dice, country: Country, sector: str) -> str:
    family = dice.pick(CULTURES[country.culture].families)
    trade, legal, draw = dice.pick(SECTORS[sector][1]), dice.pick(country.legal), dice.roll()
    if draw < 0.32:
        name = f"{family} {trade} {legal}"
    elif draw < 0.50:
        name = f"{family} & {dice.pick(CULTURES[country.culture].families)} {legal}"
    elif draw < 0.68:
        name = f"{dice.pick(BRAND_STARTS)}{dice.pick(BRAND_ENDS)} {legal}"
    elif draw < 0.86:
        name = f"{dice.pick(BRAND_STARTS)}{dice.pick(BRAND_ENDS)} {trade} {legal}"
    elif draw < 0.985:
        name = f"{dice.pick(country.cities)[0]} {dice.pick(BRAND_STARTS)} {trade} {legal}"
    else:
        name = f'The "{dice.pick(_SIGNS)}" {family} {trade}'
    return name[:60].rstrip()


def _add_people(dice: Dice, batch: Batch, circle: Circle) -> tuple[int, ...]:
    key = circle.company or 0
    count = _STAFF[key % len(_STAFF)]
    if not count:
        private = replace(circle, company=None, address=None, domain=Circle.domain)
        add_person(dice, batch, private, first=False, example=False)
    return tuple(
        add_person(dice, batch, circle, first=number == 0, example=number == 0 and key == EXAMPLE_COMPANY)
        for number in range(count)
    )


def _reach(dice: Dice, batch: Batch, key: int, country: Country, domain: str, stamped: Row) -> None:
    add_phone(dice, batch, ("Company", key), country, "Business", stamped)
    if dice.chance(0.2):
        add_phone(dice, batch, ("Company", key), country, "Fax", stamped)
    if dice.chance(0.8):
        mail = f"{dice.pick(('info', 'office', 'sales'))}@{domain}"
        add_email(batch, ("Company", key), mail, "Business", stamped)


def _creator(dice: Dice, user: int) -> int:
    draw = dice.roll()
    if draw < 0.72:
        return user
    others = ("ian", "mia", "neil", "paula", "claire")
    return USERS[others[int((draw - 0.72) / 0.2801 * len(others))]]
