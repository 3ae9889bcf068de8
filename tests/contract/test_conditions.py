"""Conditional requests: tags, 304, 412 (contract.md §12)."""

from __future__ import annotations

import pytest

from entities.models import Company, User
from security.gate import system_rows
from security.models import FieldRule, Profile
from tests.api.wire import Wire, at

COMPANY = at("Company", 2)


def tag(wire: Wire, path: str = COMPANY) -> str:
    return str(wire.get(path).headers["ETag"])


def test_74_what_was_not_changed_is_not_sent_again(susan: Wire) -> None:
    answer = susan.get(COMPANY, headers={"If-None-Match": tag(susan)})
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag(susan))
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert susan.head(COMPANY, headers={"If-None-Match": tag(susan)}).status == 304


def test_74_what_was_changed_is(susan: Wire) -> None:
    old = tag(susan)
    assert susan.patch(COMPANY, {"comp_intid": 12}).headers["ETag"] != old
    assert susan.get(COMPANY, headers={"If-None-Match": old}).json["Comp_IntId"] == 12


@pytest.mark.parametrize("path", ["company('999999999')", "company('1')"])
def test_74_304_is_only_for_those_who_would_get_200(admin: Wire, olivia: Wire, nobody: Wire, path: str) -> None:
    for condition in ("*", tag(admin, "company('1')")):
        headers = {"If-None-Match": condition}
        assert olivia.get(path, headers=headers).status == 404
        assert nobody.get(path, headers=headers).status == 401
        assert olivia.get("company('2')?foo=1", headers=headers).status == 400


def test_a_tag_of_another_record_or_caller_does_not_match(olivia: Wire, susan: Wire) -> None:
    assert susan.get(COMPANY, headers={"If-None-Match": tag(olivia)}).status == 200
    assert susan.get("person('2')", headers={"If-None-Match": tag(susan)}).status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_75_an_old_tag_is_refused_and_changes_nothing(susan: Wire, method: str) -> None:
    old = tag(susan)
    new = susan.patch(COMPANY, {"comp_intid": 12})
    answer = susan.send(method, COMPANY, {"comp_intid": 13}, headers={"If-Match": old})
    assert answer.refusal == (412, "ApplicationDiagnosis", "PreconditionFailed")
    assert susan.get(COMPANY).body == new.body


@pytest.mark.parametrize("form", ["{}", "W/{}", 'W/"x", {}', '"x" , "y",{}', " {} ", "*"])
def test_75_every_form_of_the_present_tag_matches(susan: Wire, form: str) -> None:
    for present in (tag(susan), tag(susan).strip('"')):
        assert susan.put(COMPANY, {"comp_intid": 7}, headers={"If-Match": form.format(present)}).status == 200
        assert susan.put(COMPANY, {"comp_intid": None}, headers={"If-Match": "*"}).status == 200


@pytest.mark.parametrize("form", ["", '""', "x", '"x"', "W/", ",", '"{}x"', "x{}", '"', "W/*"])
def test_75_any_other_form_does_not(susan: Wire, form: str) -> None:
    headers = {"If-Match": form.format(tag(susan).strip('"'))}
    assert susan.put(COMPANY, {"comp_intid": 7}, headers=headers).status == 412


def test_75_an_invisible_record_is_404_first(olivia: Wire, admin: Wire) -> None:
    headers = {"If-Match": tag(admin, "company('1')")}
    assert olivia.put("company('1')", {}, headers=headers).status == 404
    assert olivia.delete("company('1')", headers={"If-Match": "*"}).status == 403  # nobody deletes as a partner
    assert olivia.delete("cases('1')", headers={"If-Match": "*"}).status == 403


def test_75_a_change_of_hidden_fields_is_no_conflict(admin: Wire, olivia: Wire) -> None:
    old = tag(olivia)
    assert admin.patch(COMPANY, {"comp_revenue": "100M+", "comp_employees": "501+"}).status == 200
    assert tag(olivia) == old
    assert olivia.patch(COMPANY, {"comp_intid": 3}, headers={"If-Match": old}).status == 200


def test_75_a_change_of_a_readable_field_is(admin: Wire, olivia: Wire) -> None:
    old = tag(olivia)
    assert admin.patch(COMPANY, {"comp_sector": "Energy"}).status == 200
    assert olivia.patch(COMPANY, {"comp_intid": 3}, headers={"If-Match": old}).status == 412


def test_75_stamps_alone_are_no_conflict(susan: Wire) -> None:
    old = tag(susan)
    system_rows(Company).filter(pk=2).update(updated_by=1, updated_at="2030-01-01T00:00:00Z")
    assert tag(susan) == old


def test_76_two_users_with_other_fields_have_other_tags(peter: Wire, susan: Wire, olivia: Wire) -> None:
    assert len({tag(peter), tag(susan), tag(olivia)}) == 3


def test_76_a_change_of_field_security_changes_the_tag(susan: Wire) -> None:
    old = tag(susan)
    profile = Profile.objects.get(group__name="Sales")
    FieldRule.objects.create(entity="Company", field="Comp_Source", profile=profile, read=False)
    assert tag(susan) != old


def test_the_tag_does_not_follow_titles_of_linked_records(susan: Wire) -> None:
    old = tag(susan)
    system_rows(User).filter(pk=4).update(last_name="Other")
    assert susan.entry(COMPANY)["Users"]["$title"] == "Susan Other"
    assert tag(susan) == old


def test_a_tag_in_a_body_is_ignored(susan: Wire) -> None:
    body = susan.entry(COMPANY)
    susan.patch(COMPANY, {"comp_intid": 12})
    assert susan.put(COMPANY, body | {"Comp_IntId": 14}).json["Comp_IntId"] == 14


def test_member_and_header_are_one_tag(susan: Wire) -> None:
    answer = susan.get(COMPANY)
    assert answer.headers["ETag"] == f'"{answer.json["$etag"]}"'
    assert "ETag" not in susan.get("company").headers


def test_a_delete_with_the_present_tag_deletes(admin: Wire) -> None:
    assert admin.delete(COMPANY, headers={"If-Match": tag(admin)}).status == 204
    assert admin.delete(COMPANY, headers={"If-Match": "*"}).status == 404
