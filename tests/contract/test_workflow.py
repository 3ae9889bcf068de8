"""Business actions on the wire: number 41 of the checklist, and contract.md §7.4."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.utils import timezone

from entities.models import Case, Opportunity, Quote, User
from entities.registry import registry
from security.gate import system_rows
from security.models import FieldRule, Profile, Token
from tests.api.twins import keys
from tests.api.wire import BASE, Wire, at, login, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.wire import Answer

KINDS = ("Cases", "Opportunity", "Quotes")
STAGES = ("Logged", "Queued", "Investigating", "Waiting", "Solved", "Closed")
STATES: dict[str, tuple[tuple[str, ...], ...]] = {
    "Cases": (*((stage, "In Progress") for stage in STAGES), ("Closed", "Closed")),
    "Opportunity": (
        *((stage, "In Progress") for stage in ("Lead", "Qualified", "Quoted", "Negotiating", "Sale Agreed")),
        ("Sale Closed", "Won"),
        ("Deal Lost", "Lost"),
        ("Lead", "Closed"),
    ),
    "Quotes": (("Active",), ("Inactive",), ("Converted",)),
}
NOTE = {"Case_SolutionNote": "Turned it off and on."}
CLOSED = {"Case_Stage": "Closed", "Case_Status": "Closed"}


def actions(kind: str) -> tuple[str, ...]:
    flow = registry()[kind].workflow
    assert flow is not None
    return tuple(step.name for step in flow.transitions)


def service(kind: str, key: int, name: str) -> str:
    return f"{at(kind, key)}/$service/{name}"


def offered(entry: dict[str, Any]) -> set[str]:
    """Return the actions among an entry's links."""
    return {name for name, link in entry["$links"].items() if "/$service/" in link["$url"]}


def attempt(wire: Wire, path: str, body: Any = None) -> Answer:
    """Run an action and take it back."""
    with transaction.atomic():
        answer = wire.post(path, body)
        transaction.set_rollback(True)
    return answer


def put(key: int, model: type[Any], *state: str) -> None:
    """Bring a stored record into a state, without any rule."""
    flow = registry().by_model[model].workflow
    assert flow is not None
    system_rows(model).filter(pk=key).update(**dict(zip(flow.state, state, strict=True)))


def case_of(wire: Wire, stage: str, *, editable: bool = True) -> int:
    """Return the key of a case in a stage that the caller may edit, or only see; another one for each stage."""
    found = wire.entry("cases", count=200)["$resources"]
    keys = [int(entry["$key"]) for entry in found if ("$edit" in entry["$links"]) is editable]
    key = keys[STAGES.index(stage) % len(keys)]
    put(key, Case, stage, "Closed" if stage == "Closed" else "In Progress")
    system_rows(Case).filter(pk=key).update(solution_note="")
    return key


def user_called(logon: str) -> int:
    return system_rows(User).get(logon=logon).pk


def refuse(profile: str, *names: str) -> None:
    Profile.objects.filter(group__name=profile).update(refused=list(names))


def in_every_state(wire: Wire, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the entry of a record that the caller may edit, in one state after the other; and one that is only seen."""
    found = wire.entry(kind, count=200)["$resources"]
    for entry in [e for e in found if "$edit" in e["$links"]][:1]:
        for state in STATES[kind]:
            put(entry["$key"], registry()[kind].model, *state)
            yield wire.entry(at(kind, entry["$key"]))
    yield from [e for e in found if "$edit" not in e["$links"]][:1]


@pytest.mark.parametrize("logon", ["admin", "susan", "peter", "olivia"])
def test_41_an_action_is_linked_where_it_succeeds_and_nowhere_else(logon: str) -> None:
    wire, tried = login(logon), 0
    for kind in (kind for kind in KINDS if kind in wire.kinds()):
        for entry in in_every_state(wire, kind):
            for name in actions(kind):
                status = attempt(wire, service(kind, entry["$key"], name), NOTE if name == "solve" else None).status
                refused = 409 if "$edit" in entry["$links"] else 403
                assert status == (200 if name in offered(entry) else refused), (kind, entry["$key"], name)
                tried += status == 200
    assert tried >= (20 if logon == "peter" else 40)


def test_41_an_impossible_transition_is_not_linked_and_answers_409(peter: Wire) -> None:
    key = case_of(peter, "Closed")
    assert offered(peter.entry(at("Cases", key))) == {"reopen"}
    answer = peter.post(service("Cases", key, "solve"), NOTE)
    assert answer.refusal == (409, "ApplicationDiagnosis", "TransitionNotAllowed")
    assert "Reopen (Investigating / In Progress)" in answer.diagnoses[0]["$message"]


def test_41_without_the_right_403(peter: Wire) -> None:
    logged, closed = case_of(peter, "Logged"), case_of(peter, "Closed")
    refuse("Support", "Cases.close")
    assert "close" not in offered(peter.entry(at("Cases", logged)))
    for key in (logged, closed):  # a missing right comes before the state
        assert peter.post(service("Cases", key, "close"), None).refusal == (403, "ApplicationDiagnosis", "NotPermitted")
    assert peter.patch(at("Cases", logged), CLOSED).code == "TransitionNotAllowed"
    assert "queue" in offered(peter.entry(at("Cases", logged)))
    FieldRule.objects.create(entity="Cases", field="Case_Status", write=False)
    assert offered(peter.entry(at("Cases", logged))) == set()
    assert peter.post(service("Cases", logged, "queue"), None).refusal[::2] == (403, "NotPermitted")


def test_41_somebody_who_only_sees_a_case_may_not_act_on_it(olivia: Wire, peter: Wire) -> None:
    Profile.objects.get(group__name="Partner").rights.create(entity="Cases", scope="everywhere", view=True)
    key = case_of(olivia, "Logged", editable=False)
    assert offered(olivia.entry(at("Cases", key))) == set()
    assert olivia.post(service("Cases", key, "close"), None).refusal[::2] == (403, "NotPermitted")
    Profile.objects.get(group__name="Support").rights.filter(entity="Cases").update(edit=False)
    assert peter.post(service("Cases", key, "close"), None).refusal[::2] == (403, "NotPermitted")


def test_41_a_state_field_that_cannot_be_read_makes_every_action_unknown(peter: Wire) -> None:
    key = case_of(peter, "Logged")
    for field in ("Case_Stage", "Case_Status"):
        rule = FieldRule.objects.create(entity="Cases", field=field, read=False)
        assert offered(peter.entry(at("Cases", key))) == set()
        for name in actions("Cases"):
            with statements() as sent:
                hidden = peter.post(service("Cases", key, name), {"x": 1})
            with statements() as also:
                unknown = peter.post(service("Cases", key, "nosuch"), {"x": 1})
            assert hidden.refusal == (404, "ResourceKindNotFound", "UnknownPath")
            assert hidden.body.replace(name.encode(), b"nosuch") == unknown.body
            assert len(sent) == len(also)
            for method in ("GET", "DELETE", "OPTIONS"):
                assert peter.send(method, service("Cases", key, name)).status == 404
        rule.delete()
    assert peter.post(service("Cases", key, "close"), None).status == 200


def test_41_a_record_that_cannot_be_seen_is_missing(olivia: Wire) -> None:
    hidden = next(key for key in keys("admin", "Cases") if key not in keys("olivia", "Cases"))
    answers = []
    for key in (hidden, 999_999_999):
        with statements() as sent:
            answers.append((olivia.post(service("Cases", key, "close"), {"nosuch": 1}), len(sent)))
    (first, some), (second, others) = answers
    assert first.refusal == (404, "ApplicationDiagnosis", "RecordNotFound")
    assert (first.body, some) == (second.body, others)


def test_41_a_kind_without_workflow_or_unknown_has_no_action(peter: Wire, nora: Wire) -> None:
    assert peter.post("company('2')/$service/close", None).refusal[::2] == (404, "UnknownPath")
    assert peter.post("opportunity('2')/$service/win", None).body == peter.post("opportunity('2')", None).body
    assert nora.post("cases('2')/$service/close", None).body == nora.get("cases('2')").body


def test_an_action_answers_the_whole_entry_and_does_what_its_table_says(peter: Wire) -> None:
    key = case_of(peter, "Logged")
    before = peter.entry(at("Cases", key))
    link = before["$links"]["close"]
    assert link["$method"] == "POST"
    assert link["$url"].endswith(f"{BASE}/Cases('{key}')/$service/close")
    assert link["$request"] == {
        "$properties": {
            "Case_SolutionNote": {"$title": "Solution", "$type": "sdata/string", "$isMandatory": False},
            "Case_SolutionType": {"$title": "Solution Type", "$type": "sdata/choice", "$isMandatory": False},
        }
    }
    answer = peter.post(link["$url"], {" case_solutionTYPE ": "training", "$note": 1})
    assert answer.status == 200
    assert answer.json == peter.entry(at("Cases", key))
    assert answer.headers["ETag"].strip('"') == answer.json["$etag"] != before["$etag"]
    found = answer.json
    assert (found["Case_Stage"], found["Case_Status"], found["Case_SolutionType"]) == ("Closed", "Closed", "Training")
    assert found["Case_Closed"] == found["Case_UpdatedDate"]
    assert found["Case_ClosedBy"] == found["ClosedBy"]["$key"] == found["Case_UpdatedBy"]
    chosen = peter.post(service("Cases", key, "reopen"), None, select="case_stage,$links").json
    assert set(chosen) == {"$key", "$title", "$url", "Case_Stage", "$links"}
    assert {"close", "wait", "queue", "solve", "reassign"} == offered(chosen)


@pytest.mark.parametrize("body", [None, b"", {}, {"$key": 7}])
def test_a_body_may_be_empty(peter: Wire, body: Any) -> None:
    key = case_of(peter, "Logged")
    content_type = "text/plain" if body == b"" else "application/json"
    assert peter.send("POST", service("Cases", key, "close"), body, content_type=content_type).status == 200


def test_every_spelling_of_the_address_means_the_action(peter: Wire) -> None:
    for path in ('//case("{}")/%24SERVICE/Close/', "CASES({})/$service/CLOSE"):
        assert attempt(peter, f"{BASE}/{path.format(case_of(peter, 'Logged'))}").status == 200
    for path in ("cases('1')/$service", "cases/$service/close", "cases('1')/$service/close/x", "$service/close"):
        assert peter.post(path, None).refusal[::2] == (404, "UnknownPath"), path
    assert peter.post("cases('1')/$service/close('2')", None).status == 404


def test_other_methods_answer_405_with_what_is_allowed(peter: Wire) -> None:
    there = service("Cases", case_of(peter, "Logged"), "close")
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        answer = peter.send(method, there, {})
        assert (answer.status, answer.headers["Allow"]) == (405, "POST, OPTIONS"), method
    assert peter.options(there).headers["Allow"] == "POST, OPTIONS"
    refuse("Support", "Cases.close")
    assert peter.get(there).headers["Allow"] == peter.options(there).headers["Allow"] == "OPTIONS"


def test_only_the_parameters_are_members(peter: Wire) -> None:
    key = case_of(peter, "Logged")
    there = service("Cases", key, "close")
    sent = {"Case_Description": "x", "Case_Stage": "Queued", "Users": {"$key": 1}, "Case_SolutionType": "nosuch"}
    answer = peter.post(there, sent)
    assert (answer.status, answer.codes) == (400, ["UnknownMember"] * 3 + ["NotAChoice"])
    assert answer.diagnoses[0]["$message"] == "'Case_Description' is not a field of Cases."
    FieldRule.objects.create(entity="Cases", field="Case_SolutionNote", read=False)
    FieldRule.objects.create(entity="Cases", field="Case_SolutionType", write=False)
    assert peter.entry(at("Cases", key))["$links"]["close"]["$request"] == {"$properties": {}}
    for name in ("Case_SolutionNote", "Case_SolutionType"):
        refused, unknown = peter.post(there, {name: "x"}), peter.post(there, {"Case_Nosuch": "x"})
        assert refused.body.replace(name.encode(), b"Case_Nosuch") == unknown.body
    assert "solve" not in offered(peter.entry(at("Cases", key))), "what it requires cannot be sent"
    assert peter.post(service("Cases", key, "solve"), None).status == 403


def test_what_is_wrong_with_a_body_is_said_together_and_before_the_state(peter: Wire) -> None:
    there = service("Cases", case_of(peter, "Logged"), "solve")
    answer = peter.post(there, {"Case_SolutionType": 1, "Case_SolutionNote": ""})
    assert answer.codes == ["WrongType", "Required"]
    assert answer.diagnoses[1]["$payloadPath"] == "Case_SolutionNote"
    assert peter.post(there, None).code == "Required"
    assert peter.post(there, []).code == "BadJson"
    assert peter.post(there, b"{").code == "BadJson"
    assert peter.post(there, b"x", content_type="text/plain").status == 415
    assert peter.post(there, {}, foo=1).code == "UnknownParameter"
    assert peter.post(service("Cases", case_of(peter, "Closed"), "solve"), {"x": 1, **NOTE}).code == "UnknownMember"


def test_a_reference_is_one_that_the_caller_sees(peter: Wire) -> None:
    there = service("Cases", case_of(peter, "Logged"), "queue")
    assert peter.post(there, {"Case_AssignedUserId": 999_999}).code == "BadReference"
    mine = peter.entry("$whoami")["$user"]["$key"]
    answer = peter.post(there, {"Users": {"$key": mine}})
    assert (answer.status, answer.json["Case_Stage"], answer.json["Case_AssignedUserId"]) == (200, "Queued", mine)


def test_what_is_sent_counts_as_sent_even_where_it_is_there_already(admin: Wire) -> None:
    key = next(e["$key"] for e in admin.entry("opportunity", where="oppo_stage eq 'Lead'", count=1)["$resources"])
    admin.patch(at("Opportunity", key), {"oppo_certainty": 42})
    answer = admin.post(service("Opportunity", key, "quote"), {"oppo_certainty": 42})
    assert (answer.json["Oppo_Stage"], answer.json["Oppo_Certainty"]) == ("Quoted", 42)


def test_a_certainty_that_is_hidden_follows_all_the_same(olivia: Wire) -> None:
    key = next(e["$key"] for e in olivia.entry("opportunity")["$resources"] if "$edit" in e["$links"])
    put(key, Opportunity, "Lead", "In Progress")
    properties = olivia.entry(at("Opportunity", key))["$links"]["qualify"]["$request"]["$properties"]
    assert list(properties) == ["Oppo_TargetClose"]
    assert olivia.post(service("Opportunity", key, "qualify"), None).status == 200
    assert system_rows(Opportunity).get(pk=key).certainty == 25


def test_if_match_guards_actions(peter: Wire) -> None:
    key = case_of(peter, "Logged")
    there, tag = service("Cases", key, "close"), peter.entry(at("Cases", key))["$etag"]
    old = peter.post(there, {"nosuch": 1}, headers={"If-Match": '"old"'})
    assert old.refusal == (412, "ApplicationDiagnosis", "PreconditionFailed")
    assert peter.post(there, None, headers={"If-Match": f'"{tag}"'}).status == 200
    assert peter.post(there, None, headers={"If-Match": f'"{tag}"'}).status == 412


def test_a_patch_of_the_pair_is_the_transition(peter: Wire) -> None:
    key = case_of(peter, "Logged")
    done = peter.patch(at("Cases", key), {**CLOSED, "Case_Description": "Done"})
    assert (done.status, done.json["Case_Closed"]) == (200, done.json["Case_UpdatedDate"])
    assert done.json["Case_Description"] == "Done"
    for pair in ({"Case_Stage": "Waiting"}, {"Case_Status": "In Progress"}, {"Case_Stage": ""}):
        answer = peter.patch(at("Cases", key), pair)
        assert answer.refusal == (409, "ApplicationDiagnosis", "TransitionNotAllowed"), pair
    again = {"Case_Stage": "closed", "Case_Status": "Closed", "Case_Description": "Again"}
    assert peter.patch(at("Cases", key), again).json["Case_Description"] == "Again"
    logged = case_of(peter, "Logged")
    missing = peter.patch(at("Cases", logged), {"Case_Stage": "Solved"})
    assert (missing.code, missing.diagnoses[0]["$payloadPath"]) == ("Required", "Case_SolutionNote")
    assert peter.patch(at("Cases", logged), {"Case_Stage": "Solved", **NOTE}).status == 200


def test_a_state_that_is_half_hidden_cannot_be_changed_and_is_not_told(peter: Wire) -> None:
    FieldRule.objects.create(entity="Cases", field="Case_Status", read=False)
    found = [case_of(peter, stage) for stage in ("Logged", "Closed")]
    told = {peter.patch(at("Cases", key), {"Case_Stage": "Waiting"}).body for key in found}
    assert len(told) == 1
    assert b"Possible" not in told.pop()


def test_reassigning_a_record_out_of_view_answers_what_is_left(olivia: Wire) -> None:
    rights = Profile.objects.get(group__name="Partner").rights
    rights.filter(entity="Cases", scope="created_by").delete()
    rights.create(entity="Cases", scope="everywhere", edit=True)
    key = case_of(olivia, "Logged")
    answer = olivia.post(service("Cases", key, "reassign"), {"case_assigneduserid": user_called("peter")})
    assert (answer.status, set(answer.json)) == (200, {"$key", "$title", "$url"})
    assert answer.json["$title"] == f"Cases {key}"
    assert olivia.get(at("Cases", key)).status == 404


def test_nobody_reassigns_a_record_out_of_their_rights(olivia: Wire) -> None:
    Profile.objects.get(group__name="Partner").rights.filter(entity="Cases", scope="created_by").delete()
    key = case_of(olivia, "Logged")
    answer = olivia.post(service("Cases", key, "reassign"), {"case_assigneduserid": user_called("peter")})
    assert answer.refusal[::2] == (403, "OutsideYourRights")
    assert olivia.get(at("Cases", key)).status == 200


def test_an_action_of_another_profile_is_enough(peter: Wire) -> None:
    key, other = case_of(peter, "Logged"), Profile.objects.get(group__name="Sales")
    refuse("Support", "Cases.close", "Cases.queue")
    refuse("Sales", "Cases.queue")
    who = peter.entry("$whoami")["$user"]["$key"]
    other.group.user_set.add(who)
    assert {"close", "queue"} & offered(peter.entry(at("Cases", key))) == {"close"}


def test_a_new_refusal_changes_the_contract_of_those_it_touches(peter: Wire, susan: Wire) -> None:
    before = [wire.get("$whoami").headers["Contract-Fingerprint"] for wire in (peter, susan)]
    refuse("Support", "Cases.close")
    after = [wire.get("$whoami").headers["Contract-Fingerprint"] for wire in (peter, susan)]
    assert before[0] != after[0]
    assert before[1] == after[1]
    assert "/Cases('{key}')/$service/close" not in peter.entry("/openapi.json")["paths"]


def test_the_first_quote_brings_an_opportunity_along_if_its_caller_may(susan: Wire) -> None:
    def new_quote() -> dict[str, Any]:
        lead = susan.post("opportunity", {"oppo_description": "New"}).json["$key"]
        assert susan.post("quotes", {"quot_opportunityid": lead}).status == 201
        return susan.entry(at("Opportunity", lead))

    assert (new_quote()["Oppo_Stage"], new_quote()["Oppo_Certainty"]) == ("Quoted", 50)
    refuse("Sales", "Opportunity.quote")
    assert (new_quote()["Oppo_Stage"], new_quote()["Oppo_Certainty"]) == ("Lead", 10)


def test_a_token_that_only_reads_is_offered_nothing(peter: Wire) -> None:
    who = peter.entry("$whoami")["$user"]["$key"]
    expires = timezone.now() + timedelta(days=1)
    Token.objects.create(
        user_id=who, name="x", hash=sha256(b"pcrm_reads").hexdigest(), read_only=True, expires_at=expires
    )
    reading = Wire({"Authorization": "Bearer pcrm_reads"})
    key = case_of(peter, "Logged")
    assert offered(reading.entry(at("Cases", key))) == set()
    assert reading.post(service("Cases", key, "close"), None).status == 403


@pytest.mark.parametrize("kind", KINDS)
def test_40_the_links_of_a_page_cost_the_same_for_every_size(admin: Wire, kind: str) -> None:
    counts = []
    for count in (1, 40):
        admin.get(kind, count=count)
        with statements() as sent:
            found = admin.entry(kind, count=count)["$resources"]
        assert any(offered(entry) for entry in found)
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_the_demo_world_keeps_to_its_workflows() -> None:
    found: list[Any] = [*system_rows(Case), *system_rows(Opportunity), *system_rows(Quote)]
    for record in found:
        flow = registry().by_model[type(record)].workflow
        assert flow is not None
        stage, status = flow.of(record)
        reached = {step.leads_to(stage, status) for step in flow.transitions}
        assert (stage, status) in reached | {("Logged", "In Progress"), ("Lead", "In Progress")}
        if flow.closing:
            assert (status in flow.closed) == (record.closed is not None)


def test_77_a_repeated_action_counts_once(peter: Wire) -> None:
    key = case_of(peter, "Logged")
    there, headers = service("Cases", key, "close"), {"Idempotency-Key": "once"}
    first, again = (peter.post(there, {"case_solutiontype": "Patch"}, headers=headers) for _ in range(2))
    assert (first.status, again.status, again.headers["Idempotency-Replayed"]) == (200, 200, "true")
    assert first.json == again.json
    assert peter.post(there, {}, headers=headers).code == "IdempotencyKeyReused"
    refused = {"Idempotency-Key": "refused"}
    assert [peter.post(there, None, headers=refused).code for _ in range(2)] == ["TransitionNotAllowed"] * 2
