"""What a restricted member of staff sees in the administration: the gate's rows, readable fields, nothing else."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.admin.world import HIDDEN_NAMES, MARK, client_of

if TYPE_CHECKING:
    from django.test import Client

    from tests.admin.world import World

COMPANIES = "/admin/entities/company/"
HIDDEN_COLUMNS = ('"entities_company"."revenue"', '"entities_company"."web_site"')
SKIPPED = re.compile(r"/logout/|&|_changelist_filters|\?o=[-0-9]+\.")
LINK = re.compile(r'href="([^"#]*)"')


def titles(client: Client, address: str) -> set[str]:
    """Return the titles of the rows of a list."""
    response = client.get(address)
    assert response.status_code == 200
    return {str(record) for record in response.context["cl"].result_list}


def crawl(client: Client) -> dict[str, str]:
    """Follow every link from the index on, of each filter and sorting a few; return the pages by address."""
    waiting, pages, tried = ["/admin/"], dict[str, str](), Counter[str]()
    while waiting:
        address = waiting.pop(0)
        tried[address.partition("=")[0]] += address not in pages
        if address in pages or SKIPPED.search(address) or ("=" in address and tried[address.partition("=")[0]] > 3):
            continue
        response = client.get(address)
        pages[address] = response.content.decode()
        assert response.status_code in (200, 302, 403), address
        base = response.headers.get("Location", address) if response.status_code == 302 else address
        found = [urljoin(base, unescape(link)) for link in LINK.findall(pages[address])]
        waiting += [link for link in found if link.startswith("/admin/") and link not in pages]
    return pages


def test_lists_show_the_rows_of_the_gate(clerk: Client, boss: Client) -> None:
    assert titles(clerk, COMPANIES) == {"Alpha Ltd", "Beta Ltd"}
    assert titles(boss, COMPANIES) == {"Alpha Ltd", "Beta Ltd", f"{MARK} GmbH"}
    assert titles(clerk, "/admin/entities/person/") == {"Ada Sample"}


def test_no_page_within_reach_shows_or_reads_what_is_hidden(clerk: Client, world: World) -> None:
    with CaptureQueriesContext(connection) as captured:
        pages = crawl(clerk)
        extra = [
            f"{COMPANIES}?q={MARK[:5]}",
            f"{COMPANIES}{world.invisible.pk}/change/",
            f"{COMPANIES}{world.company.pk}/delete/",
            f"/admin/autocomplete/?model_name=Company&term={MARK[:5]}",
            f"/admin/entities/person/?pers_companyid={world.invisible.pk}",
            f"/admin/entities/case/add/?case_primarycompanyid={world.invisible.pk}",
            f"/admin/entities/phone/add/?plink_entityid=5&plink_recordid={world.invisible.pk}",
        ]
        pages |= {address: clerk.get(address).content.decode() for address in extra}
    kinds = {address.split("/")[3] for address in pages if address.startswith("/admin/entities/")}
    assert {"company", "person", "case", "user", "territory", "product", "address"} <= kinds
    assert {f"{COMPANIES}{world.company.pk}/{page}/" for page in ("change", "history")} <= set(pages)
    assert len(pages) > 150
    for address, text in pages.items():
        assert MARK not in text, address
        if "/company/" in address:
            assert not [name for name in HIDDEN_NAMES if name in text], address
    statements = [query["sql"] for query in captured]
    assert not [sql for sql in statements if any(column in sql for column in HIDDEN_COLUMNS)]


def test_a_visible_record_shows_its_readable_fields(clerk: Client, world: World) -> None:
    text = clerk.get(f"{COMPANIES}{world.company.pk}/change/").content.decode()
    assert "Alpha Ltd" in text
    assert "United Kingdom" in text
    assert "Carla Clerk" in text


def test_only_the_parameters_of_the_filters_on_offer_pass(clerk: Client, world: World) -> None:
    refused = [
        clerk.get(f"{COMPANIES}?{parameter}=1")
        for parameter in (
            "revenue",
            "comp_revenue",
            "revenue__exact",
            "nonsense",
            "name",
            "name__startswith",
            "primary_user__password__startswith",
            "territory__caption",
            "created_by__logon",
            "pk__in",
            "deleted_at__isnull",
        )
    ]
    assert {response.status_code for response in refused} == {400}
    assert len({response.content for response in refused}) == 1
    assert clerk.get(f"{COMPANIES}?_to_field=revenue").content == refused[0].content
    assert clerk.get(f"{COMPANIES}{world.company.pk}/change/?_to_field=name").status_code == 400


def test_filters_narrow_to_what_is_chosen_and_never_widen(clerk: Client, world: World) -> None:
    assert titles(clerk, f"{COMPANIES}?comp_type=Prospect") == {"Alpha Ltd", "Beta Ltd"}
    assert titles(clerk, f"{COMPANIES}?comp_type=Customer") == set()
    assert titles(clerk, f"{COMPANIES}?comp_type=nonsense") == set()
    assert titles(clerk, f"{COMPANIES}?comp_secterr={world.uk.pk}") == {"Alpha Ltd", "Beta Ltd"}
    assert titles(clerk, f"{COMPANIES}?comp_mailrestriction=false&comp_type=Prospect") == {"Alpha Ltd", "Beta Ltd"}
    assert titles(clerk, f"{COMPANIES}?comp_mailrestriction=zebra") == set()
    assert titles(clerk, f"{COMPANIES}?comp_updateddate=7") == set()
    people = "/admin/entities/person/?pers_companyid="
    assert titles(clerk, f"{people}{world.invisible.pk}") == set()
    assert titles(clerk, f"{people}99999999") == set()
    assert titles(clerk, f"{people}zebra") == set()
    assert titles(client_of(world.boss), f"{people}{world.invisible.pk}") == {"Ada Sample", f"{MARK}-PERSON"}


def test_every_column_sorts_and_none_by_what_is_hidden(clerk: Client) -> None:
    count = len(clerk.get(COMPANIES).context["cl"].list_display)
    for index in range(count + 2):
        for sign in ("", "-"):
            with CaptureQueriesContext(connection) as captured:
                assert titles(clerk, f"{COMPANIES}?o={sign}{index}") == {"Alpha Ltd", "Beta Ltd"}
            assert not [query for query in captured if "revenue" in query["sql"]]
    ascending = clerk.get(f"{COMPANIES}?o=1").context["cl"].result_list
    assert [str(record) for record in ascending] == ["Alpha Ltd", "Beta Ltd"]
    descending = clerk.get(f"{COMPANIES}?o=-1").context["cl"].result_list
    assert [str(record) for record in descending] == ["Beta Ltd", "Alpha Ltd"]


def test_search_looks_into_readable_fields_only(clerk: Client, boss: Client, world: World) -> None:
    assert titles(clerk, f"{COMPANIES}?q=ALPHA") == {"Alpha Ltd"}
    assert titles(clerk, f"{COMPANIES}?q=ltd+alp") == {"Alpha Ltd"}
    assert titles(clerk, f"{COMPANIES}?q={world.company.pk}") == {"Alpha Ltd"}
    assert titles(clerk, f"{COMPANIES}?q={MARK}.example") == set()
    assert titles(boss, f"{COMPANIES}?q={MARK}.example") == {"Alpha Ltd", "Beta Ltd"}
    assert titles(clerk, f"{COMPANIES}?q=%25") == set()
    assert titles(clerk, f"{COMPANIES}?q=a%00b") == {"Alpha Ltd", "Beta Ltd"}


def test_an_invisible_record_is_a_missing_one(clerk: Client, world: World) -> None:
    for page in ("change", "delete", "history", "sharing", "password"):
        answers = []
        for key in (str(world.invisible.pk), "987654", "zebra", "99999999999999"):
            clerk.get("/admin/")  # which shows, and so forgets, what the last page said
            address = f"/admin/entities/company/{key}/{page}/"
            with CaptureQueriesContext(connection) as captured:
                response = clerk.get(address)
            said = " ".join(str(message) for message in get_messages(response.wsgi_request))
            texts = (response.headers.get("Location", ""), response.content.decode(), said)
            answer = (response.status_code, *(text.replace(key, "KEY") for text in texts))  # a key may be 30, of 302
            answers.append((*answer, len(captured)))
        assert answers[0] == answers[1], page
        assert answers[0][:4] == answers[2][:4] == answers[3][:4], page


def test_a_kind_without_rights_is_no_page(clerk: Client, world: World) -> None:
    nonsense = clerk.get("/admin/entities/nonsense/")
    assert nonsense.status_code == 404
    for page in ("", "add/", f"{world.opportunity.pk}/change/", f"{world.opportunity.pk}/history/"):
        answer = clerk.get(f"/admin/entities/opportunity/{page}")
        assert (answer.status_code, answer.content) == (404, nonsense.content)
    assert "pportunit" not in clerk.get("/admin/").content.decode()
    assert clerk.get("/admin/r/1/1/").status_code == 404


def test_who_has_no_right_sees_no_kind(world: World) -> None:
    loner = client_of(world.loner)
    index = loner.get("/admin/")
    assert index.status_code == 200
    assert index.context["app_list"] == []
    assert loner.get(COMPANIES).status_code == 404
    assert loner.get("/admin/autocomplete/?model_name=Company&term=").status_code == 404


@pytest.mark.parametrize("query", ["", "&page=2", "&page=-1", "&page=zebra", "&page=99999999999"])
def test_references_are_chosen_among_visible_records(clerk: Client, query: str) -> None:
    answer = clerk.get(f"/admin/autocomplete/?model_name=Company&term={query}").json()
    expected = {"Alpha Ltd", "Beta Ltd"} if query not in ("&page=2",) else set()
    assert {result["text"] for result in answer["results"]} == expected
    assert answer["pagination"]["more"] is False


def test_references_of_unknown_kinds_are_not_offered(clerk: Client) -> None:
    unknown = clerk.get("/admin/autocomplete/?model_name=Nonsense&term=a")
    hidden = clerk.get("/admin/autocomplete/?model_name=Opportunity&term=a")
    assert unknown.status_code == hidden.status_code == 404
    assert unknown.content == hidden.content
    assert clerk.get("/admin/autocomplete/?app_label=entities&model_name=company&field_name=revenue").status_code == 404
    assert clerk.get("/admin/autocomplete/").status_code == 404


def test_a_reference_to_an_invisible_record_looks_empty(clerk: Client, boss: Client, world: World) -> None:
    address = f"/admin/entities/person/{world.person.pk}/change/"
    assert clerk.get(address).context["adminform"].form["company"].value() is None
    assert boss.get(address).context["adminform"].form["company"].value() == world.invisible.pk


def test_history_is_told_with_todays_rights(clerk: Client, boss: Client, world: World) -> None:
    address = f"{COMPANIES}{world.company.pk}/history/"
    seen = clerk.get(address).context["entries"]
    assert [[field.name for field in entry.fields] for entry in seen] == [["name"]]
    assert seen[0].user == "Boss"
    everything = boss.get(address).context["entries"]
    assert sorted([field.name for field in entry.fields] for entry in everything) == [["name", "revenue"], ["revenue"]]
    world.profile.field_rules.create(entity="Company", field="Comp_UpdatedBy", profile=world.profile, read=False)
    assert [entry.user for entry in clerk.get(address).context["entries"]] == [""]


def test_a_title_of_hidden_fields_is_neutral(clerk: Client, world: World) -> None:
    world.profile.field_rules.create(entity="Company", field="Comp_Name", profile=world.profile, read=False)
    assert titles(clerk, COMPANIES) == {f"Company {world.company.pk}", f"Company {world.own_company.pk}"}
    text = clerk.get(f"/admin/entities/case/{world.case.pk}/change/").content.decode()
    assert "Alpha" not in text
    assert f"Company {world.company.pk}" in text


def test_a_list_costs_the_same_however_many_rows(clerk: Client, world: World) -> None:
    clerk.get(COMPANIES)  # compiles the plan
    with CaptureQueriesContext(connection) as few:
        clerk.get(COMPANIES)
    for number in range(40):
        copy = type(world.company)(name=f"Copy {number}", territory=world.uk, primary_user=world.clerk)
        copy.save()
    with CaptureQueriesContext(connection) as many:
        assert len(clerk.get(COMPANIES).context["cl"].result_list) == 42
    assert len(many) == len(few) <= 14


def test_the_count_is_bounded(clerk: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.admin_lists.COUNTED_ROWS", 1)
    response = clerk.get(COMPANIES)
    assert response.context["cl"].result_count == 1
    assert "Search or filter to find the others" in response.content.decode()


@pytest.mark.parametrize(
    "query", ["p=0", "p=zebra", "p=-1", "o=zebra", "o=99.-5..", "all=1", "_popup=1", "e=1", "_facets=1"]
)
def test_odd_parameters_of_lists_do_no_harm(clerk: Client, query: str) -> None:
    response = clerk.get(f"{COMPANIES}?{query}", follow=True)
    assert response.status_code == 200
    assert titles(clerk, COMPANIES) == {"Alpha Ltd", "Beta Ltd"}
