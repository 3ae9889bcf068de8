"""What is sold: products, their families, units, price lists, prices and currencies."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from entities.declaration import Collection, Declaration
from entities.fields import amount, flag, integer, reference, text
from entities.models.base import LIVE, Record, indexes


class Currency(Record):
    """A currency; the base currency has the rate 1."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Currency",
        aliases=("currencies",),
        plural="Currencies",
        prefix="Curr",
        table_id=127,
        title=("symbol",),
        order=("symbol",),
        reference_kind=True,
        delete="D6",
    )

    symbol = text(8, "Symbol", required=True)
    rate = amount("Units per Base Currency", required=True)
    code = text(3, "Code")
    description = text(60, "Description")
    decimal_places = integer("Decimal Places", low=0, high=6, default=2)

    class Meta:
        verbose_name_plural = "currencies"
        indexes = indexes("curr", "~symbol")
        constraints = [models.CheckConstraint(condition=Q(rate__gt=0), name="curr_rate_positive")]


class ProductFamily(Record):
    """A group of products."""

    entity: ClassVar[Declaration] = Declaration(
        kind="ProductFamily",
        aliases=("productfamilies",),
        plural="Product Families",
        label="Product Family",
        prefix="PrFa",
        table_id=122,
        title=("name",),
        search=("name",),
        order=("name",),
        reference_kind=True,
        collections=(Collection("NewProduct", "product_family"),),
        delete="D6",
    )

    name = text(60, "Name", required=True)
    description = text(255, "Description")
    active = flag("Active", default=True)

    class Meta:
        verbose_name = "product family"
        verbose_name_plural = "product families"
        indexes = indexes("prfa", "~name")


class UnitFamily(Record):
    """Units that convert into each other."""

    entity: ClassVar[Declaration] = Declaration(
        kind="UOMFamily",
        aliases=("uomfamilies",),
        plural="Unit Families",
        label="Unit Family",
        prefix="UOMF",
        table_id=124,
        title=("name",),
        order=("name",),
        names={"id": "UOMF_FamilyId"},
        reference_kind=True,
        collections=(Collection("UOM", "family"),),
        delete="D6",
    )

    name = text(40, "Name", required=True)
    description = text(255, "Description")
    active = flag("Active", default=True)

    class Meta:
        verbose_name = "unit family"
        verbose_name_plural = "unit families"
        indexes = indexes("uomf", "~name")


class Unit(Record):
    """A unit of measure; ``units`` of it make one of its family's base."""

    entity: ClassVar[Declaration] = Declaration(
        kind="UOM",
        aliases=("uoms",),
        plural="Units",
        label="Unit",
        prefix="UOM",
        table_id=123,
        title=("name",),
        order=("family", "units"),
        names={"id": "UOM_UOMId"},
        reference_kind=True,
        fixed=("family",),
        delete="D6",
    )

    family = reference("entities.UnitFamily", "Family", required=True)
    name = text(40, "Name", required=True)
    description = text(255, "Description")
    units = models.DecimalField("Units", max_digits=24, decimal_places=6, default=1)
    default_value = flag("Default")
    active = flag("Active", default=True)

    class Meta:
        indexes = indexes("uom", "family")


class Product(Record):
    """Something that is sold."""

    entity: ClassVar[Declaration] = Declaration(
        kind="NewProduct",
        aliases=("product", "products"),
        plural="Products",
        label="Product",
        prefix="Prod",
        table_id=121,
        title=("code", "name"),
        search=("code", "name"),
        order=("code",),
        names={"uom_category": "Prod_UOMCategory"},
        reference_kind=True,
        upsert=("int_foreign_id",),
        collections=(Collection("Pricing", "product"),),
        delete="D6",
    )

    code = text(20, "Code", required=True)
    name = text(200, "Name", required=True)
    active = flag("Active", default=True)
    product_family = reference("entities.ProductFamily", "Family")
    uom_category = reference("entities.UnitFamily", "Unit Family")
    int_foreign_id = text(255, "External Key")

    class Meta:
        indexes = indexes("prod", "~code", "product_family", "uom_category", "int_foreign_id")


class PriceList(Record):
    """A set of prices; exactly one is the default."""

    entity: ClassVar[Declaration] = Declaration(
        kind="PricingList",
        aliases=("pricinglists",),
        plural="Price Lists",
        label="Price List",
        prefix="PrLi",
        table_id=125,
        title=("name",),
        order=("name",),
        names={"id": "PrLi_PricingListId"},
        reference_kind=True,
        collections=(Collection("Pricing", "pricing_list"),),
        delete="D6",
    )

    name = text(60, "Name", required=True)
    description = text(255, "Description")
    active = flag("Active", default=True)
    default_value = flag("Default")

    class Meta:
        verbose_name = "price list"
        indexes = indexes("prli", "~name")


class Price(Record):
    """What a product costs on a list, per unit and currency."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Pricing",
        aliases=("prices",),
        plural="Prices",
        label="Price",
        prefix="Pric",
        table_id=126,
        title=(),
        names={"id": "Pric_PricingId"},
        reference_kind=True,
        fixed=("product", "pricing_list", "uom", "price_currency"),
        delete="D4",
    )

    product = reference("entities.Product", "Product", required=True)
    pricing_list = reference("entities.PriceList", "Price List", required=True)
    uom = reference("entities.Unit", "Unit")
    price = amount("Price", required=True, low=0)
    price_currency = reference("entities.Currency", "Currency", required=True)
    active = flag("Active", default=True)

    class Meta:
        indexes = indexes("pric", "pricing_list product")
        constraints = [
            models.UniqueConstraint(
                fields=["product", "pricing_list", "uom", "price_currency"],
                condition=LIVE & Q(active=True),
                nulls_distinct=False,
                name="pric_one_active",
            )
        ]
