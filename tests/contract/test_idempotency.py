"""Requests that are sent twice and count once (contract.md §12.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from api.models import Remembered
from entities.models import Company, Phone
from security.gate import system_rows
from security.models import FieldRule, ProfileRight
from tests.api.wire import Answer, Wire, at

KEY = {"Idempotency-Key": "3f1c-1"}
NEW = {"comp_name": "Once"}


def statuses(answer: Answer) -> list[int]:
    return [item["$httpStatus"] for item in answer.json["$resources"]]


def stored() -> int:
    return system_rows(Company).filter(name="Once").count()


def test_77_a_repeat_creates_nothing_and_is_answered_alike(susan: Wire) -> None:
    first, second = (susan.post("company", NEW, headers=KEY) for _ in range(2))
    assert (first.status, second.status, stored()) == (201, 201, 1)
    assert second.body == first.body
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["ETag"] == first.headers["ETag"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"


def test_77_every_spelling_of_the_address_is_the_same(susan: Wire) -> None:
    susan.post("company", NEW, headers=KEY)
    for address in ("companies", "/sdata/crmj/sagecrm2/-//COMPANY/", "company?select=comp_name"):
        assert susan.post(address, NEW, headers=KEY).headers["Idempotency-Replayed"] == "true"
    assert stored() == 1


def test_77_the_answer_is_made_with_the_rights_of_today(susan: Wire) -> None:
    made = susan.post("company", NEW | {"comp_website": "x.example"}, headers=KEY)
    FieldRule.objects.create(entity="Company", field="Comp_WebSite", read=False)
    again = susan.post("company", NEW | {"comp_website": "x.example"}, headers=KEY)
    assert (again.status, again.json["$key"]) == (201, made.json["$key"])
    assert "Comp_WebSite" in made.json
    assert "Comp_WebSite" not in again.json
    assert b"x.example" not in again.body


def test_77_a_record_that_is_no_longer_seen_is_reduced(susan: Wire) -> None:
    made = susan.post("company", NEW, headers=KEY).json
    system_rows(Company).filter(pk=made["$key"]).update(territory=None, primary_user=None, created_by=None, team=None)
    again = susan.post("company", NEW, headers=KEY)
    assert again.status == 201
    assert again.json == {"$key": made["$key"], "$title": f"Company {made['$key']}", "$url": made["$url"]}
    assert again.headers["Idempotency-Replayed"] == "true"


def test_77_a_right_to_insert_that_is_withdrawn_comes_first(susan: Wire) -> None:
    susan.post("company", NEW, headers=KEY)
    ProfileRight.objects.filter(profile__group__name="Sales", entity="Company").update(insert=False)
    assert susan.post("company", NEW, headers=KEY).status == 403


def test_77_another_body_is_refused(susan: Wire) -> None:
    susan.post("company", NEW, headers=KEY)
    for body in ({"comp_name": "Twice"}, {}, b"{"):
        answer = susan.post("company", body, headers=KEY)
        assert answer.refusal == (422, "ApplicationDiagnosis", "IdempotencyKeyReused")
    assert not system_rows(Company).filter(name="Twice").exists()


def test_77_the_key_belongs_to_its_user_and_address(susan: Wire, admin: Wire) -> None:
    susan.post("company", NEW, headers=KEY)
    other = admin.post("company", {"comp_name": "Other"}, headers=KEY)
    assert (other.status, other.json["Comp_Name"]) == (201, "Other")
    person = susan.post("person", {"pers_lastname": "x"}, headers=KEY)
    assert (person.status, "Idempotency-Replayed" in person.headers) == (201, False)


def test_77_what_failed_is_not_remembered(susan: Wire) -> None:
    assert susan.post("company", {"comp_nosuch": 1}, headers=KEY).status == 400
    assert susan.post("company", NEW, headers=KEY).status == 201
    assert Remembered.objects.count() == 1


def test_77_what_is_remembered_holds_no_field(susan: Wire) -> None:
    made = susan.post("company", NEW, headers=KEY).json
    assert Remembered.objects.get().outcome == {"status": 201, "key": made["$key"], "memo": None}


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ä", "a\tb"])
@pytest.mark.parametrize("address", ["company", "company('2')/phone", "company/$batch"])
def test_77_a_key_is_visible_ascii(susan: Wire, key: str, address: str) -> None:
    before = system_rows(Company).count()
    answer = susan.post(address, NEW, headers={"Idempotency-Key": key})
    assert answer.refusal == (400, "BadQueryParameter", "BadParameterValue")
    assert system_rows(Company).count() == before


def test_77_the_longest_key(susan: Wire) -> None:
    key = {"Idempotency-Key": "~" * 255}
    assert [susan.post("company", NEW, headers=key).status for _ in range(2)] == [201, 201]
    assert stored() == 1


def test_77_after_a_day_a_key_is_new(susan: Wire) -> None:
    susan.post("company", NEW, headers=KEY)
    Remembered.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    assert "Idempotency-Replayed" not in susan.post("company", NEW, headers=KEY).headers
    assert stored() == 2


def test_77_what_is_over_is_removed_with_the_next(susan: Wire, admin: Wire) -> None:
    admin.post("company", NEW, headers=KEY)
    admin.post("company", NEW, headers={"Idempotency-Key": "2"})
    Remembered.objects.filter(key="2").update(created_at=timezone.now() - timedelta(hours=25))
    susan.post("company", NEW, headers=KEY)
    assert sorted(Remembered.objects.values_list("key", flat=True)) == [KEY["Idempotency-Key"]] * 2


def test_77_a_member_of_a_collection(susan: Wire) -> None:
    body = {"phon_number": "77", "$type": "Fax"}
    first, second = (susan.post(f"{at('Company', 2)}/phone", body, headers=KEY) for _ in range(2))
    assert (first.status, first.body) == (201, second.body)
    assert Phone.objects.filter(number="77").count() == 1
    other = susan.post("company", NEW).json["$url"]
    assert susan.post(f"{other}/phone", body, headers=KEY).json["$key"] != first.json["$key"]


class TestBatches:
    """A batch is repeated as a whole."""

    ITEMS: tuple[dict[str, Any], ...] = (
        {"$httpMethod": "POST", **NEW, "comp_website": "x.example"},
        {"$httpMethod": "POST", "comp_nosuch": 1},
        {"$httpMethod": "PATCH", "$key": 2, "comp_intid": 7},
        {"$httpMethod": "GET", "$key": 2},
        {"$httpMethod": "GET", "$key": 987654321},
        {"$httpMethod": "POST", "comp_name": "x", "comp_type": "zz"},
        {"$httpMethod": "POST", "comp_type": "Customer"},
    )

    @pytest.mark.parametrize("feed", [True, False])
    def test_77_every_item_is_answered_again(self, susan: Wire, feed: bool) -> None:
        items = [dict(item) for item in self.ITEMS]
        body: Any = {"$resources": items} if feed else [item for item in items if item["$httpMethod"] == "POST"]
        first, second = (susan.post("company/$batch", body, headers=KEY) for _ in range(2))
        assert (first.status, first.json) == (200, second.json)
        assert second.headers["Idempotency-Replayed"] == "true"
        assert stored() == 1
        assert susan.post("company/$batch", [], headers=KEY).refusal[0] == 422

    def test_77_a_deletion_is_answered_again(self, admin: Wire) -> None:
        key = admin.post("company", NEW).json["$key"]
        body = {"$resources": [{"$httpMethod": "DELETE", "$key": key}]}
        first, second = (admin.post("company/$batch", body, headers=KEY) for _ in range(2))
        assert first.json == second.json
        assert first.json["$resources"][0]["$httpStatus"] == 204

    def test_77_with_the_rights_of_today(self, susan: Wire) -> None:
        rule = FieldRule.objects.create(entity="Company", field="Comp_Source", required=True)
        body = {"$resources": [dict(item) for item in self.ITEMS]}
        body["$resources"][0]["comp_source"] = "Web"
        first = susan.post("company/$batch", body, headers=KEY)
        for told in (b"x.example", b"Comp_Source is required", b"comp_type: 'zz'"):
            assert told in first.body
        rule.delete()
        for field in ("Comp_WebSite", "Comp_Type", "Comp_Source"):
            FieldRule.objects.create(entity="Company", field=field, read=False)
        again = susan.post("company/$batch", body, headers=KEY)
        assert again.status == 200
        for told in (b"x.example", b"comp_source", b"comp_type", b"comp_website"):
            assert told not in again.body.lower()
        assert statuses(again) == statuses(first) == [201, 400, 200, 200, 404, 400, 400]

    def test_77_an_atomic_batch_that_failed_is_not_remembered(self, susan: Wire) -> None:
        for _ in range(2):
            answer = susan.post("company/$batch", [NEW, {"comp_nosuch": 1}], atomic="true", headers=KEY)
            assert (answer.status, "Idempotency-Replayed" in answer.headers) == (400, False)
        assert Remembered.objects.count() == 0
        assert susan.post("company/$batch", [NEW], atomic="true", headers=KEY).status == 200
        assert susan.post("company/$batch", [NEW], headers=KEY).refusal[0] == 422
