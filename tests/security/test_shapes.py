"""Which fields somebody reads, writes and must fill (security.md §3), one sentence a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from guardian.shortcuts import assign_perm

from entities.models import Case, Team
from entities.registry import registry
from security import gate
from tests.security.people import access, profile, right, rule, user

if TYPE_CHECKING:
    from entities.models import User
    from security.models import Profile
    from security.shapes import Shape

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales() -> Profile:
    found = profile("Sales")
    for kind in ("Company", "Person", "Opportunity", "Quotes"):
        right(found, kind, "view insert edit delete")
    return found


@pytest.fixture
def susan(sales: Profile) -> User:
    return user("susan", sales, teams=(Team.objects.create(description="Direct Sales"),))


def shape(who: User, kind: str = "Company") -> Shape:
    """Return the user's shape now."""
    return access(who).shape(registry()[kind])


def writes(who: User, wire: str, kind: str = "Company") -> bool:
    """Whether the user writes the field."""
    return shape(who, kind).writes(registry()[kind].by_wire[wire.lower()])


def test_nothing_said_means_allowed_and_for_administrators_fields_denied(susan: User) -> None:
    assert shape(susan).reads("revenue")
    assert writes(susan, "Comp_Revenue")
    assert not shape(susan, "Users").reads("home_phone")
    rule("User_HomePhone", "Users", read=True)
    assert shape(susan, "Users").reads("home_phone")
    assert not writes(susan, "User_HomePhone", "Users"), "each question is decided on its own"


@pytest.mark.parametrize(
    ("general", "special"), [("everyone", "profile"), ("everyone", "user"), ("profile", "team"), ("team", "user")]
)
@pytest.mark.parametrize("allowed", [True, False])
def test_the_more_specific_level_decides(
    susan: User, sales: Profile, general: str, special: str, *, allowed: bool
) -> None:
    holders: dict[str, dict[str, Any]] = {
        "everyone": {},
        "profile": {"profile": sales},
        "team": {"team": susan.teams.get()},
        "user": {"user": susan},
    }
    rule("Comp_Revenue", read=not allowed, **holders[general])
    rule("Comp_Revenue", read=allowed, **holders[special])
    assert shape(susan).reads("revenue") is allowed


def test_inside_one_level_deny_beats_allow_and_required_beats_not(susan: User, sales: Profile) -> None:
    other = profile("Other")
    susan.groups.add(other.group)
    rule("Comp_Revenue", profile=sales, read=True, required=True)
    rule("Comp_Revenue", profile=other, read=False, required=False)
    rule("Comp_WebSite", profile=sales, write=True, required=True)
    rule("Comp_WebSite", profile=other, write=False, required=False)
    assert not shape(susan).reads("revenue")
    assert shape(susan).reads("web_site")
    assert not writes(susan, "Comp_WebSite")
    assert shape(susan).requires(registry()["Company"].by_wire["comp_website"])


def test_write_needs_read(susan: User) -> None:
    rule("Comp_Revenue", read=False, write=True)
    assert not writes(susan, "Comp_Revenue")


def test_the_key_is_always_readable_and_never_writable(susan: User) -> None:
    rule("Comp_CompanyId", read=False, write=True)
    assert shape(susan).reads("id")
    assert not writes(susan, "Comp_CompanyId")


def test_a_computed_field_is_readable_only_with_all_that_it_is_made_from(susan: User) -> None:
    rule("Pers_FirstName", "Person", read=False)
    rule("QuIt_Quantity", "QuoteItems", read=False)
    rule("Quot_Currency", "Quotes", read=False)
    assert not shape(susan, "Person").reads("full_name")
    hidden = {"quoted_price_total", "discount_sum", "tax", "quit_tax_cid"}
    assert not [name for name in hidden if shape(susan, "QuoteItems").reads(name)]
    assert not [name for name in ("nett_amt", "gross_amt", "tax", "quot_tax_cid") if shape(susan, "Quotes").reads(name)]
    assert not [name for name in ("total_quotes", "total") if shape(susan, "Opportunity").reads(name)]


def test_a_kind_that_shows_anothers_rows_obeys_that_ones_rules(susan: User) -> None:
    rule("PLink_Type", "Phone", read=False)
    assert not shape(susan, "PhoneLink").reads("type")


def test_stamps_territory_and_team_are_fields_like_any_other(susan: User) -> None:
    for wire in ("Comp_CreatedBy", "Comp_UpdatedDate", "Comp_SecTerr", "Comp_ChannelId"):
        rule(wire, read=False)
    assert not [n for n in ("created_by", "updated_at", "territory", "team") if shape(susan).reads(n)]


def test_a_rule_never_lifts_the_models_own_requirement(susan: User) -> None:
    rule("Comp_Name", required=False, user=susan)
    assert shape(susan).requires(registry()["Company"].by_wire["comp_name"])


@pytest.mark.parametrize("hidden", [True, False])
def test_a_required_field_without_default_that_one_cannot_write_ends_insert(susan: User, *, hidden: bool) -> None:
    assert "insert" in shape(susan).actions
    rule("Comp_WebSite", required=True, write=False, read=not hidden)
    assert shape(susan).actions == {"view", "edit", "delete"}


def test_a_required_field_with_a_default_does_not(susan: User) -> None:
    rule("Comp_Status", required=True, write=False)
    rule("Comp_SecTerr", required=True, write=False)
    rule("Comp_OptOut", required=True, write=False)
    assert "insert" in shape(susan).actions


def test_whoever_could_only_insert_and_cannot_knows_no_kind() -> None:
    """Not even those that tell of fields, or that would be created with it."""
    clerks = profile("Clerks")
    clerks.rights.all().delete()
    right(clerks, "Company", "insert")
    clerk = user("clerk", clerks)
    captions, address = registry()["Custom_Captions"], registry()["Address"]
    assert access(clerk).knows(captions)
    assert access(clerk).nests(address)
    rule("Comp_Name", write=False)
    assert not any(access(clerk).knows(entity) or access(clerk).nests(entity) for entity in registry())


def test_the_models_own_required_field_hidden_ends_insert(susan: User) -> None:
    rule("Comp_Name", read=False)
    assert "insert" not in shape(susan).actions


def test_a_rule_says_nothing_of_what_only_the_server_writes(susan: User) -> None:
    rule("Comp_LibraryDir", required=True, write=True)
    assert "insert" in shape(susan).actions
    assert not writes(susan, "Comp_LibraryDir")


def test_the_full_plan_is_under_no_field_rule(susan: User) -> None:
    boss = user("boss", is_superuser=True)
    rule("Comp_Name", read=False)
    rule("Comp_WebSite", required=True, write=False)
    full = shape(boss)
    assert [item.wire for item in full.fields] == [field.wire for field in registry()["Company"].fields]
    assert not full.requires(registry()["Company"].by_wire["comp_website"])
    assert "insert" in full.actions
    assert shape(boss, "Users").reads("home_phone")


def test_shapes_are_equal_for_users_with_the_same_rights(susan: User, sales: Profile) -> None:
    william = user("william", sales)
    rule("Comp_Revenue", profile=sales, read=False)
    assert shape(susan) == shape(william)
    assert hash(shape(susan)) == hash(shape(william))
    rule("Comp_Revenue", user=william, read=True)
    assert shape(susan) != shape(william)


def test_names_of_rules_are_understood_in_any_case_and_by_any_alias(susan: User) -> None:
    rule("COMP_revenue", "companies", read=False)
    assert not shape(susan).reads("revenue")


def test_a_rule_about_a_field_that_no_longer_exists_is_no_rule(susan: User) -> None:
    rule("Comp_Nosuch", read=False)
    rule("Nosu_Name", "Nosuch", read=False)
    assert shape(susan).reads("name")


def test_a_hidden_name_resolves_like_an_unknown_one(susan: User) -> None:
    rule("Comp_Revenue", read=False)
    rule("Comp_PrimaryPersonId", read=False)
    company, plan = registry()["Company"], access(susan)
    assert gate.resolve(plan, company, "comp_revenue") is gate.resolve(plan, company, "comp_nosuch") is None
    assert gate.relation(plan, company, "person") is gate.relation(plan, company, "nosuch") is None
    assert gate.through(plan, company, ["Person", "Pers_LastName"]) is None
    found = gate.resolve(plan, company, "COMP_NAME")
    assert found is not None
    assert found.wire == "Comp_Name"


def test_a_relation_to_a_kind_that_one_cannot_see_is_unknown(susan: User, sales: Profile) -> None:
    assert gate.relation(access(susan), registry()["Company"], "Person") is not None
    sales.rights.filter(entity="Person").delete()
    assert gate.relation(access(susan), registry()["Company"], "Person") is None


def transitions(who: User, kind: str = "Cases") -> tuple[str, ...]:
    """Return the transitions that the user may do now."""
    return access(who).shape(registry()[kind]).transitions


def refuse(holder: Profile, *names: str) -> None:
    """Let a profile refuse these transitions."""
    type(holder).objects.filter(pk=holder.pk).update(refused=list(names))


def test_a_transition_is_refused_only_where_every_profile_refuses_it(susan: User, sales: Profile) -> None:
    right(sales, "Cases", "view edit")
    assert "close" in transitions(susan)
    refuse(sales, "Cases.close", "Cases.wait")
    assert not {"close", "wait"} & set(transitions(susan))
    other = profile("Other")
    refuse(other, "Cases.wait", "Opportunity.win")
    susan.groups.add(other.group)
    assert {"close", "wait"} & set(transitions(susan)) == {"close"}
    assert "win" in transitions(susan, "Opportunity")


def test_a_transition_needs_edit_and_the_state_and_what_it_requires(susan: User, sales: Profile) -> None:
    right(sales, "Cases", "view insert delete")
    assert transitions(susan) == ()
    right(sales, "Cases", "edit", scope="created_by")
    assert transitions(susan) == ("queue", "investigate", "wait", "solve", "close", "reopen", "reassign")
    rule("Case_SolutionNote", "Cases", write=False)
    assert "solve" not in transitions(susan)
    assert "close" in transitions(susan)
    rule("Case_ChannelId", "Cases", write=False)
    assert "reassign" in transitions(susan)
    rule("Case_AssignedUserId", "Cases", read=False)
    assert "reassign" not in transitions(susan)
    rule("Case_Stage", "Cases", write=False)
    assert transitions(susan) == ()


def test_whoever_has_no_profile_has_no_transition_and_a_superuser_has_all(sales: Profile) -> None:
    refuse(sales, "Cases.close")
    assert "close" in transitions(user("boss", sales, is_superuser=True))
    case = Case.objects.create(description="x")
    alone = user("alone")
    for action in ("view", "change"):
        assign_perm(f"{action}_case", alone, case)
    assert access(alone).shape(registry()["Cases"]).offers("edit")
    assert transitions(alone) == ()


def test_whoever_only_reads_has_no_transition(susan: User, sales: Profile) -> None:
    right(sales, "Cases", "view edit")
    assert access(susan).reading.shape(registry()["Cases"]).transitions == ()


def test_a_refusal_changes_the_plan_of_those_it_touches(susan: User, sales: Profile) -> None:
    right(sales, "Cases", "view edit")
    peter = user("peter", profile("Support"))
    before = [(access(who).digest, access(who).shape(registry()["Cases"])) for who in (susan, peter)]
    refuse(sales, "Cases.close")
    after = [(access(who).digest, access(who).shape(registry()["Cases"])) for who in (susan, peter)]
    assert before[0][0] != after[0][0]
    assert before[0][1] != after[0][1]
    assert before[1] == after[1]
