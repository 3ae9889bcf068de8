"""What a write costs in statements: the same whatever it holds and, in a batch, however many items there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api.wire import at, statements

if TYPE_CHECKING:
    from tests.api.wire import Wire

COMPANY = {"comp_name": "Costly", "comp_type": "Customer", "comp_primaryuserid": 4}
# Who calls, with the policy's version and what grants they hold.
LOG_IN = 1

# The row with its flags and the titles of what it refers to.
ANSWER = 1


def test_a_new_record_costs_five_statements(susan: Wire) -> None:
    susan.post("company", COMPANY)
    with statements() as sent:
        assert susan.post("company", COMPANY).status == 201
    references = people = stored = 1  # stored, judged and noted in one
    assert len(sent) == LOG_IN + references + people + stored + ANSWER
    with statements() as sent:
        assert susan.post("company", {"comp_name": "Without references"}).status == 201
    assert len(sent) == LOG_IN + people + stored + ANSWER


def test_a_new_person_costs_one_more_for_its_company(susan: Wire) -> None:
    person = {"pers_lastname": "Costly", "pers_companyid": 2}
    susan.post("person", person)
    with statements() as sent:
        assert susan.post("person", person).status == 201
    references = people = company = stored = 1
    primary = 2  # whether the company may be edited, and lacks a primary person
    assert len(sent) == LOG_IN + references + people + company + stored + primary + ANSWER


def test_a_change_costs_five_statements_and_a_comparison_one_more(susan: Wire) -> None:
    susan.patch(at("Company", 2), {"comp_intid": 1})
    locked = people = stored = 1
    with statements() as sent:
        assert susan.patch(at("Company", 2), {"comp_intid": 2}).status == 200
    assert len(sent) == LOG_IN + locked + people + stored + ANSWER
    tag = susan.entry(at("Company", 2))["$etag"]
    compared = ANSWER
    with statements() as sent:
        assert susan.patch(at("Company", 2), {"comp_intid": 3}, headers={"If-Match": tag}).status == 200
    assert len(sent) == LOG_IN + locked + compared + people + stored + ANSWER


def test_a_change_of_a_reference_asks_what_was_and_what_shall_be_visible(susan: Wire) -> None:
    susan.patch(at("Company", 2), {"comp_primaryuserid": 4})
    present = susan.entry(at("Company", 2))["Comp_PrimaryUserId"]
    other = 5 if present == 4 else 4
    with statements() as sent:
        assert susan.patch(at("Company", 2), {"comp_primaryuserid": other}).status == 200
    locked = was = shall_be = people = stored = 1
    assert len(sent) == LOG_IN + locked + was + shall_be + people + stored + ANSWER
