"""Walks: every record once, by startIndex and by cursor, whatever happens meanwhile (contract.md §6)."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from guardian.shortcuts import assign_perm

from entities.models import Company, Person, User
from entities.registry import registry
from security.gate import system_rows
from security.models import FieldRule, Profile
from tests.api.wire import Wire, login, statements

if TYPE_CHECKING:
    from collections.abc import Iterator


def pages(wire: Wire, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Yield the pages of a walk by ``$next``."""
    page = wire.entry(path, **parameters)
    yield page
    while "$next" in page["$links"]:
        page = wire.entry(page["$links"]["$next"]["$url"])
        yield page


def walked(wire: Wire, path: str, **parameters: Any) -> list[int]:
    return [entry["$key"] for page in pages(wire, path, **parameters) for entry in page["$resources"]]


def by_start(wire: Wire, path: str, count: int, **parameters: Any) -> list[int]:
    found: list[int] = []
    while new := wire.keys(path, count=count, startIndex=len(found) + 1, totals="none", **parameters):
        found += new
    return found


def spread() -> None:
    """Give companies equal, empty and awkward values."""
    awkward = ["", "", "a", "A", "a ", " a", "ä", "Z", "z", "ß", "😀", "a\\b", "a%", "a_", "'", '"', "1", "10", "2"]
    for number, company in enumerate(system_rows(Company).order_by("pk")):
        company.web_site = awkward[number % len(awkward)]
        company.segment_id = [None, 0, 1, -1][number % 4]
        company.revenue = ["", "Upto1M", "1M-5M"][number % 3]
        company.opt_out = number % 2 == 0
        company.int_last_sync_date = None if number % 3 else company.created_at
        company.save()


ORDERS = [
    "comp_website",
    "comp_website desc",
    "comp_segmentid,comp_website desc",
    "comp_segmentid desc,comp_revenue",
    "comp_intlastsyncdate desc",
    "comp_intlastsyncdate,comp_optout desc",
    "comp_optout",
    "comp_primaryuserid desc,comp_revenue desc",
    "Person.pers_lastname,comp_segmentid",
    "Users.user_lastname desc",
    "comp_secterr",
    "comp_companyid desc",
    "comp_createddate desc",
    "$key",
    "$updated desc",
    "comp_website,$key desc",
]


@pytest.mark.parametrize("order", ORDERS)
def test_28_walking_by_start_and_by_cursor_gives_every_key_once(admin: Wire, order: str) -> None:
    spread()
    everything = admin.keys("company", orderBy=order, count=1000)
    assert sorted(everything) == list(range(1, 61))
    assert walked(admin, "company", orderBy=order, count=7) == everything
    assert by_start(admin, "company", 13, orderBy=order) == everything


@pytest.mark.parametrize("logon", ["susan", "olivia"])
@pytest.mark.parametrize("kind", ["company", "person", "quotes", "users", "territories", "pricing"])
def test_28_in_the_default_order_too(logon: str, kind: str) -> None:
    wire = login(logon)
    everything = wire.keys(kind, count=1000)
    assert walked(wire, kind, count=max(2, len(everything) // 4)) == everything


def test_28_every_sortable_field_can_be_walked(susan: Wire) -> None:
    everything = sorted(susan.keys("person", count=1000))
    for field in registry()["Person"].fields:
        if field.sortable:
            assert sorted(walked(susan, "person", orderBy=field.wire, count=17, select="$key")) == everything, (
                field.wire
            )


def test_28_money_and_numbers_are_walked_exactly(admin: Wire) -> None:
    for order in ("quit_quotedpricetotal", "quit_quantity desc,quit_discount", "quit_taxrate"):
        everything = admin.keys("quoteitems", orderBy=order, count=1000)
        assert walked(admin, "quoteitems", orderBy=order, count=5) == everything


def test_28_a_collection_is_walked_like_a_feed(admin: Wire) -> None:
    system_rows(Person).filter(pk__lt=20).update(company=1)
    everything = admin.keys("company('1')/person", orderBy="pers_lastname", count=1000)
    assert len(everything) >= 19
    assert walked(admin, "company('1')/person", orderBy="pers_lastname", count=4) == everything


@pytest.mark.parametrize("order", ["comp_name", "comp_website desc", "$key", "comp_segmentid"])
def test_29_what_happens_to_others_never_loses_or_repeats_an_unchanged_record(admin: Wire, order: str) -> None:
    spread()
    touched = {3, 9, 15, 21, 27, 33, 39, 45, 51, 57}
    seen: list[int] = []
    for number, page in enumerate(pages(admin, "company", orderBy=order, count=6)):
        seen += [entry["$key"] for entry in page["$resources"]]
        key = sorted(touched)[number % len(touched)]
        if number % 3 == 0:
            assert admin.post("company", {"comp_name": f"New {number}", "comp_website": "m.example"}).status == 201
        elif number % 3 == 1:
            admin.delete(f"company('{key}')")
        else:
            admin.patch(f"company('{key}')", {"comp_name": f"Zz {number}", "comp_website": "a", "comp_segmentid": 5})
    unchanged = set(range(1, 61)) - touched
    assert [key for key in seen if key in unchanged] == list(dict.fromkeys(key for key in seen if key in unchanged))
    assert unchanged <= set(seen)


def test_30_a_page_of_a_walk_costs_the_page_and_not_the_offset(admin: Wire) -> None:
    counts, last = [], ""
    page = admin.entry("company", count=6, orderBy="comp_name")
    while "$next" in page["$links"]:
        with statements() as sent:
            page = admin.entry(page["$links"]["$next"]["$url"])
        assert not [sql for sql in sent if "OFFSET" in sql or "COUNT(" in sql]
        assert page["$totalResults"] == 60
        counts.append(len(sent))
        last = sent[-1]
    assert len(counts) == 9
    assert len(set(counts)) == 1
    assert last


def test_30_the_total_is_counted_once_per_walk(admin: Wire) -> None:
    found = pages(admin, "company", count=25)
    assert next(found)["$totalResults"] == 60
    assert admin.post("company", {"comp_name": "New"}).status == 201
    assert [page["$totalResults"] for page in found] == [60, 60]
    assert admin.entry("company", count=0)["$totalResults"] == 61


def test_startindex_of_a_walk_goes_on(admin: Wire) -> None:
    assert [page["$startIndex"] for page in pages(admin, "company", count=25)] == [1, 26, 51]


def cursor(wire: Wire, path: str = "company", **parameters: Any) -> str:
    url: str = wire.entry(path, count=1, **parameters)["$links"]["$next"]["$url"]
    return url.rpartition("after=")[2]


def invalid(wire: Wire, path: str, after: str, **parameters: Any) -> bool:
    answer = wire.get(path, after=after, **parameters)
    if answer.status == 200:
        return False
    assert answer.refusal == (400, "BadQueryParameter", "CursorInvalid")
    return True


def test_31_a_cursor_lets_count_select_and_include_change(susan: Wire) -> None:
    after = cursor(susan, where="comp_companyid gt 0", orderBy="comp_name")
    same = {"where": "comp_companyid gt 0", "orderBy": "comp_name"}
    assert not invalid(susan, "company", after, **same)
    assert not invalid(susan, "company", after, **same, count=5, select="comp_name", include="person")


@pytest.mark.parametrize(
    "changed",
    [
        {"where": "comp_companyid gt 1"},
        {"where": "comp_companyid gt 0 "},
        {"orderBy": "comp_name desc"},
        {"orderBy": "comp_type"},
        {"orderBy": "comp_name,comp_type"},
        {"startIndex": 1},
    ],
)
def test_31_a_cursor_belongs_to_its_query(susan: Wire, changed: dict[str, Any]) -> None:
    same: dict[str, Any] = {"where": "comp_companyid gt 0", "orderBy": "comp_name"}
    assert invalid(susan, "company", cursor(susan, **same), **same | changed)


def test_31_a_cursor_belongs_to_its_caller_and_collection(admin: Wire, susan: Wire, olivia: Wire) -> None:
    after = cursor(susan)
    assert invalid(olivia, "company", after)
    assert invalid(admin, "company", after)
    assert invalid(susan, "person", after)
    parent = next(key for key in susan.keys("company") if len(susan.keys(f"company('{key}')/phone")) > 1)
    assert invalid(susan, "phone", cursor(susan, f"company('{parent}')/phone"))
    assert invalid(susan, f"company('{parent}')/phone", cursor(susan, "phone"))


@pytest.mark.parametrize(
    "text",
    ["x", "v1.", "v1.AAAA", "v1." + "A" * 400, "v2.AAAA", "é", "😀", "../../etc", "null", "%00", "v1.===", "0" * 5000],
)
def test_31_what_is_no_cursor_is_refused(susan: Wire, text: str) -> None:
    answer = susan.get("company", after=text)
    assert answer.status == 400
    assert answer.code in ("CursorInvalid", "BadParameterValue")


def test_31_a_changed_cursor_is_refused(susan: Wire) -> None:
    after = cursor(susan)
    assert not invalid(susan, "company", after)
    for place in range(3, len(after) - 1, 7):
        other = "A" if after[place] != "A" else "B"
        assert invalid(susan, "company", after[:place] + other + after[place + 1 :])
    assert invalid(susan, "company", after[3:])
    assert invalid(susan, "company", after[:-3])


def test_31_a_cursor_ends_after_a_day(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    after, now = cursor(susan), time.time()
    for hours, ended in ((23, False), (25, True)):
        later = now + timedelta(hours=hours).total_seconds()
        monkeypatch.setattr("api.pagination.time.time", lambda later=later: later)
        assert invalid(susan, "company", after) is ended


def test_31_a_cursor_ends_with_a_change_of_the_callers_own_plan(susan: Wire) -> None:
    after = cursor(susan)
    FieldRule.objects.create(entity="Cases", field="Case_Source", user=system_rows(User).get(logon="susan"), read=False)
    assert invalid(susan, "company", after)


def test_31_a_change_that_does_not_touch_the_caller_leaves_it_valid(susan: Wire) -> None:
    after = cursor(susan)
    FieldRule.objects.create(entity="Company", field="Comp_Name", profile=Profile.objects.get(group__name="Partner"))
    system_rows(User).filter(logon="peter").update(disabled=True)
    assign_perm("view_company", Group.objects.get(name="Partner"), system_rows(Company).get(pk=1))
    assert not invalid(susan, "company", after)


def test_31_an_empty_cursor_is_none(susan: Wire) -> None:
    assert susan.keys("company?after=") == susan.keys("company")


def test_60_order_and_cursors_do_not_follow_hidden_values(olivia: Wire) -> None:
    FieldRule.objects.create(entity="Person", field="Pers_LastName", read=False)
    before = [page["$resources"] for page in pages(olivia, "person", count=3)]
    for number, key in enumerate(olivia.keys("person", count=1000)):
        system_rows(Person).filter(pk=key).update(last_name=f"Hidden {99 - number}")
    assert [page["$resources"] for page in pages(olivia, "person", count=3)] == before
