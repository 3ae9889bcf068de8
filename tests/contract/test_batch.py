"""Many records in one request (contract.md §13, §20)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from entities.models import Company, Note
from security.gate import system_rows
from security.models import FieldRule, Profile, ProfileRight
from tests.api.twins import told
from tests.api.wire import ROOT, Answer, Wire, at, login, statements

NOTES = f"{ROOT}/Notes/$batch"


def note(text: str, owner: int = 2) -> dict[str, Any]:
    return {"Note_Note": text, "Note_ForeignTableId": 5, "Note_ForeignId": owner}


def items(answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.json["$resources"] if isinstance(answer.json, dict) else answer.json
    return found


def statuses(answer: Answer) -> list[int]:
    return [item["$httpStatus"] for item in items(answer)]


def codes(answer: Answer) -> list[str]:
    """Return the codes of a batch: of items that were done nothing, of others what their diagnoses say."""
    return ["+".join(told["$applicationCode"] for told in item.get("$diagnoses", ())) for item in items(answer)]


def feed(wire: Wire, *parts: Any, kind: str = "company", **options: Any) -> Answer:
    return wire.post(f"{kind}/$batch", {"$resources": list(parts)}, **options)


class TestArrays:
    """A bare array of records to insert."""

    def test_78_a_thousand_notes_are_answered_in_order(self, susan: Wire) -> None:
        wrong = {3, 500, 999}
        body = [{"Note_Foo": 1} if number in wrong else note(f"note {number}") for number in range(1000)]
        answer = susan.post("notes/$batch", body)
        assert (answer.status, len(answer.json)) == (200, 1000)
        assert {number for number, item in enumerate(answer.json) if item["$httpStatus"] == 400} == wrong
        assert [item["$title"] for number, item in enumerate(answer.json) if number not in wrong] == [
            f"note {number}" for number in range(1000) if number not in wrong
        ]
        assert system_rows(Note).filter(text__startswith="note ").count() == 997

    def test_78_the_answers_are_as_documented(self, susan: Wire) -> None:
        first, second = susan.post("notes/$batch", [note("first"), {"Note_Foo": 1, **note("x")}]).json
        assert first == {
            "$httpStatus": 200,
            "$httpMessage": "OK",
            "$httpMethod": "POST",
            "$location": first["$url"],
        } | susan.entry(first["$url"])
        assert second == {
            "$httpStatus": 400,
            "$httpMessage": "Bad Request",
            "$httpMethod": "POST",
            "$diagnoses": [
                {
                    "$severity": "error",
                    "$sdataCode": "ApplicationDiagnosis",
                    "$applicationCode": "UnknownMember",
                    "$message": "'Note_Foo' is not a field of Notes.",
                    "$payloadPath": "Note_Foo",
                }
            ],
        }

    def test_78_too_many_items(self, susan: Wire) -> None:
        before = system_rows(Note).count()
        for body in ([note("x")] * 1001, {"$resources": [note("x")] * 1001}):
            answer = susan.post("notes/$batch", body)
            assert answer.refusal == (413, "ApplicationDiagnosis", "TooManyItems")
        assert system_rows(Note).count() == before

    @override_settings(MAX_BATCH_BYTES=2_000_000)
    def test_78_a_batch_may_be_larger_than_a_record_and_not_boundless(self, susan: Wire) -> None:
        many = [note("x" * 90_000)] * 15
        assert statuses(susan.post("notes/$batch", many)) == [200] * 15
        answer = susan.post("notes/$batch", [note("x" * 90_000)] * 30)
        assert answer.refusal == (413, "ApplicationDiagnosis", "BodyTooLarge")

    def test_78_each_stands_or_falls_alone(self, susan: Wire) -> None:
        body = [
            {"comp_name": "A"},
            {},
            {"comp_name": "B", "comp_type": "zz", "x": 1},
            [],
            "x",
            None,
            {"comp_name": "C", "$httpMethod": "post", "phone": {"phon_number": "1"}},
            {"comp_name": "D", "$httpMethod": "PUT"},
            {"comp_name": "E", "$httpMethod": 5},
            {"comp_name": "F", "address": [{"addr_city": "x"}, {}]},
        ]
        answer = susan.post("company/$batch", body)
        assert codes(answer) == [
            "",
            "Required",
            "NotAChoice+UnknownMember",
            "BadJson",
            "BadJson",
            "BadJson",
            "",
            "NotAChoice",
            "NotAChoice",
            "BusinessRule",
        ]
        assert answer.json[-1]["$diagnoses"][0]["$payloadPath"] == "address[1].Addr_Address1"
        names = ["A", "B", "C", "D", "E", "F"]
        assert sorted(c.name for c in system_rows(Company).filter(name__in=names)) == ["A", "C"]

    def test_66_a_duplicate_name_is_its_items_own_problem(self, susan: Wire) -> None:
        raw = b'[{"comp_name":"A"},{"a":1,"A":2},{"comp_name":"B","phone":[{"x":1,"X":2}]},{"comp_name":"C"}]'
        answer = susan.post("company/$batch", raw)
        assert codes(answer) == ["", "DuplicateMember", "DuplicateMember", ""]
        raw = b'{"$resources":[{"comp_name":"A"},{"a":1,"A":2}]}'
        assert codes(susan.post("company/$batch", raw)) == ["", "DuplicateMember"]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "BadJson"),
            (b"[", "BadJson"),
            (b"5", "BadJson"),
            (b"{}", "BadJson"),
            (b'{"$resources":{}}', "BadJson"),
            (b'{"$resources":[],"comp_name":"x"}', "UnknownMember"),
            (b'{"$resources":[],"$RESOURCES":[]}', "DuplicateMember"),
            (b'[{"comp_intid":NaN}]', "BadJson"),
            (b"[" * 21 + b"]" * 21, "BadJson"),
        ],
    )
    def test_78_what_is_no_batch_is_refused_as_a_whole(self, susan: Wire, body: bytes, code: str) -> None:
        answer = susan.post("company/$batch", body)
        assert (answer.status, answer.code) == (400, code)

    def test_78_an_empty_batch_has_no_answers(self, susan: Wire) -> None:
        assert susan.post("company/$batch", []).json == []
        assert feed(susan).json["$resources"] == []

    def test_78_other_bodies_and_methods(self, susan: Wire) -> None:
        assert susan.post("company/$batch", [], content_type="text/xml").refusal[0] == 415
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            answer = susan.send(method, "company/$batch", [])
            assert (answer.status, answer.headers["Allow"]) == (405, "POST, OPTIONS")
        for address in ("company('2')/$batch", "company/$batch('2')", "company('2')/person/$batch", "$batch"):
            assert susan.post(address, []).status == 404
        assert susan.post("COMPANIES/%24Batch/", []).status == 200
        assert susan.post("company/$batch", [], foo=1).code == "UnknownParameter"

    def test_78_strict_handling(self, susan: Wire) -> None:
        answer = susan.post(
            "company/$batch", [{"comp_name": "A", "comp_intid": "5"}], headers={"Prefer": "handling=strict"}
        )
        assert (codes(answer), answer.headers["Preference-Applied"]) == (["WrongType"], "handling=strict")


class TestFeeds:
    """A feed of items with methods of their own."""

    def test_79_all_methods_in_order_each_seeing_the_earlier(self, admin: Wire) -> None:
        tag = admin.entry(at("Company", 2))["$etag"]
        answer = feed(
            admin,
            {"comp_name": "New"},
            {"$httpMethod": "PUT", "$url": f"{ROOT}/Company('2')", "$ifMatch": tag, "comp_intid": 79},
            {"$httpMethod": "PATCH", "$url": "company(%272%27)", "$ifMatch": f'"{tag}"', "comp_intid": 80},
            {"$httpMethod": "GET", "$url": "/sdata/crmj/sagecrm2/-//companies('2')"},
            {"$httpMethod": "DELETE", "$key": 3},
            {"$httpMethod": "get", "$key": 3},
            {"$httpMethod": "GET", "$url": "company(comp_name eq 'New')"},
        )
        assert (answer.status, answer.json["$url"]) == (200, f"{ROOT}/Company/$batch")
        assert answer.json["$title"] == "Companies"
        found = items(answer)
        assert statuses(answer) == [201, 200, 412, 200, 204, 404, 200]
        assert found[0]["$location"] == found[0]["$url"] == found[6]["$url"]
        assert found[3]["Comp_IntId"] == 79
        expected = {"$httpStatus": 204, "$httpMessage": "No Content", "$httpMethod": "DELETE"}
        assert found[4] == expected | {"$url": f"{ROOT}/Company('3')"}
        assert found[2]["$url"] == f"{ROOT}/Company('2')"
        assert admin.get(at("Company", 3)).status == 404

    @pytest.mark.parametrize(
        "url",
        [
            "person('2')",
            f"{ROOT}/Person('2')",
            "nosuch('2')",
            "company/$batch",
            "company/$query",
            "company('2')/$service/close",
            "company('2')/person('2')",
            "company",
            "",
            "https://elsewhere.example/sdata/crmj/sagecrm2/-/Company('2')",
            "company('2')?select=comp_name",
            "../company('2')",
            5,
            "company('2'" + ")" * 9000,
        ],
    )
    def test_79_what_is_no_record_of_the_kind_is_refused(self, susan: Wire, url: Any) -> None:
        answer = feed(susan, {"$httpMethod": "PATCH", "$url": url, "comp_intid": 1})
        assert (statuses(answer), codes(answer)) == ([400], ["BadSelector"])

    def test_79_a_post_names_the_kind_or_nothing(self, susan: Wire) -> None:
        answer = feed(
            susan,
            {"comp_name": "A", "$url": f"{ROOT}/Company"},
            {"comp_name": "B", "$url": "companies"},
            {"comp_name": "C", "$url": "company('2')"},
            {"comp_name": "D", "$url": "company/$batch"},
        )
        assert statuses(answer) == [201, 201, 400, 400]

    @pytest.mark.parametrize(
        ("item", "code"),
        [
            ({"$httpMethod": "PUT"}, "Required"),
            ({"$httpMethod": "PUT", "$key": "2"}, "WrongType"),
            ({"$httpMethod": "PUT", "$key": True}, "WrongType"),
            ({"$httpMethod": "PUT", "$key": 2**40}, "WrongType"),
            ({"$httpMethod": "PUT", "$key": 3, "$url": "company('2')"}, "ConflictingMembers"),
            ({"$httpMethod": "PUT", "$key": 2, "$ifMatch": 5}, "WrongType"),
            ({"$httpMethod": "HEAD", "$key": 2}, "NotAChoice"),
            ({"$httpMethod": "PUT", "$url": "company(comp_nosuch eq 1)"}, "UnknownName"),
            ({"$httpMethod": "PUT", "$url": "company(comp_name eq"}, "BadSelector"),
            ({"$httpMethod": "PUT", "$url": "company(comp_name ne 'x')"}, "SelectorNotUnique"),
        ],
    )
    def test_79_items_that_cannot_be_read(self, susan: Wire, item: dict[str, Any], code: str) -> None:
        assert codes(feed(susan, item, {"comp_name": "Next"})) == [code, ""]

    @pytest.mark.parametrize("parameters", [{}, {"atomic": "true"}])
    def test_79_an_item_that_cannot_be_read_is_answered_by_its_own_method(
        self, susan: Wire, parameters: dict[str, str]
    ) -> None:
        wrong = [{"$httpMethod": method, "$url": "person('2')"} for method in ("PUT", "patch", "DELETE", "GET")]
        answer = feed(susan, *wrong, {"$httpMethod": "HEAD", "$key": 2}, 5, **parameters)
        assert [item["$httpMethod"] for item in items(answer)] == ["PUT", "PATCH", "DELETE", "GET", "POST", "POST"]

    def test_79_an_item_may_upsert(self, susan: Wire) -> None:
        item = {"$httpMethod": "PUT", "$url": "company(comp_intforeignid eq 'B-1')", "comp_name": "By key"}
        answer = feed(susan, item, item)
        assert statuses(answer) == [201, 200]
        assert items(answer)[0]["$key"] == items(answer)[1]["$key"]

    @pytest.mark.parametrize(("method", "status"), [("PUT", 404), ("PATCH", 404), ("GET", 404), ("DELETE", 403)])
    def test_79_an_invisible_record_is_as_one_that_never_was(
        self, admin: Wire, olivia: Wire, method: str, status: int
    ) -> None:
        hidden = max(set(admin.keys("company", count=1000)) - set(olivia.keys("company", count=1000)))

        def send(key: int) -> Answer:
            return feed(olivia, {"$httpMethod": method, "$key": key, "comp_intid": 1, "$ifMatch": "x"})

        assert statuses(send(hidden)) == [status]
        unused = told(lambda: send(987654321), "'987654321'")
        assert told(lambda: send(hidden), f"'{hidden}'") == unused

    def test_79_each_item_needs_its_own_right(self, peter: Wire) -> None:
        body = {"$resources": [{"$httpMethod": "GET", "$key": 2}]}
        assert peter.post("company/$batch", body).refusal == (403, "ApplicationDiagnosis", "NotPermitted")
        support = Profile.objects.get(group__name="Support")
        ProfileRight.objects.create(profile=support, entity="Company", scope="created_by", edit=True)
        answer = feed(
            peter,
            {"comp_name": "New"},
            {"$httpMethod": "PATCH", "$key": 2, "comp_intid": 1},
            {"$httpMethod": "DELETE", "$key": 2},
            {"$httpMethod": "GET", "$key": 2},
        )
        assert statuses(answer) == [403, 403, 403, 200]
        assert "Comp_Revenue" not in items(answer)[3]

    def test_79_a_hidden_field_of_an_item_is_an_unknown_name(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Company", field="Comp_WebSite", read=False)
        susan.get("company")

        def send(name: str) -> Answer:
            return feed(susan, {"comp_name": "x", name: "y"}, {"$httpMethod": "PATCH", "$key": 2, name: "y"})

        assert told(lambda: send("comp_website"), "comp_website") == told(lambda: send("comp_xxxxxxx"), "comp_xxxxxxx")

    def test_79_a_result_outside_ones_rights_is_undone_alone(self, susan: Wire) -> None:
        abroad = next(t["$key"] for t in susan.entry("territories", count=99)["$resources"] if t["$title"] == "Germany")
        Profile.objects.get(group__name="Sales").rights.exclude(scope__in=("home", "everywhere")).delete()
        answer = susan.post("company/$batch", [{"comp_name": "A79"}, {"comp_name": "B79", "comp_secterr": abroad}])
        assert (statuses(answer), codes(answer)) == ([200, 403], ["", "OutsideYourRights"])
        assert [c.name for c in system_rows(Company).filter(name__endswith="79")] == ["A79"]


class TestAtomic:
    """All or nothing."""

    def test_80_one_bad_item_and_nothing_is_stored(self, susan: Wire) -> None:
        body = [{"comp_name": "A80"}, {"comp_nosuch": 1}, {"comp_name": "B80"}]
        answer = susan.post("company/$batch", body, atomic="true")
        assert (answer.status, statuses(answer)) == (400, [424, 400, 424])
        assert codes(answer) == ["RolledBack", "Required+UnknownMember", "RolledBack"] or codes(answer)[1].startswith(
            "U"
        )
        assert not system_rows(Company).filter(name__in=["A80", "B80"]).exists()
        assert "$location" not in answer.json[0]
        assert "$key" not in answer.json[0]

    def test_80_the_feed_says_so_at_its_top(self, admin: Wire) -> None:
        answer = feed(
            admin,
            {"comp_name": "A80"},
            {"$httpMethod": "DELETE", "$key": 3},
            {"$httpMethod": "PATCH", "$key": 987654321},
            {"$httpMethod": "nosuch"},
            atomic="true",
        )
        assert (answer.status, statuses(answer)) == (400, [424, 424, 404, 424])
        assert answer.codes == ["BatchRolledBack"]
        assert admin.get(at("Company", 3)).status == 200
        assert items(answer)[0]["$url"] == f"{ROOT}/Company"
        assert items(answer)[0]["$httpMessage"] == "Failed Dependency"

    def test_80_without_a_bad_item_all_is_stored(self, susan: Wire) -> None:
        answer = susan.post("company/$batch", [{"comp_name": "A80"}, {"comp_name": "B80"}], atomic="true")
        assert (answer.status, statuses(answer)) == (200, [200, 200])
        assert system_rows(Company).filter(name__in=["A80", "B80"]).count() == 2

    def test_80_the_parameter_has_two_values(self, susan: Wire) -> None:
        assert susan.post("company/$batch", [], atomic="maybe").code == "BadParameterValue"
        assert susan.post("company", {"comp_name": "x"}, atomic="true").code == "UnknownParameter"


class TestRights:
    """Who is offered it."""

    @pytest.mark.parametrize("logon", ["admin", "susan", "peter", "olivia", "nora"])
    def test_34_the_link_is_there_exactly_for_those_who_may_insert(self, logon: str) -> None:
        wire = login(logon)
        for kind in wire.kinds():
            rights = wire.entry(f"$prototypes/{kind}")["$rights"]
            if rights["$view"]:
                links = wire.entry(kind, count=1)["$links"]
                assert ("$batch" in links) == rights["$insert"] == ("$insert" in links), kind
                if rights["$insert"]:
                    assert links["$batch"]["$method"] == "POST"
                    assert wire.post(links["$batch"]["$url"], []).json == []

    def test_34_a_collection_of_a_record_has_none(self, susan: Wire) -> None:
        assert "$batch" not in susan.entry(f"{at('Company', 2)}/person")["$links"]

    def test_78_a_kind_that_is_unknown_has_no_batch(self, peter: Wire) -> None:
        assert peter.post("opportunity/$batch", []).body == peter.post("opportunity/$nosuc", []).body.replace(
            b"$nosuc", b"$batch"
        )

    def test_84_a_kind_that_is_read_only_answers_405(self, susan: Wire) -> None:
        answer = susan.post("phonelink/$batch", [])
        assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS")

    def test_70_insert_without_view(self) -> None:
        support = Profile.objects.get(group__name="Support")
        ProfileRight.objects.filter(profile=support, entity="Company").delete()
        ProfileRight.objects.create(profile=support, entity="Company", scope="everywhere", insert=True)
        (item,) = login("peter").post("company/$batch", [{"comp_name": "New"}]).json
        assert item["$title"] == f"Company {item['$key']}"
        assert "Comp_Name" not in item

    def test_78_the_rights_are_compiled_once(self, susan: Wire) -> None:
        susan.post("notes/$batch", [note("warm")])
        with statements() as one:
            susan.post("notes/$batch", [note("a")])
        with statements() as ten:
            susan.post("notes/$batch", [note(str(number)) for number in range(10)])
        with statements() as nothing:
            susan.post("notes/$batch", [])
        assert len(ten) - len(nothing) <= 10 * (len(one) - len(nothing))
