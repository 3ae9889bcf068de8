"""Companies, their people, and how to reach both."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from crm.demo.dice import Dice, weighted
from crm.demo.directory import USERS, sellers, stamps, team_of
from crm.demo.names import BRAND_ENDS, BRAND_STARTS, CULTURES, SECTORS, STREETS
from crm.demo.places import COUNTRIES, Country, territory
from entities.models import ROOT_TERRITORY

if TYPE_CHECKING:
    from crm.demo.batch import Batch
    from crm.demo.load import Row

COMPANY_TABLE, PERSON_TABLE = 5, 13
# The company and the person that the API guide's examples are about.
EXAMPLE_COMPANY, EXAMPLE_PERSON = 43, 30
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
_FUNCTIONS = (
    ("Managing Director", "MD", "Management", "{DecisionMaker}"),
    ("Chief Executive", "CEO", "Management", "{DecisionMaker}"),
    ("Finance Director", "CFO", "Finance", "{Finance,DecisionMaker}"),
    ("Head of IT", "CTO", "IT", "{Technical,DecisionMaker}"),
    ("System Administrator", "Engineer", "IT", "{Admin,Technical}"),
    ("Purchasing Manager", "Buyer", "Purchasing", "{Purchasing}"),
    ("Sales Manager", "Manager", "Sales", "{Sales}"),
    ("Sales Executive", "SalesExec", "Sales", "{Sales}"),
    ("Office Manager", "Assistant", "Operations", "{Admin}"),
    ("Accountant", "Other", "Finance", "{Finance}"),
    ("Marketing Manager", "Manager", "Marketing", "{}"),
    ("Legal Counsel", "Consultant", "Legal", "{Other}"),
)
_CULTURE_NAMES = tuple(CULTURES)
_SIGNS = ("Blue Anchor", "Copper Kettle", "Golden Goose", "Old Mill", "Silver Birch", "Three Bridges", "White Hart")


@dataclass(frozen=True)
class Account:
    """What sales and service need to know of a company."""

    key: int
    name: str
    country: Country
    city: str
    territory: int
    user: int
    team: int | None
    created: int
    address: str
    people: tuple[int, ...]


@cache
def _codes(country: Country) -> tuple[int, int]:
    return territory(country.name), territory(country.region)


def slug(name: str) -> str:
    """Return ``name`` as the label of an internet address."""
    plain = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss").replace("ø", "o").replace("ł", "l"))
    words = "".join(
        sign if sign.isascii() and sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign)
    )
    return "-".join(words.split())[:50].rstrip("-")


def _company_name(dice: Dice, country: Country, sector: str) -> str:
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


def add_company(dice: Dice, batch: Batch, key: int) -> Account:
    """Collect the company ``key`` with its addresses, phones, e-mails and people; return what others need of it."""
    example = key == EXAMPLE_COMPANY
    country = COUNTRIES[0] if example else dice.pick(_BY_SHARE)
    home, region = _codes(country)
    place = ROOT_TERRITORY if example else region if dice.chance(0.03) else home
    user = USERS["susan"] if example else USERS["olivia"] if key % 80 == 11 else dice.pick(sellers(country.name))
    team = team_of(user) if dice.chance(0.9) else None
    created = dice.moment()
    by = _creator(dice, user) if key % 160 != 13 else USERS["olivia"]
    sector = dice.pick(tuple(SECTORS))
    name = "Eurolandia" if example else _company_name(dice, country, sector)
    stamped = _stamps(dice, by, user, created)
    owned: Row = {"primary_user_id": user, "team_id": team, "territory_id": place, **stamped}
    address, city, text = _address(dice, batch, country, stamped, {"company_id": key})
    domain = f"{slug(name)}.example"
    people = _people(dice, batch, key, country, domain, owned, stamped, created, address)
    _reach_company(dice, batch, key, country, domain, stamped)
    size = dice.pick(_SIZES)
    imported = by == USERS["ian"]
    row: Row = {
        "name": name,
        "type": "Customer" if example else dice.pick(_TYPES),
        "status": "Active" if example else dice.pick(_STATUS),
        "source": dice.pick(_SOURCES),
        "revenue": _REVENUE[max(size - dice.between(0, 1), 0)],
        "employees": _EMPLOYEES[size],
        "sector": sector,
        "ind_code": SECTORS[sector][0],
        "sales_region": dice.pick(_REGIONS),
        "web_site": "" if example or dice.chance(0.15) else f"www.{domain}",
        "primary_person_id": people[0] if people else None,
        "primary_address_id": address,
        "mail_restriction": dice.chance(0.05),
        "opt_out": dice.chance(0.08),
        "promote": dice.chance(0.2),
        "segment_id": dice.between(1, 9) if dice.chance(0.3) else None,
        "int_foreign_id": f"ERP-{key:07}" if imported else "",
        "integrated_systems": "ERP" if imported else "",
        **owned,
    }
    batch.add("Company", row, key)
    return Account(key, name, country, city, place, user, team, created, text, people)


def _creator(dice: Dice, user: int) -> int:
    draw = dice.roll()
    if draw < 0.72:
        return user
    others = ("ian", "mia", "neil", "paula", "claire")
    return USERS[others[int((draw - 0.72) / 0.2801 * len(others))]]


def _stamps(dice: Dice, by: int, user: int, created: int) -> Row:
    changed = dice.moment(created) if dice.chance(0.6) else created
    return stamps(by, created, user if changed > created else by, changed)


def _address(
    dice: Dice, batch: Batch, country: Country, stamped: Row, owner: Row, kind: str = "Business"
) -> tuple[int, str, str]:
    city, state, code = dice.pick(country.cities)
    street = country.street.format(number=dice.between(1, 180), street=dice.pick(STREETS[country.streets]))
    floor = dice.pick(("", "", "", "2nd Floor", "Building B", "c/o Reception"))
    post_code = dice.filled(code)
    row: Row = {
        "address1": street,
        "address2": floor,
        "city": city,
        "state": state,
        "post_code": post_code,
        "country": country.code,
        **stamped,
    }
    key = batch.add("Address", row)
    batch.add("Address_Link", {"address_id": key, "type": kind, **owner, **stamped})
    lines = (street, floor, f"{city} {post_code}".strip(), state, country.name)
    return key, city, "\n".join(line for line in lines if line)


def _people(
    dice: Dice,
    batch: Batch,
    company: int,
    country: Country,
    domain: str,
    owned: Row,
    stamped: Row,
    created: int,
    address: int,
) -> tuple[int, ...]:
    count = _STAFF[company % 8]
    if not count:
        _person(dice, batch, country, "post.example", owned, created, private=True)
        return ()
    keys = [
        _person(
            dice,
            batch,
            country,
            domain,
            {**owned, "company_id": company},
            created,
            address=address if position == 0 and dice.chance(0.3) else None,
            key=EXAMPLE_PERSON if company == EXAMPLE_COMPANY and position == 0 else None,
        )
        for position in range(count)
    ]
    if dice.chance(0.2):
        owner: Row = {"company_id": company}
        _address(dice, batch, country, stamped, owner, dice.pick(("Billing", "Shipping")))
    return tuple(keys)


def _person(
    dice: Dice,
    batch: Batch,
    country: Country,
    domain: str,
    owned: Row,
    created: int,
    *,
    private: bool = False,
    address: int | None = None,
    key: int | None = None,
) -> int:
    culture = CULTURES[country.culture if dice.chance(0.85) else dice.pick(_CULTURE_NAMES)]
    woman = dice.chance(0.5)
    first, last = dice.pick(culture.women if woman else culture.men), dice.pick(culture.families)
    if key == EXAMPLE_PERSON:
        woman, first, last = True, "Ada", "Sample"
    key = batch.key("Person") if key is None else key
    since = dice.moment(created)
    by, changed_by = owned["created_by_id"], owned["updated_by_id"]
    assert isinstance(by, int) and isinstance(changed_by, int)
    stamped = _stamps(dice, by, changed_by, since)
    title, function, department, types = dice.pick(_FUNCTIONS)
    if private:
        address, _, _ = _address(dice, batch, country, stamped, {"person_id": key}, "Home")
    elif address is not None:
        link = {"address_id": address, "company_id": owned["company_id"], "person_id": key, "type": "Business"}
        batch.add("Address_Link", {**link, **stamped})
    row: Row = {
        "first_name": first,
        "last_name": last,
        "middle_name": dice.pick(culture.women if woman else culture.men) if dice.chance(0.08) else "",
        "suffix": "Jr." if dice.chance(0.01) else "",
        "salutation": dice.pick(("Dr.", "Prof."))
        if dice.chance(0.06)
        else dice.pick(("Ms.", "Mrs."))
        if woman
        else "Mr.",
        "gender": "Female" if woman else "Male",
        "title": "" if private else title,
        "department": "" if private else department,
        "title_code": "" if private else function,
        "department_code": "" if private else department,
        "type": "{}" if private else types,
        "status": "Inactive" if dice.chance(0.06) else "Active",
        "source": dice.pick(_SOURCES),
        "primary_address_id": address,
        "opt_out": dice.chance(0.1),
        **owned,
        **stamped,
    }
    batch.add("Person", row, key)
    _reach_person(dice, batch, key, country, f"{slug(first)}.{slug(last)}@{domain}", stamped)
    return key


def _phone(dice: Dice, batch: Batch, owner: tuple[int, int], country: Country, kind: str, stamped: Row) -> None:
    code, area, number = country.phone
    row = {"country_code": code, "area_code": area, "number": dice.filled(number), "type": kind}
    batch.add("Phone", {**row, "owner_table": owner[0], "owner_id": owner[1], **stamped})


def _email(batch: Batch, owner: tuple[int, int], address: str, kind: str, stamped: Row) -> None:
    row = {"email_address": address, "type": kind, "owner_table": owner[0], "owner_id": owner[1]}
    batch.add("Email", {**row, **stamped})


def _reach_company(dice: Dice, batch: Batch, key: int, country: Country, domain: str, stamped: Row) -> None:
    owner = (COMPANY_TABLE, key)
    _phone(dice, batch, owner, country, "Business", stamped)
    if dice.chance(0.2):
        _phone(dice, batch, owner, country, "Fax", stamped)
    if dice.chance(0.8):
        _email(batch, owner, f"{dice.pick(('info', 'office', 'sales'))}@{domain}", "Business", stamped)


def _reach_person(dice: Dice, batch: Batch, key: int, country: Country, address: str, stamped: Row) -> None:
    owner = (PERSON_TABLE, key)
    if dice.chance(0.45):
        _phone(dice, batch, owner, country, dice.pick(("Mobile", "Mobile", "Business")), stamped)
    if dice.chance(0.75):
        _email(batch, owner, address, "Private" if address.endswith("@post.example") else "Business", stamped)
