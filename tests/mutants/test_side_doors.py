"""One cheap check per side door of docs/security.md; ``faults`` says which planted fault each of them notices."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.test import Client

from entities.models import Company, Person, User
from entities.registry import registry
from security import writes
from security.gate import system_rows
from security.models import Change, FieldRule, Profile, ProfileRight
from security.plan import access_for
from tests.api.twins import FOREVER_UNUSED, keys
from tests.api.wire import BASE, Answer, Wire, at, basic, login

QUICK = "/sdata/crmj/sagecrm2/$service/quickFind/getResults"


def mine() -> int:
    """A company that olivia sees and may edit."""
    return keys("olivia", "Company")[0]


def other(kind: str = "Company", logon: str = "olivia") -> int:
    """A record that olivia does not see."""
    return next(key for key in keys("admin", kind) if key not in keys(logon, kind))


def editable() -> int:
    """A company that olivia may edit."""
    found: list[dict[str, Any]] = login("olivia").entry("company", count=1000)["$resources"]
    return next(int(entry["$key"]) for entry in found if "$edit" in entry["$links"])


def hide(kind: str, field: str, profile: str = "Partner") -> None:
    """Hide a field from a profile."""
    FieldRule.objects.create(entity=kind, field=field, profile=Profile.objects.get(group__name=profile), read=False)


def code(answer: Answer) -> str:
    """The code of a refusal, empty for what was done."""
    return str(answer.json["$diagnoses"][0]["$applicationCode"]) if answer.status >= 400 else ""


def alike(method: str, one: str, two: str, body: Any = None) -> None:
    """Both requests of olivia get the same answer, but for the text that they differ in."""
    wire = login("olivia")
    first, second = (wire.send(method, path, body) for path in (one, two))
    assert (first.status, first.body) == (second.status, second.body), (one, two)


def browser(logon: str) -> Client:
    """A browser in which a member of staff is logged in."""
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    client.force_login(system_rows(User).get(logon=logon))
    return client


def test_row_01_an_invisible_row_is_reached_by_no_way() -> None:
    wire = login("olivia")
    for path in (at("company", other()), f"{at('company', other())}/person", f"company(comp_companyid eq {other()})"):
        assert wire.get(path).status == 404, path
    assert set(wire.keys("company", count=1000)) == set(keys("olivia", "Company"))


def test_row_02_a_hidden_field_is_in_no_output() -> None:
    wire, name = login("olivia"), "Comp_Revenue"
    stored = wire.patch(at("company", editable()), {"comp_source": "Web"})
    assert stored.status == 200
    assert name not in stored.json
    assert name not in wire.entry(at("company", mine()))
    assert name.encode() not in wire.get("person?include=company&count=5").body


def test_row_03_a_hidden_or_read_only_field_is_not_written() -> None:
    wire, key = login("olivia"), editable()
    assert code(wire.patch(at("company", key), {"comp_revenue": "100M+"})) == "UnknownMember"
    assert wire.patch(at("company", key), {"comp_status": "Closed"}).status == 400
    assert wire.patch(at("company", key), {"$key": 1, "comp_source": "Web"}).json["$key"] == key


def test_row_04_no_condition_names_a_hidden_field() -> None:
    wire = login("olivia")
    for condition in ("comp_revenue eq 'a'", "left(comp_revenue, 1) eq 'a'", "comp_revenue ne null"):
        assert code(wire.get("company", where=condition)) == "UnknownName", condition
    assert code(wire.get("person", where="company.comp_revenue eq 'a'")) == "UnknownName"


def test_row_05_what_is_not_understood_is_an_error() -> None:
    wire = login("olivia")
    for query in ("foo=1", "count=3&Filter=x", "where=comp_name", "where=", "orderBy=comp_name downwards"):
        assert wire.get(f"company?{query}").status == 400, query


def test_row_06_no_order_by_a_hidden_field() -> None:
    wire = login("olivia")
    assert code(wire.get("company", orderBy="comp_revenue")) == "UnknownName"
    hide("Users", "User_LastName")
    system_rows(User).filter(pk=max(keys("olivia", "Users"))).update(last_name="Aaaa")
    found = wire.keys("users", count=1000)
    assert found == sorted(found), "the default order of a hidden column is the key"


def test_row_07_quick_find_looks_into_no_hidden_column() -> None:
    hide("Person", "Pers_FirstName")
    person = keys("olivia", "Person")[0]
    system_rows(Person).filter(pk=person).update(first_name="Xylophon")
    assert login("olivia").entry(f"{QUICK}?query=xylophon&entity=Person")["$totalResults"] == 0
    assert login("admin").entry(f"{QUICK}?query=xylophon&entity=Person")["$totalResults"] == 1


def test_row_08_a_total_counts_what_is_seen() -> None:
    for kind in ("Company", "Person", "Cases"):
        assert login("olivia").entry(kind, count=0)["$totalResults"] == len(keys("olivia", kind)), kind


def test_row_09_a_reference_to_an_invisible_row_is_as_to_none() -> None:
    wire, key = login("olivia"), editable()
    person = other("Person")
    system_rows(Company).filter(pk=key).update(primary_person=person)
    assert wire.entry(at("company", key))["Comp_PrimaryPersonId"] is None
    invisible, missing = (
        wire.patch(at("company", key), {"comp_primarypersonid": number}) for number in (person, FOREVER_UNUSED)
    )
    assert (invisible.status, code(invisible)) == (400, "BadReference")
    assert invisible.body.replace(str(person).encode(), str(FOREVER_UNUSED).encode()) == missing.body
    assert wire.get("company", where=f"comp_primarypersonid eq {person}", count=0).json["$totalResults"] == 0


def test_row_10_what_a_rule_says_of_a_hidden_field_names_nothing() -> None:
    olivia = access_for(system_rows(User).get(logon="olivia").pk)
    told = list(writes._problems(olivia, registry()["Company"], ValidationError({"revenue": ["Revenue is wrong."]})))
    assert "evenue" not in str(told)


def test_row_11_what_is_included_has_the_shape_of_its_own_kind() -> None:
    wire = login("peter")
    assert code(wire.get("company?include=opportunity")) == "UnknownName"
    assert b"Comp_Revenue" not in wire.get("cases?include=company&count=5").body
    ProfileRight.objects.filter(profile__group__name="Support", entity="Company").delete()
    assert code(wire.get("cases?include=company")) == "UnknownName"


def test_row_12_a_title_is_made_of_what_is_readable() -> None:
    hide("Person", "Pers_LastName")
    key = keys("olivia", "Person")[0]
    system_rows(Person).filter(pk=key).update(last_name="Xylophon")
    for path in ("person?count=1000", at("person", key)):
        assert b"Xylophon" not in login("olivia").get(path).body, path


def test_row_13_nothing_that_describes_names_a_hidden_field() -> None:
    wire = login("olivia")
    for path in ("$prototypes/company", "company/$schema", "/sdata/crmj/sagecrm/-/company/$schema"):
        assert b"Comp_Revenue" not in wire.get(path).body, path
    assert "Comp_Name" in wire.entry("$prototypes/company")["$properties"]
    assert Wire().get("$prototypes/company").status == 401


def test_row_14_a_tag_is_made_of_what_is_seen() -> None:
    wire, key = login("olivia"), mine()
    before = wire.get(at("company", key)).headers
    system_rows(Company).filter(pk=key).update(revenue="Xylophon")
    after = wire.get(at("company", key)).headers
    assert before["ETag"] == after["ETag"]
    assert "private" in after["Cache-Control"]
    assert "Authorization" in after["Vary"]
    assert wire.get(at("company", other()), headers={"If-None-Match": "*"}).status == 404


def test_row_15_a_denial_is_one_whatever_is_there() -> None:
    for method, body in (("GET", None), ("PATCH", {"comp_source": "Web"}), ("DELETE", None)):
        alike(method, at("company", other()), at("company", FOREVER_UNUSED), body)


def test_row_16_a_cursor_is_of_its_caller_and_query() -> None:
    link = login("susan").entry("users?count=1")["$links"]["$next"]["$url"]
    assert login("susan").get(link).status == 200
    assert code(login("peter").get(link)) == "CursorInvalid"
    assert code(login("susan").get(link.replace("/Users?", "/Currency?"))) == "CursorInvalid"


def test_row_17_a_query_has_limits() -> None:
    wire = login("olivia")
    deep = "(" * 30 + "comp_name eq 'a'" + ")" * 30
    many = f"comp_companyid in ({','.join(map(str, range(1_500)))})"
    for condition in (deep, many):
        assert code(wire.post("company/$query", {"where": condition})) == "LimitExceeded"


def test_row_18_an_unknown_user_pays_what_a_known_one_pays() -> None:
    paid: list[str] = []

    def counted(password: str, stored: str) -> bool:
        paid.append(stored)
        return check_password(password, stored)

    with patch("security.credentials.check_password", counted):
        wrong = [Wire({"Authorization": basic(logon, "wrong")}) for logon in ("susan", "nosuchuser")]
        bodies = [wire.get("$whoami", headers={"X-Request-Id": "one"}).body for wire in wrong]
    assert len(paid) == 2
    assert bodies[0] == bodies[1]


def test_row_19_an_address_carries_no_credentials() -> None:
    assert Wire().get("company?SID=pcrm_x").status == 401
    assert code(login("olivia").get("company?SID=pcrm_x")) == "UnknownParameter"


def test_row_20_a_method_is_what_it_is_and_nothing_is_unauthenticated() -> None:
    wire, key = login("susan"), keys("susan", "Company")[0]
    assert wire.get(at("company", key), headers={"X-HTTP-Method-Override": "OPTIONS"}).status == 200
    for method in ("HEAD", "OPTIONS", "GET"):
        assert Wire().send(method, "company").status == 401, method


def test_row_21_a_body_that_can_be_read_in_two_ways_is_refused() -> None:
    wire, path = login("olivia"), at("company", editable())
    for body in (
        b'{"comp_source":"Web","comp_source":"Web"}',
        b'{"comp_source":NaN}',
        b'{"Comp_Source":1,"comp_source":2}',
    ):
        assert wire.patch(path, body).status == 400, body
    assert wire.patch(path, b'{"comp_source":"Web"}', content_type="text/plain").status == 415


def test_row_22_explaining_others_needs_its_own_right() -> None:
    path = f"{at('company', mine())}/$explain"
    assert login("olivia").get(f"{path}?user=susan").status == 403
    assert login("ian").get(f"{path}?user=susan").status == 200


def test_row_23_a_history_tells_what_is_readable_today() -> None:
    key, admin = keys("peter", "Company")[0], system_rows(User).get(logon="admin")
    Change(kind="Company", key=key, action="edit", fields=["revenue"], user=admin, at="2026-03-01T09:00:00Z").save()
    page = browser("peter").get(f"/admin/entities/company/{key}/history/")
    assert page.status_code == 200
    assert b"2026" not in page.content
    assert b"2026" in browser("admin").get(f"/admin/entities/company/{key}/history/").content


def test_row_24_a_revocation_binds_the_next_request() -> None:
    wire = login("olivia")
    assert "Comp_Source" in wire.entry(at("company", mine()))
    hide("Company", "Comp_Source")
    assert "Comp_Source" not in wire.entry(at("company", mine()))


def test_row_25_an_idempotency_key_is_its_callers() -> None:
    body, headers = {"comp_name": "Repeated"}, {"Idempotency-Key": "one"}
    first = login("susan").post("company", body, headers=headers)
    again = login("susan").post("company", body, headers=headers)
    others = login("william").post("company", body, headers=headers)
    assert (first.status, again.json["$key"]) == (201, first.json["$key"])
    assert others.json["$key"] != first.json["$key"]


def test_row_26_the_administration_takes_no_path_and_lists_no_invisible_row() -> None:
    page = browser("peter")
    for query in ("primary_user__password__startswith=a", "revenue=a", "nosuch=a"):
        assert page.get(f"/admin/entities/company/?{query}").status_code in (302, 400), query
    found = browser("susan").get("/admin/autocomplete/?model_name=Company&term=").json()["results"]
    assert found
    assert {int(one["id"]) for one in found} <= set(keys("susan", "Company"))


def test_row_27_a_name_never_becomes_a_path_of_the_database() -> None:
    wire = login("olivia")
    for name in ("name", "primary_user_id", "primary_user__password", "created_by.password", "deleted_at", "pk"):
        assert wire.get("company", where=f"{name} eq 'a'").status == 400, name
        assert wire.get(f"company?orderBy={name}").status == 400, name


def test_the_base_of_the_addresses_is_what_the_checks_assume() -> None:
    assert login("susan").get("$whoami").status == 200
    assert json.loads(login("susan").get(f"{BASE}/$whoami").body)["$user"]
