"""The people of companies, and a few private ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm.demo.directory import changed_stamps
from crm.demo.names import CULTURES
from crm.demo.reach import add_address, add_email, add_phone, link_address, slug

if TYPE_CHECKING:
    from crm.demo.batch import Batch
    from crm.demo.dice import Dice
    from crm.demo.load import Row
    from crm.demo.places import Country

EXAMPLE_PERSON = 30  # the API guide's examples are about this one
# title, its code, department, roles
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
_CULTURES = tuple(CULTURES)
_SOURCES = ("Tradeshow", "Customer Referral", "Web", "Telephone", "Email", "")


@dataclass(frozen=True)
class Circle:
    """What people have in common: a country, who looks after them since when, and their company unless private."""

    country: Country
    owned: Row
    by: int
    user: int
    since: int
    company: int | None = None
    address: int | None = None
    domain: str = "post.example"


def add_person(dice: Dice, batch: Batch, circle: Circle, *, first: bool, example: bool) -> int:
    """Collect a person, the ``first`` of the company or not; return the key."""
    key = EXAMPLE_PERSON if example else batch.key("Person")
    woman, names = _names(dice, circle.country, example)
    stamped = changed_stamps(dice, circle.by, circle.user, dice.moment(circle.since))
    row: Row = {
        **names,
        "salutation": _salutation(dice, woman),
        "gender": "Female" if woman else "Male",
        "status": "Inactive" if dice.chance(0.06) and not example else "Active",
        "source": dice.pick(_SOURCES),
        "opt_out": dice.chance(0.1),
        "company_id": circle.company,
        "primary_address_id": _add_home(dice, batch, circle, key, stamped, first),
        **(_function(dice) if circle.company else {}),
        **circle.owned,
        **stamped,
    }
    batch.add("Person", row, key)
    mail = f"{slug(str(names['first_name']))}.{slug(str(names['last_name']))}@{circle.domain}"
    if dice.chance(0.45):
        kind = dice.pick(("Mobile", "Mobile", "Business")) if circle.company else "Home"
        add_phone(dice, batch, ("Person", key), circle.country, kind, stamped)
    if dice.chance(0.75):
        add_email(batch, ("Person", key), mail, "Business" if circle.company else "Private", stamped)
    return key


def _names(dice: Dice, country: Country, example: bool) -> tuple[bool, Row]:
    culture = CULTURES[country.culture if dice.chance(0.85) else dice.pick(_CULTURES)]
    woman = example or dice.chance(0.5)
    given = culture.women if woman else culture.men
    names: Row = {
        "first_name": "Ada" if example else dice.pick(given),
        "middle_name": dice.pick(given) if dice.chance(0.08) and not example else "",
        "last_name": "Sample" if example else dice.pick(culture.families),
        "suffix": "Jr." if dice.chance(0.02) and not woman else "",
    }
    return woman, names


def _salutation(dice: Dice, woman: bool) -> str:
    if dice.chance(0.06):
        return dice.pick(("Dr.", "Prof."))
    return dice.pick(("Ms.", "Mrs.")) if woman else "Mr."


def _function(dice: Dice) -> Row:
    title, code, department, roles = dice.pick(_FUNCTIONS)
    return {
        "title": title,
        "title_code": code,
        "department": department,
        "department_code": department,
        "type": roles,
    }


def _add_home(dice: Dice, batch: Batch, circle: Circle, key: int, stamped: Row, first: bool) -> int | None:
    """Collect where the person is reached: a private one at home, some at their company's address."""
    if circle.company is None:
        return add_address(dice, batch, circle.country, {"person_id": key}, "Home", stamped)[0]
    if circle.address is None or not first or dice.chance(0.7):
        return None
    owner: Row = {"company_id": circle.company, "person_id": key}
    link_address(batch, circle.address, owner, "Business", stamped)
    return circle.address
