"""Sales: opportunities, quotes and their lines."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from entities.declaration import ByReference, Collection, Declaration
from entities.fields import (
    amount,
    flag,
    integer,
    memo,
    moment,
    multi_selection,
    percent,
    reference,
    selection,
    text,
)
from entities.models.base import Record, indexes, secured
from entities.workflow import OPPORTUNITY, QUOTES

USER = settings.AUTH_USER_MODEL


class Opportunity(Record):
    """A deal that may be won."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Opportunity",
        aliases=("opportunities",),
        plural="Opportunities",
        prefix="Oppo",
        table_id=102,
        title=("description",),
        search=("description", "customer_ref"),
        assigned="assigned_user",
        completed=("assigned_user", "team", "territory", "opened", "certainty", "forecast_currency"),
        names={"currency": "Oppo_Currency"},
        relations={"scrm_original_oppo": "OriginalOpportunity"},
        computed={
            "total_quotes": ("Quotes.gross_amt",),
            "total_orders": (),
            "total": ("total_quotes", "total_orders"),
            "no_disc_amt_sum": ("Quotes.no_disc_amt",),
        },
        repeats={
            "Oppo_TotalQuotes_CID": "currency",
            "Oppo_TotalOrders_CID": "currency",
            "Oppo_Total_CID": "currency",
            "Oppo_NoDiscAmtSum_CID": "currency",
        },
        unlinked=("forecast_currency",),
        collections=(Collection("Notes", owned=True), Collection("Quotes", "opportunity")),
        delete="D2",
        workflow=OPPORTUNITY,
    )

    description = text(50, "Description", required=True)
    primary_company = reference("entities.Company", "Company")
    primary_person = reference("entities.Person", "Person")
    assigned_user = reference(USER, "Assigned User")
    team = reference("entities.Team", "Team")
    territory = reference("entities.Territory", "Territory")
    scrm_original_oppo = reference("entities.Opportunity", "Original Opportunity")
    type = selection("Oppo_Type", "Type")
    product = selection("Oppo_Product", "Product")
    source = selection("Comp_Source", "Source")
    priority = selection("Priority", "Priority", default="Normal")
    scenario = selection("Oppo_Scenario", "Scenario")
    decision_timeframe = selection("Oppo_DecisionTimeframe", "Decision Timeframe")
    stage = selection("Oppo_Stage", "Stage", default="Lead")
    status = selection("Oppo_Status", "Status", default="In Progress")
    note = memo("Details")
    scrm_reason_for_loss = memo("Reason for Loss")
    customer_ref = text(30, "Customer Reference")
    opened = moment("Opened")
    target_close = moment("Target Close")
    closed = moment("Closed", editable=False)
    certainty = integer("Certainty %", low=0, high=100)
    forecast = amount("Forecast", low=0)
    forecast_currency = reference("entities.Currency", "Forecast Currency")
    currency = reference("entities.Currency", "Currency")
    total_quotes = amount("Total Quotes", editable=False)
    total_orders = amount("Total Orders", editable=False)
    total = amount("Total", editable=False)
    no_disc_amt_sum = amount("Total without Discount", editable=False)
    scrm_competitor = multi_selection("Competitor", "Competitors")
    scrm_winner = selection("Competitor", "Winner")
    scrm_is_cross_sell = flag("Cross Sell")
    notify_time = moment("Reminder")
    sms_sent = text(20, "SMS Sent", editable=False)
    workflow_id = integer("Workflow Id", editable=False)

    class Meta:
        verbose_name_plural = "opportunities"
        indexes = secured(
            "oppo",
            "assigned_user",
            "status assigned_user",
            "primary_company",
            "primary_person",
            "scrm_original_oppo",
            walks=("opened", "~description"),
        )


class Quote(Record):
    """An offer with prices, one of an opportunity."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Quotes",
        aliases=("quote",),
        plural="Quotes",
        label="Quote",
        prefix="Quot",
        table_id=105,
        title=("reference", "description"),
        search=("reference", "description"),
        assigned="assigned_user",
        completed=(
            "contact",
            "assigned_user",
            "team",
            "territory",
            "expiration_date",
            "currency",
            "pricing_list",
            "bill_address",
            "ship_address",
        ),
        upsert=("int_foreign_id",),
        names={"id": "Quot_OrderQuoteId", "currency": "Quot_Currency"},
        computed={
            # Always those of the opportunity: whoever may not read them there may not read them here.
            "company": ("Opportunity.primary_company",),
            "currency": ("Opportunity.currency",),
            "discount_pc": ("discount_type", "nett_amt"),
            "discount_amt": ("discount_type", "nett_amt"),
            "line_item_disc": ("QuoteItems.discount_sum",),
            "nett_amt": ("QuoteItems.quoted_price_total",),
            "no_disc_amt": ("QuoteItems.discount_sum", "QuoteItems.quoted_price_total"),
            "gross_amt": ("nett_amt", "discount_amt"),
            "tax": ("QuoteItems.tax",),
        },
        repeats={
            "Quot_DiscountAmt_CID": "currency",
            "Quot_LineItemDisc_CID": "currency",
            "Quot_NettAmt_CID": "currency",
            "Quot_GrossAmt_CID": "currency",
            "Quot_NoDiscAmt_CID": "currency",
            "Quot_Tax_CID": "currency",
        },
        fixed=("opportunity",),
        collections=(Collection("QuoteItems", "quote", owned=True), Collection("Notes", owned=True)),
        delete="D3",
        workflow=QUOTES,
    )

    opportunity = reference("entities.Opportunity", "Opportunity", required=True)
    company = reference("entities.Company", "Company", editable=False)
    contact = reference("entities.Person", "Contact")
    assigned_user = reference(USER, "Assigned User")
    team = reference("entities.Team", "Team")
    territory = reference("entities.Territory", "Territory")
    status = selection("Quot_Status", "Status", default="Active")
    reference = text(40, "Reference", editable=False)
    description = text(255, "Description")
    opened = moment("Opened", editable=False)
    expiration_date = moment("Expiration Date")
    currency = models.ForeignKey(
        "entities.Currency",
        on_delete=models.PROTECT,
        verbose_name="Currency",
        related_name="+",
        db_index=False,
    )
    pricing_list = models.ForeignKey(
        "entities.PriceList",
        on_delete=models.PROTECT,
        verbose_name="Price List",
        related_name="+",
        db_index=False,
    )
    discount_type = selection("Quot_DiscountType", "Discount Type", default="PC")
    discount_pc = percent("Discount %", default=0, validators=[MinValueValidator(0), MaxValueValidator(100)])
    discount_amt = amount("Discount", low=0, default=0)
    line_item_disc = amount("Line Discounts", editable=False)
    nett_amt = amount("Net Amount", editable=False)
    gross_amt = amount("Gross Amount", editable=False)
    no_disc_amt = amount("Amount without Discounts", editable=False)
    tax = amount("Tax", editable=False)
    bill_address = memo("Billing Address")
    ship_address = memo("Shipping Address")
    rollup = flag("Counts in the Opportunity", default=True)
    synch_status = text(40, "Synchronisation", editable=False)
    promote = flag("Promote")
    int_foreign_id = text(255, "External Key")
    int_id = integer("Integration Id")

    class Meta:
        indexes = secured(
            "quot",
            "assigned_user",
            "opportunity",
            "company",
            "contact",
            "int_foreign_id",
            walks=("~reference",),
        )


class QuoteLine(Record):
    """One line of a quote: a product, free text or a comment."""

    entity: ClassVar[Declaration] = Declaration(
        kind="QuoteItems",
        aliases=("quoteitem",),
        plural="Quote Lines",
        label="Quote Line",
        prefix="QuIt",
        table_id=106,
        title=("description",),
        search=("description",),
        order=("quote", "line_number"),
        parents=(ByReference("quote"),),
        completed=("line_number", "uom", "quoted_price", "description"),
        names={"id": "QuIt_LineItemId", "quote": "QuIt_OrderQuoteId"},
        computed={
            "product_family": ("NewProduct.product_family",),
            "list_price": ("quoted_price", "Pricing.price"),
            "quoted_price_total": ("quantity", "quoted_price"),
            "discount": ("list_price", "quoted_price"),
            "discount_sum": ("discount", "quantity"),
            "discount_rate": ("discount", "list_price"),
            "tax": ("quoted_price_total", "tax_rate"),
            "currency": ("Quotes.currency",),
        },
        repeats={
            "QuIt_QuotedPrice_CID": "currency",
            "QuIt_ListPrice_CID": "currency",
            "QuIt_QuotedPriceTotal_CID": "currency",
            "QuIt_Discount_CID": "currency",
            "QuIt_DiscountSum_CID": "currency",
            "QuIt_Tax_CID": "currency",
        },
        internal=("currency",),
        fixed=("quote", "line_type"),
        upsert=("int_foreign_id",),
        delete="D4",
    )

    quote = reference("entities.Quote", "Quote", required=True)
    line_type = selection("LineType", "Line Type", required=True)
    line_number = integer("Line Number")
    product = reference("entities.Product", "Product")
    uom = reference("entities.Unit", "Unit")
    product_family = reference("entities.ProductFamily", "Product Family", editable=False)
    quantity = amount("Quantity")
    quoted_price = amount("Price", low=0)
    list_price = amount("List Price", editable=False)
    quoted_price_total = amount("Total", editable=False)
    discount = amount("Discount", editable=False)
    discount_sum = amount("Discount Sum", editable=False)
    tax = amount("Tax", editable=False)
    tax_rate = percent("Tax Rate %", default=0, validators=[MinValueValidator(0), MaxValueValidator(100)])
    discount_rate = models.DecimalField(
        "Discount Rate %", max_digits=12, decimal_places=2, null=True, blank=True, editable=False
    )
    description = text(255, "Description")
    do_not_reprice = flag("Do Not Reprice")
    promote = flag("Promote")
    repricing_status = text(40, "Repricing", editable=False)
    erp_location = text(40, "Location")
    int_foreign_id = text(255, "External Key")
    int_id = integer("Integration Id")
    currency = reference("entities.Currency", editable=False)

    class Meta:
        verbose_name = "quote line"
        indexes = indexes("quit", "quote line_number", "product", "uom", "product_family", "updated_at")
