"""Views: records of one kind together with columns of others, read-only (entities.md §8).

Each is a proxy of the model whose key it shows; what it shows of others goes through their own rights.
"""

from __future__ import annotations

from typing import ClassVar

from entities.declaration import ByReference, Declaration, First, Shown, Through
from entities.models.base import STAMPS
from entities.models.parties import AddressLink, Company, Person
from entities.models.products import Price

_ADDRESS = ("address1", "address2", "address3", "address4", "city", "state", "post_code", "country")


def _all_through(reference: str, *names: str) -> tuple[Shown, ...]:
    return tuple(Through((reference, name)) for name in names)


def _reach(prefix: str) -> tuple[Shown, ...]:
    """The telephone, fax and e-mail of a summary: the record's first of each."""
    parts = (("country_code", "CountryCode"), ("area_code", "AreaCode"), ("number", "Number"))
    phone, fax = (
        tuple(
            First("Phone", name, kind, f"{prefix}_{word}{part}", f"{word} {name.replace('_', ' ').title()}")
            for name, part in parts
        )
        for kind, word in (("Business", "Phone"), ("Fax", "Fax"))
    )
    mail = First("Email", "email_address", "Business", f"{prefix}_EmailAddress", "E-mail Address")
    return (*phone, *fax, mail)


def _addresses(kind: str, plural: str, label: str, table_id: int, owner: str, names: tuple[str, ...]) -> Declaration:
    """The addresses linked to owners of one kind, with ``names`` of the owner."""
    return Declaration(
        kind=kind,
        plural=plural,
        label=label,
        prefix="AdLi",
        table_id=table_id,
        title=("addr_address1", "addr_city"),
        title_joiner=", ",
        parents=(ByReference(owner),),
        names={"address": "Addr_AddressId"},
        only=("id", "company", "person", "type", "address"),
        shown=(*_all_through("address", *_ADDRESS), *_all_through(owner, *names)),
        read_only=True,
        delete="",
    )


class CompanyAddress(AddressLink):
    """The addresses of companies."""

    entity: ClassVar[Declaration] = _addresses(
        "vAddressCompany", "Company Addresses", "Company Address", 201, "company", ("name",)
    )

    class Meta:
        proxy = True


class PersonAddress(AddressLink):
    """The addresses of people."""

    entity: ClassVar[Declaration] = _addresses(
        "vAddressPerson", "Personal Addresses", "Personal Address", 202, "person", ("first_name", "last_name")
    )

    class Meta:
        proxy = True


class CompanySummary(Company):
    """Companies with their primary person and address, telephone and e-mail."""

    entity: ClassVar[Declaration] = Declaration(
        kind="vCompanySummary",
        plural="Company Summaries",
        label="Company Summary",
        prefix="Comp",
        table_id=203,
        title=("name",),
        base="Company",
        repeats={"Addr_AddressId": "primary_address"},
        internal=STAMPS,
        shown=(
            *_all_through("primary_person", "first_name", "last_name"),
            *_all_through("primary_address", *_ADDRESS),
            First("Phone", "full_number", "Business", "Comp_PhoneFullNumber", "Phone Full Number"),
            *_reach("Comp"),
        ),
        read_only=True,
        delete="",
    )

    class Meta:
        proxy = True


class PersonSummary(Person):
    """People with their company, primary address, telephones and e-mail."""

    entity: ClassVar[Declaration] = Declaration(
        kind="vPersonSummary",
        plural="Personal Summaries",
        label="Personal Summary",
        prefix="Pers",
        table_id=204,
        title=("first_name", "last_name"),
        base="Person",
        repeats={"Addr_AddressId": "primary_address"},
        internal=STAMPS,
        shown=(
            Through(("company", "name")),
            *_reach("Pers"),
            First("Phone", "full_number", "Mobile", "Phon_MobileFullNumber", "Mobile Full Number"),
            *_all_through("primary_address", *_ADDRESS),
        ),
        read_only=True,
        delete="",
    )

    class Meta:
        proxy = True


class ProductPrice(Price):
    """Prices with the product, the list and the currency that they are for."""

    entity: ClassVar[Declaration] = Declaration(
        kind="vNewProductPriceList",
        plural="Product Prices",
        label="Product Price",
        prefix="Pric",
        table_id=205,
        title=("prod_code", "prod_name"),
        base="Pricing",
        names={"product": "Prod_ProductId", "pricing_list": "PrLi_PricingListId", "price_currency": "Curr_CurrencyId"},
        only=("id", "product", "pricing_list", "price_currency", "uom", "price", "active"),
        shown=(
            *_all_through("product", "code", "name", "product_family", "active"),
            Through(("pricing_list", "name")),
            Through(("price_currency", "symbol")),
        ),
        read_only=True,
        delete="",
    )

    class Meta:
        proxy = True
