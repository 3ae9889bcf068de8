"""Quotes and their lines as stored: prices taken, amounts and totals always right, what is fixed stays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import Sum

from entities import rules
from entities.models import (
    Company,
    Currency,
    Opportunity,
    Person,
    Price,
    PriceList,
    Product,
    Quote,
    QuoteLine,
    Unit,
    UnitFamily,
)
from entities.rules import RuleViolation
from entities.rules.arithmetic import round_half_away
from security.gate import system_rows
from tests.rules.world import LATER, World, address, circumstances, create, delete, saved, stored, update

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

D = Decimal


def totals(opportunity: Opportunity) -> tuple[Any, ...]:
    found = stored(opportunity)
    return found.total_quotes, found.total_orders, found.total, found.no_disc_amt_sum


def refusal(call: Any, *arguments: Any, **named: Any) -> RuleViolation:
    with pytest.raises(RuleViolation) as caught:
        call(*arguments, **named)
    return caught.value


def test_the_example_of_the_catalogue_is_stored(world: World) -> None:
    plain = saved(Product(code="P2", name="Bolt", uom_category=world.product.uom_category))
    price: dict[str, Any] = {"pricing_list": world.price_list, "uom": world.pieces, "price_currency": world.eur}
    saved(Price(product=plain, price=D(5), **price))
    quote = world.quote(discount_pc=D(10))
    first = world.item(quote, "3", "17.50")
    second = world.item(quote, "2", product=plain)
    assert (stored(first).discount, stored(second).discount) == (D("2.49"), D(0))
    assert (stored(first).discount_sum, stored(second).discount_sum) == (D("7.47"), D(0))
    assert (stored(first).quoted_price_total, stored(second).quoted_price_total) == (D("52.50"), D(10))
    found = stored(quote)
    assert (found.line_item_disc, found.nett_amt, found.no_disc_amt) == (D("7.47"), D("62.5"), D("69.97"))
    assert (found.discount_pc, found.discount_amt, found.gross_amt) == (D(10), D("6.25"), D("56.25"))
    assert totals(world.opportunity) == (D("56.25"), D(0), D("56.25"), D("69.97"))


def test_a_new_quote_takes_over_from_opportunity_company_and_settings(world: World) -> None:
    address(world.company, "Billing", address1="1 Main Street", city="Dublin", country="IE")
    primary = address(world.company, "Business", city="Cork", post_code="T12")
    world.company.primary_address = primary
    world.company.save()
    quote = stored(world.quote())
    assert (quote.company_id, quote.contact_id) == (world.company.pk, world.person.pk)
    assert (quote.assigned_user_id, quote.team_id) == (world.actor.pk, world.team.pk)
    assert quote.territory_id == world.opportunity.territory_id
    assert (quote.currency_id, quote.pricing_list_id) == (world.eur.pk, world.price_list.pk)
    assert (quote.opened, quote.expiration_date) == (LATER, LATER + timedelta(days=7))
    assert (quote.bill_address, quote.ship_address) == ("1 Main Street\nDublin\nIE", "Cork\nT12")
    assert (quote.nett_amt, quote.gross_amt, quote.discount_amt, quote.tax) == (D(0),) * 4
    assert stored(world.opportunity).currency_id == world.eur.pk


def test_an_address_that_the_caller_may_not_see_is_not_copied(world: World) -> None:
    address(world.company, "Billing", address1="1 Main Street", city="Dublin")
    unseen = create(world.actor, Quote(opportunity=world.opportunity), visible=lambda model, key: False)
    assert unseen.bill_address == ""
    part = create(world.actor, Quote(opportunity=world.opportunity), readable=lambda model, name: name != "city")
    assert part.bill_address == "1 Main Street"


def test_what_the_caller_sends_is_kept(world: World) -> None:
    values = {"bill_address": "Here", "contact_id": None, "expiration_date": LATER + timedelta(days=1)}
    quote = create(world.actor, Quote(opportunity=world.opportunity, **values), given=frozenset({*values, "contact"}))
    found = stored(quote)
    assert (found.bill_address, found.contact_id) == ("Here", None)
    assert found.expiration_date == LATER + timedelta(days=1)


def test_an_item_takes_family_unit_description_and_price_from_its_product(world: World) -> None:
    line = stored(world.item(world.quote(), "2"))
    assert (line.product_family_id, line.uom_id) == (world.product.product_family_id, world.pieces.pk)
    assert (line.description, line.list_price, line.quoted_price) == ("Widget", D("19.99"), D("19.99"))
    assert (line.line_number, line.currency_id, line.tax_rate) == (1, world.eur.pk, D(0))


def test_lines_are_numbered_after_the_highest(world: World) -> None:
    quote = world.quote()
    assert world.item(quote, "1", line_number=7).line_number == 7
    assert world.item(quote, "1").line_number == 8


def test_the_list_price_is_kept_until_product_or_unit_changes(world: World) -> None:
    line = world.item(world.quote(), "2", "15")
    system_rows(Price).filter(price=D("19.99")).update(price=D(25))
    line = update(world.actor, line, quantity=D(3))
    assert (line.list_price, line.quoted_price, line.quoted_price_total) == (D("19.99"), D(15), D(45))
    line = update(world.actor, line, uom_id=world.box.pk)
    assert (line.list_price, line.quoted_price, line.quoted_price_total) == (D(200), D(200), D(600))
    other = saved(Product(code="P2", name="Bolt", uom_category=world.product.uom_category))
    price: dict[str, Any] = {"pricing_list": world.price_list, "uom": world.pieces, "price_currency": world.eur}
    saved(Price(product=other, price=D(5), **price))
    line = update(world.actor, line, product_id=other.pk, quoted_price=D(4), given=frozenset({"quoted_price"}))
    assert (line.uom_id, line.description, line.product_family_id) == (world.pieces.pk, "Bolt", None)
    assert (line.list_price, line.quoted_price, line.discount) == (D(5), D(4), D(1))


def test_a_description_of_the_callers_own_survives_another_product(world: World) -> None:
    line = world.item(world.quote(), "1", description="Special")
    other = saved(Product(code="P2", name="Bolt", uom_category=world.product.uom_category))
    price: dict[str, Any] = {"pricing_list": world.price_list, "uom": world.pieces, "price_currency": world.eur}
    saved(Price(product=other, price=D(5), **price))
    assert update(world.actor, line, product_id=other.pk).description == "Special"


@pytest.mark.parametrize("gone", ["inactive", "other list", "other currency", "other unit"])
def test_a_product_without_active_price_is_refused(world: World, gone: str) -> None:
    price = system_rows(Price).get(price=D("19.99"))
    if gone == "inactive":
        price.active = False
    if gone == "other list":
        price.pricing_list = saved(PriceList(name="Other"))
    if gone == "other currency":
        price.price_currency = saved(Currency(symbol="USD", rate=D("1.1")))
    if gone == "other unit":
        price.uom = saved(Unit(family=world.pieces.family, name="Pair"))
    price.save()
    violation = refusal(world.item, world.quote(), "1")
    assert (violation.code, violation.field) == ("BusinessRule", "product")
    assert not system_rows(QuoteLine).exists()


def test_a_unit_of_another_family_is_refused(world: World) -> None:
    hour = saved(Unit(family=saved(UnitFamily(name="Time")), name="Hour"))
    assert refusal(world.item, world.quote(), "1", uom=hour).violations[0].field == "uom"


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"line_type": "i", "quantity": D(1)}, "product", "Required"),
        ({"line_type": "i", "product": True}, "quantity", "Required"),
        ({"line_type": "i", "product": True, "quantity": D(0)}, "quantity", "BusinessRule"),
        ({"line_type": "i", "product": True, "quantity": D(-1)}, "quantity", "BusinessRule"),
        ({"line_type": "f", "quantity": D(1), "description": "x"}, "quoted_price", "Required"),
        ({"line_type": "f", "quantity": D(1), "quoted_price": D(1)}, "description", "Required"),
        ({"line_type": "f", "quoted_price": D(1), "description": "x"}, "quantity", "Required"),
        (
            {"line_type": "f", "product": True, "quantity": D(1), "quoted_price": D(1), "description": "x"},
            "product",
            "BusinessRule",
        ),
        ({"line_type": "c"}, "description", "Required"),
        ({"line_type": "c", "description": "x", "quantity": D(1)}, "quantity", "BusinessRule"),
        ({"line_type": "c", "description": "x", "quoted_price": D(0)}, "quoted_price", "BusinessRule"),
        ({"line_type": "f", "quantity": D(10) ** 17, "quoted_price": D(10), "description": "x"}, "quantity", None),
        ({"line_type": "x", "description": "x"}, "line_type", "BusinessRule"),
    ],
)
def test_a_line_needs_what_its_type_needs(world: World, values: dict[str, Any], field: str, code: str | None) -> None:
    if "product" in values:
        values = values | {"product": world.product}
    violation = refusal(create, world.actor, QuoteLine(quote=world.quote(), **values))
    assert (violation.field, violation.code) == (field, code or "BusinessRule")


def test_several_problems_are_told_together(world: World) -> None:
    violation = refusal(create, world.actor, QuoteLine(quote=world.quote(), line_type="f"))
    assert [one.field for one in violation.violations] == ["quantity", "quoted_price", "description"]


def test_a_comment_has_no_amounts_and_counts_as_nothing(world: World) -> None:
    quote = world.quote()
    world.text(quote, "1", "10")
    comment = stored(create(world.actor, QuoteLine(quote=quote, line_type="c", description="Note")))
    assert (comment.quantity, comment.quoted_price, comment.list_price, comment.tax) == (None,) * 4
    assert stored(quote).nett_amt == D(10)


def test_an_amount_discount_fixes_the_percentage(world: World) -> None:
    quote = world.quote()
    line = world.text(quote, "2", "50")
    quote = update(world.actor, quote, discount_type="AM", discount_amt=D(25))
    assert (quote.discount_pc, quote.gross_amt) == (D(25), D(75))
    assert rules.computed_by_state(quote) == {"discount_pc"}
    update(world.actor, line, quantity=D(1))
    assert (stored(quote).discount_amt, stored(quote).discount_pc) == (D(25), D(50))
    assert totals(world.opportunity)[0] == D(25)


def test_an_amount_discount_above_the_net_amount_is_refused(world: World) -> None:
    quote = world.quote()
    world.text(quote, "1", "10")
    violation = refusal(update, world.actor, quote, discount_type="AM", discount_amt=D("10.01"))
    assert (violation.field, violation.code) == ("discount_amt", "BusinessRule")
    assert refusal(world.quote, discount_type="AM", discount_amt=D(1)).field == "discount_amt"


def test_an_amount_discount_is_lowered_when_lines_go(world: World) -> None:
    quote = world.quote()
    line = world.text(quote, "1", "30")
    world.text(quote, "1", "10")
    update(world.actor, quote, discount_type="AM", discount_amt=D(25))
    delete(world.actor, line)
    found = stored(quote)
    assert (found.nett_amt, found.discount_amt, found.discount_pc, found.gross_amt) == (D(10), D(10), D(100), D(0))


def test_the_percentage_type_computes_the_amount(world: World) -> None:
    quote = world.quote(discount_pc=D("33.33"), discount_amt=D(99))
    world.text(quote, "1", "10")
    assert stored(quote).discount_amt == D("3.33")
    assert rules.computed_by_state(quote) == {"discount_amt"}
    assert rules.computed_by_state(world.opportunity) == frozenset()


def test_a_document_written_with_its_lines_is_computed_once_at_the_end(world: World) -> None:
    draft = Quote(opportunity=world.opportunity, discount_type="AM", discount_amt=D(5))
    quote = create(world.actor, draft, unfinished=True)
    for price in ("4", "8"):
        values: dict[str, Any] = {"line_type": "f", "description": "x", "quantity": D(1), "quoted_price": D(price)}
        create(world.actor, QuoteLine(quote=quote, **values), unfinished=True)
    rules.settle(quote, circumstances(world.actor))
    found = stored(quote)
    assert (found.nett_amt, found.discount_amt, found.gross_amt) == (D(12), D(5), D(7))
    assert totals(world.opportunity)[0] == D(7)
    alone = Quote(opportunity=world.opportunity, discount_type="AM", discount_amt=D(5))
    alone = create(world.actor, alone, unfinished=True)
    assert refusal(rules.settle, alone, circumstances(world.actor)).field == "discount_amt"


def test_amounts_follow_the_decimal_places_of_the_currency(world: World) -> None:
    quote = world.quote(currency=world.yen, discount_pc=D("12.5"))
    world.text(quote, "3", "0.5")
    found = stored(quote)
    assert (found.nett_amt, found.discount_amt, found.gross_amt) == (D(2), D(0), D(2))


def test_totals_follow_every_change_of_a_quote(world: World) -> None:
    first, second = world.quote(), world.quote()
    world.text(first, "1", "10")
    world.text(second, "1", "5")
    assert totals(world.opportunity) == (D(15), D(0), D(15), D(15))
    second = update(world.actor, second, rollup=False)
    assert totals(world.opportunity)[2] == D(10)
    first = update(world.actor, first, status="Inactive")
    assert totals(world.opportunity)[2] == D(0)
    update(world.actor, second, rollup=True)
    update(world.actor, first, status="Active", discount_pc=D(50))
    assert totals(world.opportunity) == (D(10), D(0), D(10), D(15))
    delete(world.actor, second)
    assert totals(world.opportunity) == (D(5), D(0), D(5), D(10))


def test_what_does_not_change_is_not_written(world: World) -> None:
    quote = world.quote()
    world.text(quote, "1", "10")
    system_rows(Quote).update(updated_at=None)
    system_rows(Opportunity).update(updated_at=None)
    comment = create(world.actor, QuoteLine(quote=quote, line_type="c", description="Note"))
    assert (stored(quote).updated_at, stored(world.opportunity).updated_at) == (None, None)
    written: list[Any] = []
    line = QuoteLine(quote=quote, line_type="f", description="x", quantity=D(1), quoted_price=D(1))
    create(world.actor, line, wrote=lambda *told: written.append(told))
    assert (stored(quote).updated_at, stored(quote).updated_by_id) == (LATER, world.actor.pk)
    assert stored(world.opportunity).updated_at == LATER
    assert stored(comment).updated_at is None
    assert written == [
        (Quote, [quote.pk], "update", ["nett_amt", "gross_amt", "no_disc_amt"]),
        (Opportunity, [world.opportunity.pk], "update", ["total_quotes", "total", "no_disc_amt_sum"]),
    ]
    written.clear()
    create(world.actor, Person(last_name="New", company=world.company), wrote=lambda *told: written.append(told))
    assert written == [(Company, [world.company.pk], "update", ["primary_person"])]


def test_the_lines_of_a_converted_quote_cannot_be_changed(world: World) -> None:
    quote = world.quote()
    line = world.text(quote, "1", "10")
    quote = update(world.actor, quote, status="Converted")
    attempts: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
        (world.text, (quote, "1", "1"), {}),
        (update, (world.actor, line), {"quantity": D(2)}),
        (delete, (world.actor, line), {}),
        (update, (world.actor, quote), {"discount_pc": D(1)}),
    ]
    for call, arguments, named in attempts:
        assert refusal(call, *arguments, **named).code == "TransitionNotAllowed"
    assert totals(world.opportunity)[0] == D(0)
    update(world.actor, line)
    update(world.actor, quote)
    update(world.actor, quote, status="Active")
    assert totals(world.opportunity)[0] == D(10)


def test_the_price_list_is_fixed_once_a_line_exists(world: World) -> None:
    other = saved(PriceList(name="Other"))
    quote = update(world.actor, world.quote(), pricing_list_id=other.pk)
    world.text(quote, "1", "10")
    violation = refusal(update, world.actor, quote, pricing_list_id=world.price_list.pk)
    assert violation.field == "pricing_list"


def test_one_opportunity_has_one_currency(world: World) -> None:
    first, second = world.quote(), world.quote()
    second = update(world.actor, second, currency_id=world.yen.pk)
    assert (stored(first).currency_id, stored(world.opportunity).currency_id) == (world.yen.pk, world.yen.pk)
    third = world.quote(currency=world.eur)
    assert {stored(quote).currency_id for quote in (first, second, third)} == {world.eur.pk}
    update(world.actor, world.opportunity, currency_id=world.yen.pk)
    assert {stored(quote).currency_id for quote in (first, second, third)} == {world.yen.pk}
    line = world.text(first, "1", "10")
    assert line.currency_id == world.yen.pk
    attempts: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
        (update, (world.actor, second), {"currency_id": world.eur.pk}),
        (world.quote, (), {"currency": world.eur}),
        (update, (world.actor, world.opportunity), {"currency_id": world.eur.pk}),
        (update, (world.actor, world.opportunity), {"currency_id": None}),
    ]
    for call, arguments, named in attempts:
        violation = refusal(call, *arguments, **named)
        assert (violation.message, violation.field) == ("The currency of the opportunity is fixed.", "currency")
    delete(world.actor, line)
    assert refusal(update, world.actor, world.opportunity, currency_id=None).field == "currency"
    update(world.actor, second, currency_id=world.eur.pk)
    assert stored(first).currency_id == world.eur.pk


def test_quotes_follow_the_company_of_their_opportunity(world: World) -> None:
    quote, converted = world.quote(), world.quote()
    update(world.actor, converted, status="Converted")
    update(world.actor, world.opportunity, primary_company_id=None)
    assert (stored(quote).company_id, stored(converted).company_id) == (None, world.company.pk)


def test_a_quote_needs_a_currency_and_a_price_list(world: World) -> None:
    system_rows(Currency).update(rate=D(2))
    system_rows(PriceList).update(default_value=False)
    violation = refusal(world.quote)
    assert [(one.field, one.code) for one in violation.violations] == [
        ("currency", "Required"),
        ("pricing_list", "Required"),
    ]


def test_nothing_is_written_into_what_is_gone(world: World) -> None:
    quote = world.quote()
    delete(world.actor, world.opportunity)
    assert refusal(world.quote).code == "BadReference"
    assert refusal(world.text, quote, "1", "1").code == "BadReference"


def test_a_quote_does_not_expire_before_it_is_opened(world: World) -> None:
    assert refusal(world.quote, expiration_date=LATER - timedelta(days=1)).field == "expiration_date"
    today = LATER.replace(hour=0, minute=0)
    assert world.quote(expiration_date=today).expiration_date == today


def test_sums_that_exceed_their_column_are_refused(world: World) -> None:
    quote = world.quote()
    world.text(quote, "1", "999999999999999999")
    assert refusal(world.text, quote, "1", "1").code == "BusinessRule"
    assert refusal(world.text, world.quote(), "1", "1").code == "BusinessRule"


def test_statements_do_not_grow_with_the_number_of_lines(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    quote = world.quote()
    line = world.item(quote, "1")
    with django_assert_num_queries(15):
        update(world.actor, line, quantity=D(2))
    for _ in range(12):
        world.item(quote, "1")
    with django_assert_num_queries(15):
        update(world.actor, line, quantity=D(3))


@pytest.mark.parametrize("seed", range(5))
def test_amounts_are_right_after_any_sequence_of_writes(world: World, seed: int) -> None:
    random = Random(seed)
    quotes = [world.quote() for _ in range(2)]
    for _ in range(25):
        quote = stored(random.choice(quotes))
        lines = list(system_rows(QuoteLine).filter(quote=quote))
        price, quantity = D(random.randrange(10**6)) / 1000, D(random.randrange(1, 5000)) / 100
        step = random.choice(["text", "item", "quantity", "delete", "discount", "status"])
        if step == "text":
            world.text(quote, str(quantity), str(price), tax_rate=D(random.randrange(2500)) / 100)
        elif step == "item":
            world.item(quote, str(quantity), str(price))
        elif step == "quantity" and lines:
            update(world.actor, random.choice(lines), quantity=quantity)
        elif step == "delete" and lines:
            delete(world.actor, random.choice(lines))
        elif step == "discount":
            nett = system_rows(QuoteLine).filter(quote=quote).aggregate(nett=Sum("quoted_price_total"))["nett"] or D(0)
            kind = random.choice(["PC", "AM"])
            written: dict[str, Any] = (
                {"discount_pc": D(random.randrange(101))} if kind == "PC" else {"discount_amt": nett / 2}
            )
            update(world.actor, quote, discount_type=kind, **written)
        elif step == "status":
            update(world.actor, quote, status=random.choice(["Active", "Inactive"]))
        assert_all_sums(world)


def assert_all_sums(world: World) -> None:
    total = undiscounted = D(0)
    for quote in system_rows(Quote).filter(opportunity=world.opportunity):
        nett = disc = tax = D(0)
        for line in system_rows(QuoteLine).filter(quote=quote):
            assert line.quantity is not None and line.quoted_price is not None and line.list_price is not None
            assert line.tax_rate is not None
            assert line.quoted_price_total == round_half_away(line.quantity * line.quoted_price, 2)
            assert line.discount == line.list_price - line.quoted_price
            assert line.discount_sum == round_half_away(line.discount * line.quantity, 2)
            assert line.tax == round_half_away(line.quoted_price_total * line.tax_rate / 100, 2)
            nett, disc, tax = nett + line.quoted_price_total, disc + line.discount_sum, tax + line.tax
        assert (quote.nett_amt, quote.line_item_disc, quote.tax) == (nett, disc, tax)
        assert quote.no_disc_amt == nett + disc
        assert quote.discount_pc is not None and quote.discount_amt is not None and D(0) <= quote.discount_amt <= nett
        if quote.discount_type == "PC":
            assert quote.discount_amt == round_half_away(nett * quote.discount_pc / 100, 2)
        else:
            assert quote.discount_pc == (round_half_away(quote.discount_amt / nett * 100, 2) if nett else 0)
        assert quote.gross_amt == nett - quote.discount_amt
        if quote.status == "Active":
            total, undiscounted = total + quote.gross_amt, undiscounted + quote.no_disc_amt
    assert totals(world.opportunity) == (total, D(0), total, undiscounted)
