"""The switch that takes a kind out of the API and leaves it in the administration (contract.md §16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from crm import demo
from entities.models import User
from entities.registry import registry
from security.gate import system_rows
from security.models import ExternalAccess
from security.plan import access_for
from tests.api.wire import at, login
from tests.owner import owning

if TYPE_CHECKING:
    from tests.api.wire import Wire


def withhold(kind: str) -> None:
    ExternalAccess.objects.update_or_create(entity=kind, defaults={"offered": False})


def test_a_withheld_kind_is_unknown_in_every_channel(admin: Wire) -> None:
    key = admin.keys("person", count=1)[0]
    unknown = admin.get("nonsense").refusal
    withhold("Person")
    for method, path in (("GET", "person"), ("POST", "person"), ("GET", at("Person", key)), ("GET", "people")):
        assert admin.send(method, path, {} if method == "POST" else None).refusal == unknown
    assert admin.get("$prototypes/person").refusal == unknown
    assert admin.get("company('43')/person").status == 404
    root = admin.entry("")["$links"]
    assert not {"Person", "vPersonSummary", "vAddressPerson"} & set(root)
    assert {"Company", "Address", "Phone", "vCompanySummary"} <= set(root)
    entry = admin.entry("company('43')")
    assert "Person" not in entry
    assert entry["Comp_PrimaryPersonId"] is None
    assert "PersonCollection" not in entry["$links"]
    assert admin.get("company", where="Person.Pers_LastName eq 'Sample'").code == "UnknownName"
    assert admin.get("company", include="person").code == "UnknownName"
    assert "Pers_FirstName" not in admin.entry("vCompanySummary('43')")
    assert admin.entry("captions", where="capt_family like 'pers_%' or capt_code like 'pers_%'")["$totalResults"] == 0
    assert "/Person" not in " ".join(admin.entry("$openapi")["paths"])
    assert "Person" not in admin.entry("$whoami")["$rights"]


def test_the_children_of_a_withheld_kind_cannot_be_reached_either(admin: Wire) -> None:
    phone = admin.keys("phone", where="plink_entityid eq 13", count=1)[0]
    withhold("Person")
    assert admin.get(at("Phone", phone)).status == 404
    withhold("Company")
    assert "Phone" not in admin.kinds()


def test_an_owner_is_no_longer_found_by_reference(admin: Wire) -> None:
    withhold("Person")
    body = {"note_note": "About", "note_foreigntableid": 13, "note_foreignid": 30}
    assert admin.post("notes", body).code == "BadReference"


def test_kinds_are_offered_unless_switched_off(susan: Wire) -> None:
    before = susan.kinds()
    ExternalAccess.objects.create(entity="Company")
    assert susan.kinds() == before
    fingerprint = susan.get("").headers["Contract-Fingerprint"]
    withhold("Cases")
    assert susan.get("").headers["Contract-Fingerprint"] != fingerprint
    assert susan.kinds() == [kind for kind in before if kind != "Cases"]
    ExternalAccess.objects.all().delete()
    assert susan.get("").headers["Contract-Fingerprint"] == fingerprint


def test_plain_sql_switches_too(susan: Wire) -> None:
    assert "Cases" in susan.kinds()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO security_externalaccess (entity, offered) VALUES ('Cases', false)")
    assert "Cases" not in susan.kinds()
    with owning(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE security_externalaccess")
    assert "Cases" in susan.kinds()


def test_inside_nothing_changes() -> None:
    withhold("Person")
    inside, outside = (access_for(demo.USERS["susan"], external=external) for external in (False, True))
    person = registry()["Person"]
    assert inside.sees(person)
    assert not outside.knows(person)


@pytest.fixture
def staff() -> Client:
    """The administrator, logged in to the administration."""
    client = Client()
    client.force_login(system_rows(User).get(logon="admin"))
    return client


def test_the_administrator_switches_and_still_sees_the_kind(staff: Client) -> None:
    answer = staff.post(reverse("admin:security_externalaccess_add"), {"entity": "Person"})
    assert answer.status_code == 302
    assert "Person" not in login("susan").kinds()
    assert staff.get(reverse("admin:entities_person_changelist")).status_code == 200
    assert staff.post(reverse("admin:security_externalaccess_add"), {"entity": "Nonsense"}).status_code == 200


def test_nobody_else_switches() -> None:
    client = Client()
    system_rows(User).filter(logon="susan").update(is_staff=True)
    client.force_login(system_rows(User).get(logon="susan"))
    assert client.post(reverse("admin:security_externalaccess_add"), {"entity": "Person"}).status_code == 403
    assert not ExternalAccess.objects.exists()
