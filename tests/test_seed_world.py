"""The demo world obeys the rules of entities.md and shows every role something worth seeing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction

from crm import demo
from crm.demo.places import COUNTRIES
from entities.registry import registry, table_name
from entities.rules import numbering
from security import gate
from security.plan import access_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker

    from security.plan import Action


@pytest.fixture(scope="module", autouse=True)
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[demo.World]:
    """Build the small world once for the tests that only read it; it is rolled back afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield demo.build("small", replace=True)
        transaction.set_rollback(True)


def query(sql: str, *values: str | int) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


SECURED = {
    "company": "primary_user_id",
    "person": "primary_user_id",
    "opportunity": "assigned_user_id",
    "quote": "assigned_user_id",
    "case": "assigned_user_id",
}
# Each statement finds the rows that break a rule.
BROKEN = {
    "the primary person belongs to the company": """
        SELECT c.id FROM entities_company c JOIN entities_person p ON p.id = c.primary_person_id
        WHERE p.company_id IS DISTINCT FROM c.id""",
    "a company with people has a primary person": """
        SELECT c.id FROM entities_company c
        WHERE primary_person_id IS NULL AND EXISTS (SELECT FROM entities_person p WHERE p.company_id = c.id)""",
    "a company's primary address is linked to it": """
        SELECT c.id FROM entities_company c WHERE NOT EXISTS (SELECT FROM entities_addresslink l
        WHERE l.address_id = c.primary_address_id AND l.company_id = c.id AND l.person_id IS NULL)""",
    "a person's primary address is linked to the person": """
        SELECT p.id FROM entities_person p WHERE primary_address_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM entities_addresslink l WHERE l.address_id = p.primary_address_id AND l.person_id = p.id)""",
    "every address has an owner": """
        SELECT a.id FROM entities_address a
        WHERE NOT EXISTS (SELECT FROM entities_addresslink l WHERE l.address_id = a.id)""",
    "a link of a person names no other company": """
        SELECT l.id FROM entities_addresslink l JOIN entities_person p ON p.id = l.person_id
        WHERE l.company_id IS NOT NULL AND l.company_id IS DISTINCT FROM p.company_id""",
    "phones have an owner": """
        SELECT id FROM entities_phone WHERE NOT (
        owner_table = 5 AND EXISTS (SELECT FROM entities_company c WHERE c.id = owner_id)
        OR owner_table = 13 AND EXISTS (SELECT FROM entities_person p WHERE p.id = owner_id))""",
    "e-mails have an owner and reach nobody": """
        SELECT id FROM entities_email WHERE email_address NOT LIKE '%@%.example' OR NOT (
        owner_table = 5 AND EXISTS (SELECT FROM entities_company c WHERE c.id = owner_id)
        OR owner_table = 13 AND EXISTS (SELECT FROM entities_person p WHERE p.id = owner_id))""",
    "notes have an owner": """
        SELECT id FROM entities_note WHERE text = '' OR NOT (
        owner_table = 5 AND EXISTS (SELECT FROM entities_company c WHERE c.id = owner_id)
        OR owner_table = 13 AND EXISTS (SELECT FROM entities_person p WHERE p.id = owner_id)
        OR owner_table = 101 AND EXISTS (SELECT FROM entities_case c WHERE c.id = owner_id)
        OR owner_table = 102 AND EXISTS (SELECT FROM entities_opportunity o WHERE o.id = owner_id)
        OR owner_table = 105 AND EXISTS (SELECT FROM entities_quote q WHERE q.id = owner_id))""",
    "an opportunity's person is of its company": """
        SELECT o.id FROM entities_opportunity o JOIN entities_person p ON p.id = o.primary_person_id
        WHERE p.company_id IS DISTINCT FROM o.primary_company_id""",
    "a case's person is of its company": """
        SELECT c.id FROM entities_case c JOIN entities_person p ON p.id = c.primary_person_id
        WHERE p.company_id IS DISTINCT FROM c.primary_company_id""",
    "a quote follows its opportunity": """
        SELECT q.id FROM entities_quote q JOIN entities_opportunity o ON o.id = q.opportunity_id
        WHERE (q.company_id, q.contact_id, q.currency_id)
        IS DISTINCT FROM (o.primary_company_id, o.primary_person_id, o.currency_id) OR q.opened < o.opened""",
    "only ended opportunities are closed": """
        SELECT id FROM entities_opportunity WHERE (closed IS NULL) <> (status = 'In Progress')
        OR closed < opened OR target_close < opened OR certainty NOT BETWEEN 0 AND 100
        OR forecast_currency_id IS NULL""",
    "only closed cases are closed": """
        SELECT id FROM entities_case WHERE (closed IS NULL) <> (status = 'In Progress')
        OR (closed_by_id IS NULL) <> (closed IS NULL) OR (stage = 'Closed') <> (status = 'Closed')
        OR closed < opened OR target_close < opened""",
    "a case's reference names its creator and its number": """
        SELECT id FROM entities_case WHERE reference_id <> created_by_id || '-' || (id + 1000)""",
    "the line's amounts (§6.2)": """
        SELECT l.id FROM entities_quoteline l JOIN entities_currency c ON c.id = l.currency_id
        WHERE line_type <> 'c' AND (discount, discount_sum, quoted_price_total, discount_rate, tax)
        IS DISTINCT FROM (list_price - quoted_price, round(discount * quantity, decimal_places),
        round(quantity * quoted_price, decimal_places),
        CASE WHEN list_price = 0 THEN 0 ELSE round(discount / list_price * 100, 2) END,
        round(quoted_price_total * tax_rate / 100, decimal_places))""",
    "a comment has no amounts": """
        SELECT id FROM entities_quoteline WHERE line_type = 'c' AND num_nonnulls(quantity, list_price, quoted_price,
        quoted_price_total, discount, discount_sum, discount_rate, tax, product_id, uom_id) > 0""",
    "only items have a product": """
        SELECT id FROM entities_quoteline WHERE (line_type = 'i') <> (product_id IS NOT NULL)
        OR line_type <> 'c' AND coalesce(quantity, 0) <= 0 OR description = ''""",
    "an item costs what the price list says": """
        SELECT l.id FROM entities_quoteline l JOIN entities_quote q ON q.id = l.quote_id
        JOIN entities_product p ON p.id = l.product_id JOIN entities_unit u ON u.id = l.uom_id
        WHERE u.family_id <> p.uom_category_id OR l.product_family_id <> p.product_family_id
        OR l.currency_id <> q.currency_id OR NOT EXISTS (SELECT FROM entities_price r WHERE r.active
        AND (r.product_id, r.pricing_list_id, r.uom_id, r.price_currency_id, r.price)
        = (l.product_id, q.pricing_list_id, l.uom_id, q.currency_id, l.list_price))""",
    "lines are numbered from 1": """
        SELECT quote_id FROM entities_quoteline GROUP BY quote_id
        HAVING (min(line_number), max(line_number), count(DISTINCT line_number)) <> (1, count(*), count(*))""",
    "the quote's amounts (§6.2)": """
        SELECT q.id FROM entities_quote q JOIN entities_currency c ON c.id = q.currency_id
        JOIN (SELECT quote_id, coalesce(sum(discount_sum), 0) AS discounts,
            coalesce(sum(quoted_price_total), 0) AS nett, coalesce(sum(tax), 0) AS taxes
            FROM entities_quoteline GROUP BY quote_id) s ON s.quote_id = q.id
        WHERE (line_item_disc, nett_amt, no_disc_amt, tax, gross_amt) IS DISTINCT FROM
            (discounts, nett, discounts + nett, taxes, nett - discount_amt)
        OR discount_type = 'PC' AND discount_amt <> round(nett * discount_pc / 100, decimal_places)
        OR discount_type = 'AM' AND discount_pc <> round(discount_amt / nett * 100, 2)
        OR discount_amt NOT BETWEEN 0 AND nett OR discount_pc NOT BETWEEN 0 AND 100""",
    "every quote has lines": """
        SELECT id FROM entities_quote q WHERE NOT EXISTS (SELECT FROM entities_quoteline l WHERE l.quote_id = q.id)""",
    "the opportunity's totals (§6.3)": """
        SELECT o.id FROM entities_opportunity o LEFT JOIN (SELECT opportunity_id, sum(gross_amt) AS gross,
            sum(no_disc_amt) AS undiscounted FROM entities_quote WHERE status = 'Active' AND rollup
            GROUP BY opportunity_id) q ON q.opportunity_id = o.id
        WHERE (total_quotes, total_orders, total, no_disc_amt_sum)
        IS DISTINCT FROM (coalesce(gross, 0), 0, coalesce(gross, 0), coalesce(undiscounted, 0))""",
    "a territory lies within its parent's interval": """
        SELECT t.id FROM entities_territory t LEFT JOIN entities_territory p ON p.id = t.parent_id
        WHERE t.number > t.number_end OR p.id IS NOT NULL
        AND (t.number <= p.number OR t.number_end > p.number_end OR t.depth <> p.depth + 1)""",
    "an interval holds just the subtree": """
        SELECT t.id FROM entities_territory t WHERE t.number_end - t.number + 1
        <> (SELECT count(*) FROM entities_territory s WHERE s.number BETWEEN t.number AND t.number_end)
        OR t.child_count <> (SELECT count(*) FROM entities_territory s WHERE s.parent_id = t.id)""",
    "one root, three levels": """
        SELECT 1 FROM entities_territory HAVING count(*) FILTER (WHERE parent_id IS NULL) <> 1
        OR min(id) FILTER (WHERE parent_id IS NULL) <> -2147483640 OR max(depth) <> 2""",
    "one default price list, one default unit per family, one base currency": """
        SELECT 1 FROM entities_pricelist HAVING count(*) FILTER (WHERE default_value) <> 1
        UNION ALL SELECT family_id FROM entities_unit GROUP BY family_id
        HAVING count(*) FILTER (WHERE default_value) <> 1
        UNION ALL SELECT 1 FROM entities_currency HAVING count(*) FILTER (WHERE rate = 1) <> 1""",
    "a user's primary team is one of the teams": """
        SELECT id FROM entities_user u WHERE primary_team_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM entities_user_teams t WHERE t.user_id = u.id AND t.team_id = u.primary_team_id)""",
}


@pytest.mark.parametrize("statement", BROKEN.values(), ids=list(BROKEN))
def test_no_row_breaks_the_rule(statement: str) -> None:
    assert query(statement.replace("%", "%%")) == []


def test_the_rules_had_rows_to_check() -> None:
    for name in (*SECURED, "quoteline", "addresslink", "phone", "email", "note", "price"):
        ((count,),) = query(f'SELECT count(*) FROM "entities_{name}"')
        assert count > 500, name
    kinds = query("SELECT line_type, count(*) FROM entities_quoteline GROUP BY 1 ORDER BY 1")
    assert [kind for kind, _ in kinds] == ["c", "f", "i"]
    assert query("SELECT DISTINCT discount_type FROM entities_quote ORDER BY 1") == [("AM",), ("PC",)]
    assert query("SELECT DISTINCT status FROM entities_quote ORDER BY 1") == [("Active",), ("Inactive",)]


@pytest.mark.parametrize(("name", "assigned"), SECURED.items())
def test_records_lie_somewhere_and_with_somebody_who_works(name: str, assigned: str) -> None:
    nobody = f"""SELECT r.id FROM entities_{name} r LEFT JOIN entities_user u ON u.id = r.{assigned}
        WHERE u.id IS NULL OR u.disabled OR u.resource OR u.is_template OR r.territory_id IS NULL
        OR r.created_by_id IS NULL OR r.updated_by_id IS NULL OR r.updated_at < r.created_at
        OR r.deleted_at IS NOT NULL"""
    assert query(nobody) == []
    counts = f"count(DISTINCT territory_id), count(DISTINCT {assigned}), count(DISTINCT team_id)"
    ((territories, users, teams),) = query(f"SELECT {counts} FROM entities_{name}")
    assert territories >= 23
    assert users >= 4
    assert teams >= 2


def test_references_hold() -> None:
    connection.check_constraints()


def test_selections_are_codes_of_their_list() -> None:
    codes: dict[str, set[str]] = {}
    for family, code in query("SELECT family, code FROM entities_caption WHERE NOT retired"):
        codes.setdefault(family, {""}).add(code)
    checked = 0
    for entity in registry():
        for field in entity.fields:
            if field.list_name and not entity.proxy:
                column = f"unnest({field.column})" if field.type == "msel" else field.column
                values = {value for (value,) in query(f'SELECT {column} FROM "{table_name(entity.model)}"')}
                assert values <= codes.get(field.list_name, {""}), field.wire
                checked += len(values)
    assert checked > 100


def test_moments_are_whole_seconds_before_the_reference_day() -> None:
    for entity in registry():
        for field in entity.fields:
            if field.type == "dt" and not entity.proxy:
                name = table_name(entity.model)
                column = field.column
                broken = f"SELECT id FROM \"{name}\" WHERE {column} <> date_trunc('second', {column})"
                assert query(broken) == [], field.wire
                if field.name in ("created_at", "updated_at", "opened", "closed"):
                    assert query(f"SELECT id FROM \"{name}\" WHERE {column} > '2026-11-20 17:00+00'") == [], field.wire


def test_addresses_fit_the_territory() -> None:
    found = query(
        """SELECT DISTINCT t.caption, a.country, a.city FROM entities_company c
        JOIN entities_territory t ON t.id = c.territory_id AND t.depth = 2
        JOIN entities_address a ON a.id = c.primary_address_id"""
    )
    places = {(place.name, place.code, city) for place in COUNTRIES for city, _, _ in place.cities}
    assert set(found) <= places
    assert {country for country, _, _ in found} == {place.name for place in COUNTRIES}


def test_names_are_varied_and_need_care() -> None:
    ((total, distinct, quoted, accented, apostrophes),) = query(
        """SELECT count(*), count(DISTINCT name), count(*) FILTER (WHERE name LIKE '%%"%%'),
        count(*) FILTER (WHERE name ~ '[^ -~]'), count(*) FILTER (WHERE name LIKE '%%''%%') FROM entities_company"""
    )
    assert distinct > 0.9 * total
    assert all(count > 5 for count in (quoted, accented, apostrophes))


def test_the_examples_of_the_guide_exist() -> None:
    assert query(
        """SELECT c.name, c.type, c.web_site, c.primary_user_id, c.territory_id, p.id, p.full_name
        FROM entities_company c JOIN entities_person p ON p.id = c.primary_person_id WHERE c.id = 43"""
    ) == [("Eurolandia", "Customer", "", demo.USERS["susan"], -2147483640, 30, "Ada Sample")]
    for name in ("opportunity", "case"):
        assert query(f"SELECT id FROM entities_{name} WHERE primary_company_id = 43")
    assert query("SELECT id FROM entities_quote WHERE company_id = 43")


def test_new_records_continue_after_the_demo(world: demo.World) -> None:
    for entity in registry():
        if not entity.proxy:
            name = table_name(entity.model)
            statement = f"SELECT nextval(pg_get_serial_sequence(%s, 'id')), max(id) FROM \"{name}\""
            ((upcoming, highest),) = query(statement, name)
            assert upcoming == highest + 1, name
    number = world.counts["Cases"] + 1001
    assert numbering.case_reference(4, numbering.next_number(numbering.CASES)) == f"4-{number}"
    assert numbering.quote_reference() == f"Q-{world.counts['Quotes'] + 1:06}"


def seen(logon: str, action: Action = "view") -> dict[str, int]:
    """Return how many records of each kind a user may do ``action`` to."""
    access = access_for(demo.USERS[logon])
    kinds = ("Company", "Person", "Opportunity", "Quotes", "Cases")
    return {kind: gate.rows(access, registry()[kind], action).count() for kind in kinds}


def test_every_role_sees_a_useful_world(world: demo.World) -> None:
    everything = {kind: world.counts[kind] for kind in ("Company", "Person", "Opportunity", "Quotes", "Cases")}
    assert seen("admin") == seen("ian") == everything
    assert set(seen("nora").values()) == {0}
    assert set(seen("ian", "delete").values()) == {0}
    susan, william, olivia, peter = (seen(logon) for logon in ("susan", "william", "olivia", "peter"))
    assert all(100 < count < everything[kind] / 2 for kind, count in susan.items())
    assert all(susan[kind] < count < everything[kind] for kind, count in william.items())
    assert 40 <= olivia["Company"] <= 80
    assert all(count >= 10 for count in olivia.values())
    assert peter == everything | {"Opportunity": 0, "Quotes": 0}


def test_olivia_sees_twenty_companies_by_grants_alone() -> None:
    found = query(
        """SELECT content_object_id FROM entities_companygroupgrant WHERE permission_id = %s
        UNION ALL SELECT content_object_id FROM entities_companyusergrant WHERE permission_id = %s""",
        *query("SELECT id FROM auth_permission WHERE codename = 'view_company'")[0] * 2,
    )
    assert len(found) == len(set(found)) == 20
    hers = "SELECT id FROM entities_company WHERE %s IN (primary_user_id, created_by_id)"
    assert not set(found) & set(query(hers, demo.USERS["olivia"]))


def test_hidden_fields_are_hidden() -> None:
    kinds = registry()
    partner, support = access_for(demo.USERS["olivia"]), access_for(demo.USERS["peter"])
    shape = partner.shape(kinds["Company"])
    company = {field.wire for field in shape.fields}
    opportunity = {field.wire for field in partner.shape(kinds["Opportunity"]).fields}
    assert not company & {"Comp_Revenue", "Comp_Employees"}
    assert not opportunity & {"Oppo_Forecast", "Oppo_Forecast_CID", "Oppo_Certainty"}
    assert "Comp_Status" in company
    assert "Comp_Status" not in {field.wire for field in shape.fields if field.writable}
    assert "Comp_Name" in {field.wire for field in shape.fields if field.writable}
    assert access_for(demo.USERS["ian"]).shape(kinds["Users"]).reads("home_phone")
    assert not access_for(demo.USERS["susan"]).shape(kinds["Users"]).reads("home_phone")
    assert "Comp_Revenue" not in {field.wire for field in support.shape(kinds["Company"]).fields}
