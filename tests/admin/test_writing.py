"""What a restricted member of staff can write in the administration: what the gate and the shape allow, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.messages import get_messages

from entities.models import Case, Company, Person, User
from security.gate import system_rows
from security.models import Change, ProfileRight
from tests.admin.world import MARK, form_of

if TYPE_CHECKING:
    from django.test import Client

    from tests.admin.world import World

COMPANIES = "/admin/entities/company/"
INVALID_CHOICE = "Select a valid choice. That choice is not one of the available choices."


def change(client: Client, address: str, **values: Any) -> Any:
    """Open the form at ``address``, type ``values`` in and save."""
    return client.post(address, {**form_of(client.get(address)), **values})


def errors(response: Any) -> dict[str, list[str]]:
    """Return what the form says is wrong."""
    assert response.status_code == 200
    return {name: list(found) for name, found in response.context["adminform"].form.errors.items()}


def stored(record: Any) -> Any:
    """Return the record as it is stored now, deleted or not."""
    return type(record)._default_manager.get(pk=record.pk)


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_a_change_is_stored_and_remembered(clerk: Client, world: World) -> None:
    address = f"{COMPANIES}{world.company.pk}/change/"
    assert change(clerk, address, name="Alpha Limited").status_code == 302
    now = stored(world.company)
    assert (now.name, now.updated_by_id) == ("Alpha Limited", world.clerk.pk)
    assert (now.revenue, now.web_site, now.status) == (f"{MARK}-REVENUE", f"{MARK}.example", "Active")
    last = Change.objects.filter(kind="Company", key=world.company.pk).latest("pk")
    assert (last.action, last.fields, last.user_id) == ("edit", ["name"], world.clerk.pk)


def test_a_form_saved_unchanged_changes_nothing(clerk: Client, world: World) -> None:
    count = Change.objects.count()
    for record, kind in ((world.company, "company"), (world.person, "person"), (world.case, "case")):
        before = vars(stored(record))
        assert change(clerk, f"/admin/entities/{kind}/{record.pk}/change/").status_code == 302
        assert {**vars(stored(record)), "_state": 0} == {**before, "_state": 0}
    assert Change.objects.count() == count


def test_a_reference_to_an_invisible_record_survives(clerk: Client, world: World) -> None:
    address = f"/admin/entities/person/{world.person.pk}/change/"
    assert change(clerk, address, first_name="Augusta").status_code == 302
    now = stored(world.person)
    assert (now.first_name, now.company_id) == ("Augusta", world.invisible.pk)
    assert change(clerk, address, company=world.company.pk).status_code == 302
    assert stored(world.person).company_id == world.company.pk


def test_an_invisible_reference_is_refused_as_a_missing_one(clerk: Client, world: World) -> None:
    address = f"/admin/entities/case/{world.case.pk}/change/"
    answers = [change(clerk, address, primary_company=key) for key in (world.invisible.pk, 987654, "zebra", "9" * 40)]
    assert [errors(answer) for answer in answers] == [{"primary_company": [INVALID_CHOICE]}] * 4
    assert all(MARK not in answer.content.decode() for answer in answers)
    assert stored(world.case).primary_company_id == world.company.pk


def test_what_is_hidden_or_read_only_cannot_be_smuggled_in(clerk: Client, world: World) -> None:
    smuggled = {
        "revenue": "gone",
        "web_site": "gone.example",
        "comp_revenue": "gone",
        "status": "Closed",
        "id": "1",
        "pk": "1",
        "created_by": world.clerk.pk,
        "created_by_id": world.clerk.pk,
        "updated_at_0": "2030-01-01",
        "deleted_at": "2030-01-01",
        "library_dir": "gone",
        "row": "gone",
    }
    before = stored(world.company)
    assert change(clerk, f"{COMPANIES}{world.company.pk}/change/", name="Alpha plc", **smuggled).status_code == 302
    now = stored(world.company)
    assert now.name == "Alpha plc"
    for name in ("revenue", "web_site", "status", "created_by_id", "deleted_at", "library_dir"):
        assert getattr(now, name) == getattr(before, name), name
    assert change(clerk, f"{COMPANIES}add/", name="Gamma Ltd", **smuggled).status_code == 302
    new = system_rows(Company).get(name="Gamma Ltd")
    assert (new.revenue, new.web_site, new.status, new.library_dir) == ("", "", "Active", "")
    assert new.created_by_id == world.clerk.pk


def test_nobody_moves_a_record_out_of_their_rights(clerk: Client, world: World) -> None:
    refused = change(clerk, f"{COMPANIES}{world.company.pk}/change/", territory=world.germany.pk, name="Moved")
    assert errors(refused) == {"__all__": ["The record would lie outside your rights."]}
    now = stored(world.company)
    assert (now.territory_id, now.name) == (world.uk.pk, "Alpha Ltd")


def test_nobody_inserts_outside_their_rights(clerk: Client, world: World) -> None:
    refused = change(clerk, f"{COMPANIES}add/", name="Gamma GmbH", territory=world.germany.pk)
    assert errors(refused) == {"__all__": ["The record would lie outside your rights."]}
    assert not system_rows(Company).filter(name="Gamma GmbH").exists()
    accepted = change(clerk, f"{COMPANIES}add/", name="Gamma Ltd")
    assert accepted.status_code == 302
    new = system_rows(Company).get(name="Gamma Ltd")
    assert (new.territory_id, new.primary_user_id, new.type) == (world.uk.pk, world.clerk.pk, "Prospect")


def test_rights_are_asked_for_every_page(clerk: Client, world: World) -> None:
    assert clerk.get("/admin/entities/user/add/").status_code == 403
    assert clerk.post("/admin/entities/user/add/", {"logon": "me", "last_name": "Me"}).status_code == 403
    address = f"/admin/entities/user/{world.clerk.pk}/change/"
    assert clerk.get(address).status_code == 200
    assert clerk.post(address, {"last_name": "Boss", "is_superuser": "on"}).status_code == 403
    assert clerk.post(f"{COMPANIES}{world.company.pk}/delete/", {"post": "yes"}).status_code == 403
    assert stored(world.clerk).last_name == "Clerk"
    assert stored(world.company).deleted_at is None
    ProfileRight.objects.filter(profile=world.profile, entity="Company").update(edit=False)
    assert clerk.post(f"{COMPANIES}{world.company.pk}/change/", {"name": "Mine"}).status_code == 403
    assert "name" not in clerk.get(f"{COMPANIES}{world.company.pk}/change/").context["adminform"].form.fields


def test_a_stale_form_is_refused(clerk: Client, boss: Client, world: World) -> None:
    address = f"{COMPANIES}{world.company.pk}/change/"
    opened = form_of(clerk.get(address))
    assert change(boss, address, sector="Energy").status_code == 302
    refused = clerk.post(address, {**opened, "name": "Too late"})
    assert "in the meantime" in errors(refused)["__all__"][0]
    assert stored(world.company).name == "Alpha Ltd"
    opened = form_of(clerk.get(address))
    assert change(boss, address, revenue="").status_code == 302
    assert clerk.post(address, {**opened, "name": "In time"}).status_code == 302


def test_a_rule_of_the_business_is_said_beside_the_field(boss: Client, world: World) -> None:
    refused = change(boss, f"/admin/entities/case/{world.case.pk}/change/", primary_person=world.person.pk)
    assert errors(refused) == {"primary_person": ["The person belongs to another company."]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("opened_0", "yesterday"),
        ("opened_0", "99999-01-01"),
        ("stage", "nonsense"),
        ("assigned_user", "zebra"),
        ("description", ""),
        ("description", "x" * 256),
        ("description", "a\x00b"),
        ("problem_note", "x" * 100_001),
    ],
)
def test_bad_input_is_an_error_of_the_form(clerk: Client, world: World, name: str, value: str) -> None:
    refused = change(clerk, f"/admin/entities/case/{world.case.pk}/change/", **{name: value})
    assert list(errors(refused)) == [name.removesuffix("_0")]
    assert stored(world.case).description == "Printer is on fire"


@pytest.mark.parametrize("value", ["NaN", "1e99999999", "zebra", "1.1234567", "9" * 30])
def test_bad_numbers_are_errors_of_the_form(boss: Client, world: World, value: str) -> None:
    refused = change(boss, f"/admin/entities/opportunity/{world.opportunity.pk}/change/", forecast=value)
    assert list(errors(refused)) == ["forecast"]


def test_codes_that_are_not_on_offer_stay_where_they_are(boss: Client, world: World) -> None:
    Company._default_manager.filter(pk=world.company.pk).update(sector="Alchemy")
    address = f"{COMPANIES}{world.company.pk}/change/"
    assert change(boss, address, name="Alpha plc").status_code == 302
    assert (stored(world.company).sector, stored(world.company).name) == ("Alchemy", "Alpha plc")


def test_a_text_stays_as_it_is(boss: Client, world: World) -> None:
    text = "  first\nsecond \n"
    Case._default_manager.filter(pk=world.case.pk).update(problem_note=text)
    address = f"/admin/entities/case/{world.case.pk}/change/"
    assert change(boss, address, problem_note=text.replace("\n", "\r\n"), priority="High").status_code == 302
    assert (stored(world.case).problem_note, stored(world.case).priority) == (text, "High")


def test_deletion_is_a_mark_with_its_consequences(clerk: Client, world: World) -> None:
    address = f"{COMPANIES}{world.own_company.pk}/delete/"
    assert "Beta Ltd" in clerk.get(address).content.decode()
    assert stored(world.own_company).deleted_at is None
    assert clerk.post(address, {"post": "yes"}).status_code == 302
    assert stored(world.own_company).deleted_at is not None
    assert clerk.get(f"{COMPANIES}{world.own_company.pk}/change/").status_code == 302
    assert Change.objects.filter(kind="Company", key=world.own_company.pk, action="delete").exists()


def test_bulk_deletion_asks_for_every_row_and_deletes_all_or_none(clerk: Client, world: World) -> None:
    both = {"action": "delete_selected", "_selected_action": [world.company.pk, world.own_company.pk]}
    question = clerk.post(COMPANIES, both)
    assert question.status_code == 200
    assert question.context["perms_lacking"] == {"company"}
    assert clerk.post(COMPANIES, {**both, "post": "yes"}).status_code == 403
    assert stored(world.own_company).deleted_at is None
    own = {**both, "_selected_action": [world.own_company.pk]}
    assert "Beta Ltd" in clerk.post(COMPANIES, own).content.decode()
    assert clerk.post(COMPANIES, {**own, "post": "yes"}).status_code == 302
    assert stored(world.own_company).deleted_at is not None
    assert stored(world.company).deleted_at is None


def test_bulk_deletion_reaches_visible_rows_only(clerk: Client, world: World) -> None:
    ProfileRight.objects.filter(profile=world.profile, entity="Company").update(delete_right=True)
    chosen = {"action": "delete_selected", "_selected_action": [world.invisible.pk, 987654], "post": "yes"}
    assert MARK not in clerk.post(COMPANIES, {**chosen, "post": ""}).content.decode()
    clerk.post(COMPANIES, chosen)
    assert stored(world.invisible).deleted_at is None
    assert clerk.post(COMPANIES, {**chosen, "_selected_action": "zebra"}).status_code == 400


def test_bulk_deletion_is_bounded(boss: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.admin_gated.SELECTED_ROWS", 2)
    everything = {
        "action": "delete_selected",
        "_selected_action": world.company.pk,
        "select_across": "1",
        "post": "yes",
    }
    answer = boss.post(COMPANIES, everything)
    assert answer.status_code == 302
    assert "Choose at most 2 records at a time." in said(answer)
    assert stored(world.company).deleted_at is None


def test_what_is_in_use_is_not_deleted(boss: Client, world: World) -> None:
    for kind, record in (("territory", world.uk), ("user", world.clerk)):
        answer = boss.post(f"/admin/entities/{kind}/{record.pk}/delete/", {"post": "yes"})
        assert answer.status_code == 302
        assert said(answer) != ""
        assert stored(record).deleted_at is None
        bulk = {"action": "delete_selected", "_selected_action": record.pk, "post": "yes"}
        assert boss.post(f"/admin/entities/{kind}/", bulk).status_code == 302
        assert stored(record).deleted_at is None


def test_children_are_added_to_their_owner(clerk: Client, world: World) -> None:
    page = clerk.get(f"{COMPANIES}{world.company.pk}/change/")
    links = {related.title: related.add_address for related in page.context["related"]}
    assert set(links) == {"Addresses", "Phones", "E-mail Addresses", "Notes", "People", "Cases"}
    assert change(clerk, links["Phones"], number="555 1234").status_code == 302
    phones = clerk.get(f"/admin/entities/phone/?owner=Company-{world.company.pk}").context["cl"].result_list
    assert [str(phone) for phone in phones] == ["555 1234"]
    refused = change(clerk, links["Phones"], number="555 9999", owner_id=world.invisible.pk)
    missing = change(clerk, links["Phones"], number="555 9999", owner_id=987654)
    assert errors(refused) == errors(missing) != {}


def test_odd_requests_to_forms_do_no_harm(clerk: Client, world: World) -> None:
    address = f"{COMPANIES}{world.company.pk}/change/"
    count = system_rows(Company).count()
    assert clerk.post(address, {**form_of(clerk.get(address)), "_saveasnew": "1"}).status_code == 400
    assert system_rows(Company).count() == count
    assert clerk.post(address, {}).status_code == 200
    assert clerk.put(address).status_code in (200, 405)
    popup = clerk.post(f"{COMPANIES}add/", {**form_of(clerk.get(f"{COMPANIES}add/")), "name": "Pop", "_popup": "1"})
    assert popup.status_code == 200
    assert system_rows(Person).filter(pk=world.person.pk).exists()


def test_a_created_record_out_of_sight_is_told_without_its_title(clerk: Client, world: World) -> None:
    ProfileRight.objects.filter(profile=world.profile, entity="Company").update(view=False)
    ProfileRight.objects.filter(profile=world.profile, entity="Company", scope="home").update(insert=True)
    answer = change(clerk, f"{COMPANIES}add/", name="Unseen Ltd")
    assert answer.status_code == 302
    new = system_rows(Company).get(name="Unseen Ltd")
    assert f"Company {new.pk}" in said(answer)
    assert "Unseen" not in said(answer)


def test_a_deleted_user_is_logged_out(clerk: Client, world: World) -> None:
    User._default_manager.filter(pk=world.clerk.pk).update(disabled=True)
    assert clerk.get("/admin/").status_code == 302


def test_a_change_of_state_is_a_transition_or_an_error_of_the_form(clerk: Client, world: World) -> None:
    address = f"/admin/entities/case/{world.case.pk}/change/"
    (said_there,) = errors(change(clerk, address, stage="Closed"))["__all__"]
    assert said_there.startswith(
        "The workflow does not lead there from here. Possible now: Queue (Queued / In Progress)"
    )
    assert errors(change(clerk, address, stage="Solved")) == {"solution_note": ["Case_SolutionNote is required."]}
    assert stored(world.case).stage == "Logged"
    assert change(clerk, address, stage="Closed", status="Closed").status_code == 302
    now = stored(world.case)
    assert (now.stage, now.status, now.closed_by_id) == ("Closed", "Closed", world.clerk.pk)
    assert now.closed == now.updated_at
