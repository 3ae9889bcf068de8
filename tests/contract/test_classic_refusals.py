"""The classic contract: what it refuses and how, and what is hidden from it (contract.md §10, §18, §19)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from entities.models import Case, Company, Person
from security import reading
from security.gate import system_rows
from security.models import FieldRule, Profile, ProfileRight
from tests.api.twins import FOREVER_UNUSED, hidden_names, invisible_key, keys, kinds, never_existed, told
from tests.api.wire import Wire, at, login
from tests.contract.atom import CLASSIC, declared, document, judged, links, payloads, refused, schema_of
from tests.contract.test_authentication import token_of
from tests.contract.test_sentinel import HIDDEN, MARK

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.wire import Answer

COMPANY = f"{CLASSIC}/company('2')"
REFUSALS: dict[str, tuple[int, str, Callable[[Wire], Answer]]] = {
    "host": (400, "BadHost", lambda wire: wire.get(COMPANY, headers={"Host": "evil"})),
    "origin": (403, "CrossOrigin", lambda wire: wire.post(COMPANY, {}, headers={"Origin": "http://evil"})),
    "nobody": (401, "NotAuthenticated", lambda wire: Wire().get(COMPANY)),
    "wrong password": (401, "NotAuthenticated", lambda wire: wire.get(COMPANY, headers={"Authorization": "Basic x"})),
    "long": (414, "UrlTooLong", lambda wire: wire.get(f"{COMPANY}?_t=" + "x" * 8000)),
    "selector": (400, "BadSelector", lambda wire: wire.get(f"{CLASSIC}/company()")),
    "several": (400, "SelectorNotUnique", lambda wire: wire.get(f"{CLASSIC}/company(1=1)")),
    "parameter": (400, "UnknownParameter", lambda wire: wire.get(f"{COMPANY}?x=1")),
    "control character": (400, "UnknownParameter", lambda wire: wire.get(f"{COMPANY}?%01%0c=%02")),
    "repeated": (400, "RepeatedParameter", lambda wire: wire.get(f"{CLASSIC}/company?count=1&COUNT=1")),
    "value": (400, "BadParameterValue", lambda wire: wire.get(f"{CLASSIC}/company?count=x")),
    "syntax": (400, "WhereSyntax", lambda wire: wire.get(f"{CLASSIC}/company?where=(")),
    "name": (400, "UnknownName", lambda wire: wire.get(f"{CLASSIC}/company?where=x eq 1")),
    "sort": (400, "NotSortable", lambda wire: wire.get(f"{CLASSIC}/person?orderBy=pers_type")),
    "nodes": (400, "LimitExceeded", lambda wire: wire.get(f"{CLASSIC}/company?count=100&include=phone,email,cases")),
    "record": (404, "RecordNotFound", lambda wire: wire.get(f"{CLASSIC}/company('999999999')")),
    "address": (404, "UnknownPath", lambda wire: wire.get(f"{CLASSIC}/nosuch")),
    "markup": (404, "UnknownPath", lambda wire: wire.get(f"{CLASSIC}/%3Ca%3E&%5D%5D%3E%00%1f")),
    "method": (405, "MethodNotAllowed", lambda wire: wire.post(f"{CLASSIC}/company", {})),
    "accept": (406, "NotAcceptable", lambda wire: wire.get(COMPANY, headers={"Accept": "application/json"})),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_87_every_refusal_is_a_document_of_diagnoses(susan: Wire, name: str) -> None:
    status, code, send = REFUSALS[name]
    answer = send(susan)
    found = refused(answer)
    assert (found.status, found.code) == (status, code)
    (only,) = found.diagnoses
    assert set(only) - {"$payloadPath"} == {"$severity", "$sdataCode", "$applicationCode", "$message"}
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Request-Id"]
    assert "Authorization" in answer.headers["Vary"]
    assert ("Contract-Version" in answer.headers) == (name not in ("host", "origin", "nobody", "wrong password"))


def test_87_a_refusal_says_what_the_json_contract_says(susan: Wire) -> None:
    for path in ("company?where=comp_nam eq 1", "company('999999999')", "nosuch", "company?count=-1", "company(1=1)"):
        assert refused(susan.get(f"{CLASSIC}/{path}")).diagnoses == susan.get(path).diagnoses


def test_87_a_failure_tells_the_request_id_and_nothing_else(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("Secret")

    monkeypatch.setattr(reading, "records", fail)
    answer = susan.get(COMPANY, headers={"X-Request-Id": "request-1234"})
    found = refused(answer)
    assert (found.status, found.code) == (500, "InternalError")
    assert "request-1234" in found.diagnoses[0]["$message"]
    assert b"Secret" not in answer.body


def test_87_a_failure_while_xml_is_written_is_xml(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("Secret")

    monkeypatch.setattr("api.classic.views.XMLRenderer.render", fail)
    answer = susan.get(COMPANY)
    assert (refused(answer).status, refused(answer).code) == (500, "InternalError")


def test_87_a_slow_query_is_503(admin: Wire) -> None:
    slow = " or ".join(["length(lpad(comp_name, 1000, concat(comp_name, comp_website))) lt 0"] * 30)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
    answer = admin.get(f"{CLASSIC}/company", where=slow)
    assert (refused(answer).status, refused(answer).code) == (503, "QueryTimeout")
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    "path", ["company", "company('2')", "company(comp_companyid eq 2)", "company/$schema", "$prototypes/company"]
)
def test_87_only_reading_is_offered(susan: Wire, path: str) -> None:
    """405 comes after 404, so that nobody learns of a kind; override headers change nothing (number 7)."""
    override = {"X-HTTP-Method-Override": "GET"}
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
        answer = susan.send(method, f"{CLASSIC}/{path}", b"<!DOCTYPE x>", content_type="text/xml", headers=override)
        assert (refused(answer).status, refused(answer).code) == (405, "MethodNotAllowed")
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
        assert refused(susan.send(method, f"{CLASSIC}/nosuch")).status == 404
    answer = susan.options(f"{CLASSIC}/{path}")
    assert (answer.status, answer.headers["Allow"], answer.body) == (204, "GET, HEAD, OPTIONS", b"")
    shown, head = susan.get(f"{CLASSIC}/{path}"), susan.head(f"{CLASSIC}/{path}")
    assert head.status == shown.status == 200
    assert head.body == b""
    own = ("X-Request-Id", "Content-Length")
    for name in set(shown.headers) - set(own):
        assert head.headers[name] == shown.headers[name]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 406),
        ("application/json;q=1, text/html", 406),
        ("application/json, application/atom+xml;q=0, */*;q=0.0", 406),
        ("", 200),
        ("*/*", 200),
        ("application/json, */*;q=0.1", 200),
        ("application/atom+xml;type=entry", 200),
        ("text/xml", 200),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200),
        ("application/atom+xml,application/xml;q=0.9,application/json;q=0.5", 200),
        (";;,q=,\x00", 406),
    ],
)
def test_87_a_client_that_takes_only_json_is_refused(susan: Wire, accept: str, status: int) -> None:
    answer = susan.get(COMPANY, headers={"Accept": accept})
    assert answer.status == status
    assert "Accept" in answer.headers["Vary"].split(", ")


def test_87_parameters_of_the_json_contract_alone_are_unknown(susan: Wire) -> None:
    for parameter in ("after=x", "totals=none", "labels=true", "returnPartial=true", "atomic=true", "SID=x", "query=x"):
        assert refused(susan.get(f"{CLASSIC}/company?{parameter}")).code == "UnknownParameter"
    ignored = "_t=1&format=json&_includeContent=false&includeContent=true&language=en&precedence=1"
    assert susan.get(f"{CLASSIC}/company?{ignored}").status == 200
    for parameter in ("where=1=1", "count=1", "orderBy=comp_name", "startIndex=1"):
        assert refused(susan.get(f"{COMPANY}?{parameter}")).code == "UnknownParameter"


def test_11_a_token_in_the_address_reads_where_switched_on_and_stands_in_no_answer(settings: Any) -> None:
    token = token_of("susan")[1].headers["Authorization"].removeprefix("Bearer ")
    path = f"{CLASSIC}/company?count=2&SID={token}"
    assert refused(Wire().get(path)).status == 401
    settings.ALLOW_SID_IN_URL = True
    answer = Wire().get(path)
    assert answer.status == 200
    assert b"SID" not in answer.body
    assert token.encode() not in answer.body
    assert len(payloads(answer)) == 2


def test_05_wrong_parts_of_the_base_have_their_own_codes(susan: Wire, settings: Any) -> None:
    for path, code in (
        ("/sdata/otherj/sagecrm/-/company", "ApplicationNotFound"),
        ("/sdata/crmj/sagecrm/x/company", "DatasetNotFound"),
        ("/sdata/crmj/sagecrm/-/nosuch", "ResourceKindNotFound"),
        ("/sdata/crmj/sagecrm/-/", "ResourceKindNotFound"),
        ("/sdata/crmj/sagecrm", "ResourceKindNotFound"),
        ("/sdata/crmj/sagecrm/-/company('2')/person", "ResourceKindNotFound"),
        ("/sdata/crmj/sagecrm/-/company('2')/$schema", "ResourceKindNotFound"),
        ("/sdata/crmj/sagecrm/-/$schema", "ResourceKindNotFound"),
        ("/sdata/crmj/sagecrm/-/$whoami", "ResourceKindNotFound"),
    ):
        found = refused(susan.get(path))
        assert (found.status, found.diagnoses[0]["$sdataCode"]) == (404, code), path
    assert susan.get("/sdata/crmj/sagecrm3/-/company").refusal == (404, "ContractNotFound", "UnknownPath")
    settings.CLASSIC_CONTRACT = False
    for path in ("company", "company('2')", "company/$schema", "$prototypes", "nosuch"):
        assert susan.get(f"{CLASSIC}/{path}").refusal == (404, "ContractNotFound", "UnknownPath")


def test_12_nothing_is_answered_without_credentials() -> None:
    for path in ("company", "company('2')", "company/$schema", "$prototypes", "$prototypes/company", "nosuch"):
        for method in ("GET", "POST", "OPTIONS"):
            answer = Wire().send(method, f"{CLASSIC}/{path}")
            assert (refused(answer).status, refused(answer).code) == (401, "NotAuthenticated")
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert "WWW-Authenticate" not in Wire({"X-Authorization-Mode": "no-challenge"}).get(COMPANY).headers


def test_74_what_the_client_has_is_304(susan: Wire, olivia: Wire) -> None:
    for path in ("company('2')", "company/$schema", "$prototypes/company"):
        tag = susan.get(f"{CLASSIC}/{path}").headers["ETag"]
        answer = susan.get(f"{CLASSIC}/{path}", headers={"If-None-Match": tag})
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
        assert olivia.get(f"{CLASSIC}/{path}", headers={"If-None-Match": tag}).status == 200
    unseen = invisible_key("olivia", "Company")
    answer = olivia.get(f"{CLASSIC}/company('{unseen}')", headers={"If-None-Match": "*"})
    assert refused(answer).code == "RecordNotFound"
    assert "ETag" not in susan.get(f"{COMPANY}?include=person").headers


def test_87_a_kind_that_may_only_be_inserted_is_not_shown() -> None:
    ProfileRight.objects.filter(profile__group__name="Support", entity="Cases").delete()
    support = Profile.objects.get(group__name="Support")
    ProfileRight.objects.create(profile=support, entity="Cases", scope="everywhere", insert=True)
    answer = login("peter").get(f"{CLASSIC}/cases")
    assert (refused(answer).status, refused(answer).code) == (403, "NotPermitted")


@pytest.mark.parametrize("logon", ["susan", "olivia"])
def test_87_the_schema_lacks_hidden_fields(logon: str) -> None:
    wire, lacking = login(logon), 0
    for kind in kinds(logon):
        hidden = {name.lower() for name in hidden_names(logon, kind) if "_" in name}
        lacking += len(hidden)
        for path in (f"{kind}/$schema", f"$prototypes/{kind}"):
            names = [item.get("name", "").lower() for item in document(wire.get(f"{CLASSIC}/{path}")).iter()]
            assert not hidden & set(names), (kind, path)
        everything = login("admin").get(f"{CLASSIC}/{kind}/$schema")
        assert hidden <= set(declared(everything, f"{kind.lower()}--type"))
        for record in payloads(wire.get(f"{CLASSIC}/{kind}")):
            assert not hidden & {item.tag.partition("}")[2] for item in record}
    assert lacking > 3


def test_87_a_field_that_becomes_hidden_leaves_schema_and_payload(olivia: Wire) -> None:
    before = olivia.get(f"{CLASSIC}/company/$schema")
    partner = Profile.objects.get(group__name="Partner")
    FieldRule.objects.create(entity="Company", field="Comp_Name", profile=partner, read=False)
    after, feed = olivia.get(f"{CLASSIC}/company/$schema"), olivia.get(f"{CLASSIC}/company")
    assert b"comp_name" in before.body
    assert b"comp_name" not in after.body + feed.body
    assert before.headers["ETag"] != after.headers["ETag"]
    assert judged(schema_of(after), feed)


@pytest.mark.parametrize("logon", ["susan", "olivia"])
def test_55_hidden_fields_answer_like_names_that_never_were(logon: str) -> None:
    wire, compared = login(logon), 0
    wire.get(COMPANY)  # compiles the plan
    for kind in kinds(logon):
        for hidden in hidden_names(logon, kind)[:3]:
            other = never_existed(hidden, kind)
            for path in ("?where={} eq 1", "?orderBy={}", "?select={}", "?include={}", "({} eq 1)", "('1')?select={}"):
                answers = [
                    told(partial(wire.get, f"{CLASSIC}/{kind}{path.format(name)}"), name) for name in (hidden, other)
                ]
                assert answers[0] == answers[1], (kind, hidden, path)
                assert answers[0].status == 400
                compared += 1
    assert compared > 15


def test_56_invisible_records_answer_like_unused_ones(olivia: Wire) -> None:
    compared = 0
    olivia.get(COMPANY)  # compiles the plan
    for kind in kinds("olivia"):
        unseen = invisible_key("olivia", kind)
        if unseen is not None:
            for form in ("('{}')", "('{}')?include=createdby"):
                answers = [
                    told(partial(olivia.get, f"{CLASSIC}/{kind}{form.format(key)}")) for key in (unseen, FOREVER_UNUSED)
                ]
                assert answers[0] == answers[1], kind
                compared += 1
    assert compared > 5


def test_56_a_kind_without_rights_answers_like_a_word_that_is_none(peter: Wire) -> None:
    unknown = "Opportunity"
    assert unknown not in kinds("peter")
    peter.get(COMPANY)  # compiles the plan
    for form in ("{}", "{}('1')", "{}/$schema", "$prototypes/{}", "{}?where=1=1", "{}('1')/person"):
        answers = [told(partial(peter.get, f"{CLASSIC}/{form.format(name)}"), name) for name in (unknown, "Nosuch")]
        assert answers[0] == answers[1], form
        assert answers[0].status == 404


@pytest.fixture
def marked() -> None:
    """Plant a marker in hidden columns of olivia's records and in records that she cannot see."""
    partner = Profile.objects.get(group__name="Partner")
    mine = {model: keys("olivia", kind) for kind, model in (("Company", Company), ("Person", Person), ("Cases", Case))}
    for kind, field in HIDDEN.items():
        FieldRule.objects.create(entity=kind, field=field, profile=partner, read=False)
    system_rows(Company).filter(pk__in=mine[Company]).update(web_site=MARK, revenue=MARK, employees=MARK)
    system_rows(Person).filter(pk__in=mine[Person]).update(last_name=MARK)
    system_rows(Case).filter(pk__in=mine[Case]).update(description=MARK)
    system_rows(Company).exclude(pk__in=mine[Company]).update(name=MARK)
    system_rows(Person).exclude(pk__in=mine[Person]).update(first_name=MARK, last_name=MARK)


def test_58_a_marker_in_what_is_hidden_is_in_no_answer(marked: None, olivia: Wire, admin: Wire) -> None:
    pending = [f"{CLASSIC}/$prototypes"]
    for kind in olivia.kinds():
        pending += [
            f"{CLASSIC}/{kind}{rest}" for rest in ("?count=100", "/$schema", "?count=20&include=company,createdby")
        ]
        pending += [f"{CLASSIC}/{at(kind, key)}" for key in olivia.keys(kind, count=2)]
    seen = 0
    for path in pending:
        answer = olivia.get(path)
        assert MARK.encode() not in answer.body, path
        assert MARK not in str(answer.headers), path
        seen += answer.status == 200
    assert seen > 60
    for kind in ("company", "person", "cases"):
        assert MARK.encode() in admin.get(f"{CLASSIC}/{kind}?count=100").body
    assert set(links(olivia.get(f"{CLASSIC}/company?count=1"))) >= {"self", "first", "next"}
