"""Addresses, phones and e-mails of companies and people. Nothing leads to anybody: names end in ``.example``."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from crm.demo.names import STREETS
from entities.registry import registry

if TYPE_CHECKING:
    from crm.demo.batch import Batch
    from crm.demo.dice import Dice
    from crm.demo.load import Row
    from crm.demo.places import Country

_FLOORS = ("", "", "", "2nd Floor", "Building B", "c/o Reception")
_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "ł": "l"})


def slug(name: str) -> str:
    """Return ``name`` as the label of an internet address."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_PLAIN))
    letters = (sign for sign in plain if not unicodedata.combining(sign))
    words = "".join(sign if sign.isascii() and sign.isalnum() else " " for sign in letters)
    return "-".join(words.split())[:50].rstrip("-")


def add_address(
    dice: Dice, batch: Batch, country: Country, owner: Row, kind: str, stamped: Row
) -> tuple[int, str, str]:
    """Collect an address linked to ``owner``; return its key, its city, and its text as a quote copies it."""
    city, state, code = dice.pick(country.cities)
    street = country.street.format(number=dice.between(1, 180), street=dice.pick(STREETS[country.streets]))
    row: Row = {
        "address1": street,
        "address2": dice.pick(_FLOORS),
        "city": city,
        "state": state,
        "post_code": dice.filled(code),
        "country": country.code,
    }
    key = batch.add("Address", row | stamped)
    link_address(batch, key, owner, kind, stamped)
    return key, city, "\n".join(str(part) for part in row.values() if part)


def link_address(batch: Batch, address: int, owner: Row, kind: str, stamped: Row) -> None:
    """Collect that ``owner`` (``company_id``, ``person_id`` or both) uses ``address`` as its ``kind``."""
    batch.add("Address_Link", {"address_id": address, "type": kind, **owner, **stamped})


def add_phone(dice: Dice, batch: Batch, owner: tuple[str, int], country: Country, kind: str, stamped: Row) -> None:
    """Collect a phone number of the record ``owner`` (kind, key)."""
    code, area, number = country.phone
    row: Row = {"country_code": code, "area_code": area, "number": dice.filled(number), "type": kind}
    batch.add("Phone", row | _owned_by(owner) | stamped)


def add_email(batch: Batch, owner: tuple[str, int], address: str, kind: str, stamped: Row) -> None:
    """Collect an e-mail address of the record ``owner`` (kind, key)."""
    row: Row = {"email_address": address, "type": kind}
    batch.add("Email", row | _owned_by(owner) | stamped)


def _owned_by(owner: tuple[str, int]) -> Row:
    return {"owner_table": registry()[owner[0]].table_id, "owner_id": owner[1]}
