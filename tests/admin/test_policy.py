"""What administrators manage: profiles, rights, field rules, tokens, users, territories, lists and grants."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from entities.models import Caption, Company, Territory, User
from entities.registry import registry
from security import credentials, gate
from security.gate import system_rows
from security.models import FieldRule, Profile, ProfileRight, Token
from security.plan import access_for
from tests.admin.test_writing import change, errors
from tests.admin.world import client_of

if TYPE_CHECKING:
    from tests.admin.world import World

PROFILES = "/admin/security/profile/"
RULES = "/admin/security/fieldrule/"
TOKENS = "/admin/security/token/"
CAPTIONS = "/admin/entities/caption/"
COMPANIES = "/admin/entities/company/"


def visible(client: Client) -> set[str]:
    """Return the companies that a browser lists; none where the kind is unknown to its user."""
    response = client.get(COMPANIES)
    return {str(row) for row in response.context["cl"].result_list} if response.status_code == 200 else set()


def rights_of(profile: Profile, *rows: dict[str, Any]) -> dict[str, Any]:
    """Return what the page of ``profile`` posts for its rights and these new ones."""
    stored = list(profile.rights.order_by("pk"))
    form: dict[str, Any] = {"name": profile.group.name, "rights-INITIAL_FORMS": len(stored)}
    form["rights-TOTAL_FORMS"] = len(stored) + len(rows)
    known = [
        {
            "id": right.pk,
            "entity": right.entity,
            "scope": right.scope,
            "territory": right.territory_id or "",
            **{
                name: "on"
                for name in ("with_subtree", "view", "insert", "edit", "delete_right")
                if getattr(right, name)
            },
        }
        for right in stored
    ]
    for index, row in enumerate([*known, *rows]):
        form |= {f"rights-{index}-{name}": value for name, value in {"profile": profile.pk, **row}.items()}
    return form


def inline_errors(response: Any) -> list[dict[str, list[str]]]:
    """Return what is wrong with the rights, right by right, the blameless ones left out."""
    assert response.status_code == 200
    found = response.context["inline_admin_formsets"][0].formset.errors
    return [{name: list(said) for name, said in form.items()} for form in found if form]


@pytest.mark.parametrize(
    "address",
    [PROFILES, f"{PROFILES}add/", RULES, f"{RULES}add/", TOKENS, f"{TOKENS}add/", CAPTIONS, f"{CAPTIONS}add/"],
)
def test_policy_is_the_administrators(clerk: Client, boss: Client, address: str) -> None:
    assert boss.get(address).status_code == 200
    assert clerk.get(address).status_code == 403
    assert clerk.post(address, {"name": "Mine"}).status_code == 403


def test_a_profile_is_a_group_with_first_rights(boss: Client) -> None:
    answer = boss.post(f"{PROFILES}add/", {"name": "Testers", "functions": ["export"]})
    profile = Profile.objects.get(group__name="Testers")
    assert answer.headers["Location"] == f"{PROFILES}{profile.pk}/change/"
    assert profile.functions == ["export"]
    first = {right.entity for right in profile.rights.filter(view=True, scope="everywhere")}
    assert first == {entity.kind for entity in registry() if entity.reference_kind}
    assert errors(boss.post(f"{PROFILES}add/", {"name": "TESTERS"})) == {"name": ["There is a profile of this name."]}
    assert list(errors(boss.post(f"{PROFILES}add/", {"name": "x", "functions": ["fly"]}))) == ["functions"]
    renamed = boss.post(f"{PROFILES}{profile.pk}/change/", {**rights_of(profile), "name": "Probes"})
    assert renamed.status_code == 302
    assert Group.objects.get(pk=profile.pk).name == "Probes"
    boss.post(f"{PROFILES}{profile.pk}/delete/", {"post": "yes"})
    assert not Group.objects.filter(pk=profile.pk).exists()


def test_a_right_counts_from_the_next_request_on(boss: Client, clerk: Client, world: World) -> None:
    assert visible(clerk) == {"Alpha Ltd", "Beta Ltd"}
    ProfileRight.objects.filter(profile=world.profile, entity="Company").delete()
    assert visible(clerk) == set()
    row = {"entity": "Company", "scope": "territory", "territory": world.germany.pk, "view": "on"}
    assert boss.post(f"{PROFILES}{world.profile.pk}/change/", rights_of(world.profile, row)).status_code == 302
    assert visible(clerk) == {str(world.invisible)}


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ({"entity": "Company", "scope": "territory"}, "territory"),
        ({"entity": "Company", "scope": "everywhere", "territory": "UK"}, "territory"),
        ({"entity": "NewProduct", "scope": "home"}, "scope"),
        ({"entity": "NewProduct", "scope": "team"}, "scope"),
        ({"entity": "NewProduct", "scope": "assigned"}, "scope"),
        ({"entity": "Company", "scope": "home"}, "scope"),
        ({"entity": "Phone", "scope": "everywhere"}, "entity"),
        ({"entity": "Nonsense", "scope": "everywhere"}, "entity"),
        ({"entity": "Company", "scope": "nonsense"}, "scope"),
        ({"entity": "Company", "scope": "territory", "territory": "987654"}, "territory"),
        ({"entity": "Company", "scope": "territory", "territory": "zebra"}, "territory"),
    ],
)
def test_impossible_rights_are_errors_of_the_form(boss: Client, world: World, row: dict[str, Any], where: str) -> None:
    if row.get("territory") == "UK":
        row = {**row, "territory": world.uk.pk}
    count = ProfileRight.objects.count()
    refused = boss.post(f"{PROFILES}{world.profile.pk}/change/", rights_of(world.profile, {**row, "view": "on"}))
    assert [list(found) for found in inline_errors(refused)] == [[where]]
    assert ProfileRight.objects.count() == count


def test_field_rules_count_from_the_next_request_on(boss: Client, clerk: Client, world: World) -> None:
    rule = {"entity": "Company", "field": "Comp_Sector", "profile": world.profile.pk, "read": "false"}
    address = f"{COMPANIES}{world.company.pk}/change/"
    assert "Sector" in clerk.get(address).content.decode()
    assert boss.post(f"{RULES}add/", {**rule, "write": "unknown", "required": "unknown"}).status_code == 302
    assert "Sector" not in clerk.get(address).content.decode()
    rule = {"entity": "Company", "field": "Comp_Source", "user": world.clerk.pk, "required": "true"}
    assert boss.post(f"{RULES}add/", {**rule, "read": "unknown", "write": "unknown"}).status_code == 302
    assert list(errors(change(clerk, f"{COMPANIES}add/", name="Gamma Ltd"))) == ["source"]


def test_impossible_field_rules_are_errors_of_the_form(boss: Client, world: World) -> None:
    count = FieldRule.objects.count()
    good = {"entity": "Company", "field": "Comp_Name", "read": "false"}
    two = {**good, "profile": world.profile.pk, "user": world.clerk.pk}
    again = {"entity": "Company", "field": "Comp_Revenue", "profile": world.profile.pk, "read": "false"}
    assert list(errors(boss.post(f"{RULES}add/", {**good, "field": "Case_Stage"}))) == ["field"]
    assert list(errors(boss.post(f"{RULES}add/", {**good, "field": "Comp_Nonsense"}))) == ["field"]
    assert list(errors(boss.post(f"{RULES}add/", {**good, "entity": "Nonsense"}))) == ["entity"]
    assert list(errors(boss.post(f"{RULES}add/", two))) == ["__all__"]
    assert list(errors(boss.post(f"{RULES}add/", {**good, "read": "unknown"}))) == ["__all__"]
    assert list(errors(boss.post(f"{RULES}add/", again))) == ["__all__"]
    assert list(errors(boss.post(f"{RULES}add/", {**good, "user": "987654"}))) == ["user"]
    assert FieldRule.objects.count() == count


def test_a_token_is_shown_once_and_revoked(boss: Client, world: World) -> None:
    later = timezone.now() + timedelta(days=10)
    asked = {"user": world.clerk.pk, "name": "Reports", "expires_at_0": f"{later:%Y-%m-%d}", "expires_at_1": "00:00:00"}
    page = boss.post(f"{TOKENS}add/", {**asked, "read_only": "on"})
    secret = page.context["token"]
    assert page.content.decode().count(secret) == 1
    assert page.headers["Cache-Control"].find("no-store") >= 0
    verified = credentials.verify_token(secret)
    assert verified is not None
    assert (verified.user_id, verified.read_only) == (world.clerk.pk, True)
    token = Token.objects.get(name="Reports")
    for address in (TOKENS, f"{TOKENS}{token.pk}/change/"):
        text = boss.get(address).content.decode()
        assert secret not in text
        assert token.hash not in text
    assert boss.post(f"{TOKENS}{token.pk}/change/", asked).status_code == 403
    boss.post(TOKENS, {"action": "revoke", "_selected_action": token.pk})
    assert credentials.verify_token(secret) is None
    past = {**asked, "expires_at_0": "2020-01-01"}
    assert list(errors(boss.post(f"{TOKENS}add/", past))) == ["expires_at"]


def test_users_are_managed_with_their_accounts(boss: Client, world: World) -> None:
    account = {"account_staff": "on", "account_profiles": [world.profile.pk], "account_teams": [world.team.pk]}
    fields = {"logon": "newcomer", "last_name": "Newcomer", "home_territory": world.uk.pk, **account}
    answer = change(boss, "/admin/entities/user/add/", **fields)
    user = system_rows(User).get(logon="newcomer")
    assert answer.headers["Location"] == f"/admin/entities/user/{user.pk}/password/"
    assert credentials.verify_password("newcomer", "") is None
    page = boss.get(answer.headers["Location"])
    assert page.status_code == 200
    passwords = {"new_password1": "a long secret", "new_password2": "a long secret"}
    assert boss.post(answer.headers["Location"], {**passwords, "new_password2": "another"}).status_code == 200
    assert boss.post(answer.headers["Location"], passwords).status_code == 302
    assert User._default_manager.get(pk=user.pk).password.startswith("argon2")
    browser = Client(SERVER_NAME="localhost")
    assert browser.login(username="Newcomer", password="a long secret")
    assert visible(browser) == {"Alpha Ltd", "Beta Ltd"}
    assert list(user.teams.all()) == [world.team]
    address = f"/admin/entities/user/{user.pk}/change/"
    assert change(boss, address, account_profiles=[], account_teams=[]).status_code == 302
    assert visible(browser) == set()
    assert change(boss, address, disabled="on").status_code == 302
    assert browser.get("/admin/").status_code == 302
    assert errors(change(boss, "/admin/entities/user/add/", **{**fields, "logon": "NEWCOMER"})) != {}
    assert list(errors(change(boss, address, account_profiles=["987654"]))) == ["account_profiles"]


def test_administrators_do_not_lock_themselves_out(boss: Client, world: World) -> None:
    address = f"/admin/entities/user/{world.boss.pk}/change/"
    form = boss.get(address).context["adminform"].form
    assert form["account_administrator"].value() is True
    posted = {"logon": "boss", "last_name": "Boss", "shown_tag": form["shown_tag"].value(), "account_staff": "on"}
    assert "__all__" in errors(boss.post(address, posted))
    assert "__all__" in errors(change(boss, address, disabled="on"))
    assert change(boss, address, first_name="Big").status_code == 302
    assert User._default_manager.get(pk=world.boss.pk).is_superuser
    assert boss.get("/admin/").status_code == 200


def test_accounts_are_nothing_that_others_see(clerk: Client, world: World) -> None:
    text = clerk.get(f"/admin/entities/user/{world.outsider.pk}/change/").content.decode()
    assert "Outsider" in text
    for word in ("account_", "Home Phone", "Home Territory", "password/", "Security Profile"):
        assert word not in text
    assert clerk.get(f"/admin/entities/user/{world.clerk.pk}/password/").status_code == 403
    assert clerk.post(f"/admin/entities/user/{world.boss.pk}/password/", {}).status_code == 403


def test_only_staff_log_in(world: World) -> None:
    for user in (world.outsider, world.clerk):
        user.set_password("a long secret")
        user.save()
    page = "/admin/login/?next=/admin/"
    for logon, password in (("outsider", "a long secret"), ("clerk", "wrong"), ("nobody", "a long secret")):
        answer = Client(SERVER_NAME="localhost").post(page, {"username": logon, "password": password})
        assert answer.status_code == 200
        assert "and password for a staff account" in answer.content.decode()
    good = Client(SERVER_NAME="localhost").post(page, {"username": "clerk", "password": "a long secret"})
    assert good.status_code == 302
    browser = client_of(world.outsider)
    assert browser.get(COMPANIES).status_code == 302
    assert "Companies" not in browser.get("/admin/login/").content.decode()


def test_staff_change_their_own_password(world: World) -> None:
    world.clerk.set_password("a long secret")
    world.clerk.save()
    browser = client_of(User._default_manager.get(pk=world.clerk.pk))
    new = {"old_password": "a long secret", "new_password1": "another secret", "new_password2": "another secret"}
    assert list(browser.post("/admin/password_change/", {**new, "old_password": "wrong"}).context["form"].errors)
    assert browser.post("/admin/password_change/", new).status_code == 302
    assert credentials.verify_password("clerk", "another secret") is not None
    assert browser.get("/admin/").status_code == 200
    User._default_manager.filter(pk=world.clerk.pk).update(cannot_change_password=True)
    again = {**new, "old_password": "another secret", "new_password1": "third one", "new_password2": "third one"}
    assert "does not allow" in browser.post("/admin/password_change/", again).content.decode()
    assert credentials.verify_password("clerk", "another secret") is not None


def test_the_territory_tree_is_managed(boss: Client, clerk: Client, world: World) -> None:
    add = "/admin/entities/territory/add/"
    assert change(boss, add, caption="Scotland", parent=world.uk.pk).status_code == 302
    scotland = system_rows(Territory).get(caption="Scotland")
    Company._default_manager.filter(pk=world.invisible.pk).update(territory=scotland)
    assert visible(clerk) == {"Alpha Ltd", "Beta Ltd", str(world.invisible)}
    address = f"/admin/entities/territory/{scotland.pk}/change/"
    assert change(boss, address, parent=world.germany.pk).status_code == 302
    assert visible(clerk) == {"Alpha Ltd", "Beta Ltd"}
    assert errors(change(boss, f"/admin/entities/territory/{world.germany.pk}/change/", parent=scotland.pk)) != {}
    listed = boss.get("/admin/entities/territory/").context["cl"].result_list
    assert [str(row) for row in listed] == ["Worldwide", "Germany", "Scotland", "United Kingdom"]


def test_selection_lists_are_managed(boss: Client, clerk: Client, world: World) -> None:
    code = {"family": "Comp_Sector", "code": "Space", "us": "Space flight", "order": "99"}
    assert boss.post(f"{CAPTIONS}add/", code).status_code == 302
    form = clerk.get(f"{COMPANIES}{world.company.pk}/change/").context["adminform"].form
    assert ("Space", "Space flight") in form.fields["sector"].choices
    assert list(errors(boss.post(f"{CAPTIONS}add/", {**code, "code": "SPACE"}))) == ["__all__"]
    assert list(errors(boss.post(f"{CAPTIONS}add/", {**code, "family": "Nonsense"}))) == ["family"]
    caption = Caption.objects.get(code="Space")
    address = f"{CAPTIONS}{caption.pk}/change/"
    assert boss.post(address, {"us": "Space", "order": "99", "retired": "on", "code": "Changed"}).status_code == 302
    caption.refresh_from_db()
    assert (caption.code, caption.us, caption.retired) == ("Space", "Space", True)
    assert boss.post(f"{CAPTIONS}{caption.pk}/delete/", {"post": "yes"}).status_code == 403


def test_records_are_shared_one_by_one(boss: Client, clerk: Client, world: World) -> None:
    page = f"{COMPANIES}{world.invisible.pk}/sharing/"
    group = world.profile.group.pk
    assert boss.post(page, {"profile": group, "actions": ["view", "edit"]}).status_code == 302
    assert visible(clerk) == {"Alpha Ltd", "Beta Ltd", str(world.invisible)}
    company = registry()["Company"]
    assert gate.allows(access_for(world.clerk.pk), company, "edit", world.invisible.pk)
    assert boss.post(page, {"user": world.clerk.pk, "actions": ["view"]}).status_code == 302
    told = [(share.name, share.holder, share.ordered) for share in boss.get(page).context["shares"]]
    assert told == [("Clerks", "profile", ["view", "edit"]), ("Carla Clerk", "user", ["view"])]
    assert boss.post(page, {"profile": group}).status_code == 302
    assert not gate.allows(access_for(world.clerk.pk), company, "edit", world.invisible.pk)
    assert boss.post(page, {"user": world.clerk.pk}).status_code == 302
    assert visible(clerk) == {"Alpha Ltd", "Beta Ltd"}
    for bad in ({}, {"profile": group, "user": world.clerk.pk}, {"profile": "987654"}, {"user": "zebra"}):
        assert boss.post(page, {**bad, "actions": ["view"]}).status_code == 200
    assert boss.post(page, {"profile": group, "actions": ["fly"]}).status_code == 200
    assert visible(clerk) == {"Alpha Ltd", "Beta Ltd"}
    assert clerk.get(f"{COMPANIES}{world.company.pk}/sharing/").status_code == 403
    assert clerk.post(page, {"profile": group, "actions": ["view"]}).status_code == 403


def test_messages_of_the_policy_pages_name_no_secret(boss: Client, world: World) -> None:
    later = timezone.now() + timedelta(days=10)
    asked = {"user": world.clerk.pk, "name": "x", "expires_at_0": f"{later:%Y-%m-%d}", "expires_at_1": "00:00:00"}
    page = boss.post(f"{TOKENS}add/", asked)
    assert not list(get_messages(page.wsgi_request))
    assert page.context["token"] not in str(page.cookies)


def test_a_refused_transition_is_refused_from_the_next_request_on(boss: Client, clerk: Client, world: World) -> None:
    address = f"{PROFILES}{world.profile.pk}/change/"
    kept = {**rights_of(world.profile), "name": world.profile.group.name}
    assert boss.post(address, {**kept, "refused": ["Cases.close"]}).status_code == 302
    assert Profile.objects.get(pk=world.profile.pk).refused == ["Cases.close"]
    case = f"/admin/entities/case/{world.case.pk}/change/"
    assert list(errors(change(clerk, case, stage="Closed", status="Closed"))) == ["__all__"]
    assert change(clerk, case, stage="Queued").status_code == 302
    assert list(errors(boss.post(address, {**kept, "refused": ["Cases.fly"]}))) == ["refused"]
    assert boss.post(address, kept).status_code == 302
    assert change(clerk, case, stage="Closed", status="Closed").status_code == 302
