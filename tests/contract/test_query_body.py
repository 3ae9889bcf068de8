"""A query in a body answers as the same query in the address (contract.md §8.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from security.models import FieldRule, Profile, ProfileRight
from tests.api.wire import ROOT, Wire, login, statements

if TYPE_CHECKING:
    from tests.api.wire import Answer

URL = f"{ROOT}/Company/$query"
QUERIES: list[dict[str, Any]] = [
    {},
    {"count": 3},
    {"count": "3", "startIndex": 2},
    {"count": 0},
    {"where": "comp_name like '%a%'", "orderBy": "comp_type,comp_name desc", "count": 4},
    {"where": "comp_name like '%a%'", "orderBy": ["comp_type", "comp_name desc"], "count": 4},
    {"select": ["comp_name", "Person.Pers_LastName", "$links"], "include": ["personCollection"], "count": 5},
    {"select": "comp_name,$etag", "include": "", "totals": "none", "count": 5},
    {"WHERE": "comp_companyid gt 5", "Count": 2, "orderby": None, "after": ""},
]


def as_parameters(body: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of GET that say what ``body`` says."""
    return {
        name: ",".join(value) if isinstance(value, list) else value for name, value in body.items() if value is not None
    }


def page(answer: Answer) -> dict[str, Any]:
    """Return what a feed says, without where it leads."""
    assert answer.status == 200, answer.body
    return {name: value for name, value in answer.json.items() if name not in ("$url", "$links")}


@pytest.mark.parametrize("body", QUERIES)
@pytest.mark.parametrize("logon", ["admin", "susan", "olivia"])
def test_47_query_with_a_body_is_the_feed_of_get(logon: str, body: dict[str, Any]) -> None:
    wire = login(logon)
    posted, got = wire.post("company/$query", body), wire.get("company", **as_parameters(body))
    assert page(posted) == page(got)
    assert set(posted.json["$links"]) == set(got.json["$links"])
    assert posted.json["$url"] == URL


@pytest.mark.parametrize("path", ["Company/$query", "companies/$QUERY", "/sdata/crmj/sagecrm2/-//company/%24query/"])
def test_47_query_is_found_in_every_spelling(susan: Wire, path: str) -> None:
    assert susan.post(path, {"count": 1}).json["$itemsPerPage"] == 1


def test_47_query_takes_a_condition_of_8000_characters(susan: Wire) -> None:
    long = "comp_name eq '" + "x" * (8000 - 15) + "'"
    assert susan.post("company/$query", {"where": long}).json["$totalResults"] == 0
    answer = susan.post("company/$query", {"where": f"{long} "})
    assert answer.refusal == (400, "BadWhereSyntax", "LimitExceeded")


def test_47_query_leads_on_with_a_body(susan: Wire) -> None:
    body = {"where": "comp_companyid gt 0", "orderBy": ["comp_type", "comp_name desc"], "select": ["$key"], "count": 7}
    wanted = susan.keys("company", **as_parameters({**body, "count": 1000}))
    found: list[int] = []
    link: dict[str, Any] | None = {"$url": URL, "$method": "POST", "$body": body}
    while link is not None:
        answer = susan.send(link["$method"], link["$url"], link["$body"])
        found += answer.keys
        links = answer.json["$links"]
        assert links["$self"] == {"$url": URL, "$method": "POST", "$title": "This page", "$body": link["$body"]}
        link = links.get("$next")
        if link is not None:
            assert set(link["$body"]) == {*body, "after"}
            assert {name: link["$body"][name] for name in body} == body
    assert found == wanted
    assert len(found) > 14


def test_47_every_link_of_a_page_can_be_followed(susan: Wire) -> None:
    links = susan.post("company/$query", {"count": 2, "startIndex": 4}).json["$links"]
    starts = {"$self": 4, "$first": 1, "$previous": 2, "$next": 6}
    for name, start in starts.items():
        answer = susan.send(links[name]["$method"], links[name]["$url"], links[name]["$body"])
        assert (answer.status, answer.json["$startIndex"]) == (200, start)
    last = susan.post("company/$query", links["$last"]["$body"]).json
    assert last["$startIndex"] + len(last["$resources"]) - 1 == last["$totalResults"]


def test_47_numbers_lead_on_as_numbers(susan: Wire) -> None:
    links = susan.post("company/$query", {"count": "3", "startIndex": "4"}).json["$links"]
    assert links["$self"]["$body"] == {"count": 3, "startIndex": 4}
    assert susan.post("company/$query", {"count": "9" * 5000}).json["$links"]["$self"]["$body"] == {"count": 1000}


def test_47_a_cursor_goes_on_in_the_address_and_in_a_body(susan: Wire) -> None:
    posted = susan.post("company/$query", {"count": 3}).json["$links"]["$next"]["$body"]
    got = susan.keys("company", count=3, after=posted["after"])
    assert got == susan.post("company/$query", posted).keys
    assert susan.post("company/$query", posted | {"where": "1=1"}).code == "CursorInvalid"
    assert susan.post("person/$query", posted).code == "CursorInvalid"
    assert login("admin").post("company/$query", posted).code == "CursorInvalid"


def test_47_feeds_link_to_the_query(susan: Wire, olivia: Wire) -> None:
    for wire in (susan, olivia):
        for kind in wire.kinds():
            link = wire.entry(kind, count=1)["$links"]["$query"]
            assert link == {"$url": f"{ROOT}/{kind}/$query", "$method": "POST", "$title": "Query with a body"}
            assert wire.send(link["$method"], link["$url"], {"count": 1}).status == 200
    assert "$query" not in susan.entry("company('2')/person")["$links"]


BAD: list[tuple[Any, str]] = [
    ({"page": 1}, "UnknownMember"),
    ({"labels": "true"}, "UnknownMember"),
    ({"$where": "1=1"}, "UnknownMember"),
    ({"count": 1.5}, "WrongType"),
    ({"count": True}, "WrongType"),
    ({"where": 1}, "WrongType"),
    ({"where": ["1=1"]}, "WrongType"),
    ({"select": [1]}, "WrongType"),
    ({"orderBy": {"comp_name": "asc"}}, "WrongType"),
    ({"count": -1}, "BadParameterValue"),
    ({"count": "x"}, "BadParameterValue"),
    ({"where": ""}, "WhereSyntax"),
    ({"where": None}, "WhereSyntax"),
    ({"where": "comp_nosuch eq 1"}, "UnknownName"),
    ({"select": "nosuch"}, "UnknownName"),
    ({"after": "x", "startIndex": 1}, "CursorInvalid"),
    ({"count": 101, "include": "personcollection"}, "LimitExceeded"),
    (b'{"count": 1, "COUNT": 2}', "DuplicateMember"),
    ([], "BadJson"),
    ("where", "BadJson"),
    (None, "BadJson"),
    (b"{", "BadJson"),
]


@pytest.mark.parametrize(("body", "code"), BAD)
def test_47_what_a_query_may_not_say_is_refused(susan: Wire, body: Any, code: str) -> None:
    answer = susan.post("company/$query", body)
    assert (answer.status, answer.code) == (400, code)


def test_47_parameters_stand_in_the_body_alone(susan: Wire) -> None:
    assert susan.post("company/$query?count=1", {}).code == "UnknownParameter"
    assert susan.post("company/$query?format=json&_t=1", {}).status == 200
    assert susan.post("company/$query", b"{}", content_type="text/plain").code == "UnsupportedMediaType"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_47_query_is_posted(susan: Wire, method: str) -> None:
    answer = susan.send(method, "company/$query", {})
    assert (answer.status, answer.headers["Allow"]) == (405, "POST, OPTIONS")
    assert susan.options("company/$query").headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", ["company('2')/$query", "company('2')/person/$query", "company/$query/x", "$query"])
def test_47_nothing_else_takes_a_query(susan: Wire, path: str) -> None:
    assert susan.post(path, {}).refusal == (404, "ResourceKindNotFound", "UnknownPath")


def test_47_query_needs_the_right_to_view_and_no_other(peter: Wire, nora: Wire) -> None:
    assert peter.post("company/$query", {}).status == 200
    assert "$insert" not in peter.post("company/$query", {}).json["$links"]
    unknown, hidden = nora.post("nosuch/$query", {}), nora.post("company/$query", {})
    assert hidden.status == 404
    assert hidden.body.replace(b"company", b"nosuch") == unknown.body
    support = Profile.objects.get(group__name="Support")
    ProfileRight.objects.filter(profile=support, entity="Cases").delete()
    ProfileRight.objects.create(profile=support, entity="Cases", scope="everywhere", insert=True)
    answer = peter.post("cases/$query", b"[", content_type="text/plain")
    assert answer.refusal == (403, "ApplicationDiagnosis", "NotPermitted")
    assert peter.options("cases/$query").headers["Allow"] == "OPTIONS"


def test_47_a_hidden_field_is_unknown_in_a_body(susan: Wire) -> None:
    sales = Profile.objects.get(group__name="Sales")
    FieldRule.objects.create(profile=sales, entity="Company", field="Comp_WebSite", read=False)
    for member in ("where", "orderBy", "select"):
        text = "{} eq null" if member == "where" else "{}"
        answers = []
        for name in ("Comp_WebSite", "Comp_NoSuch_"):
            with statements() as sent:
                answers.append((susan.post("company/$query", {member: text.format(name)}), len(sent)))
        (hidden, asked), (unknown, asked_too) = answers
        assert hidden.status == 400
        assert hidden.body.replace(b"Comp_WebSite", b"Comp_NoSuch_") == unknown.body
        assert asked == asked_too
