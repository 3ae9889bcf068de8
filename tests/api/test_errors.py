"""Every refusal is told in one form, and a failure of the server tells nothing (contract.md §19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entities.rules.circumstances import RuleViolation
from security import writes
from security.errors import Invalid
from tests.api.wire import Wire, at

if TYPE_CHECKING:
    import pytest

COMPANY = at("Company", 2)


def test_what_a_rule_says_of_a_hidden_field_names_no_field(olivia: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise Invalid([("revenue", "BusinessRule", "Revenue is too small."), ("name", "BusinessRule", "Bad name.")])

    monkeypatch.setattr(writes, "update", refuse)
    answer = olivia.patch(COMPANY, {"comp_intid": 5})
    assert answer.status == 400
    assert b"evenue" not in answer.body
    assert answer.diagnoses[1]["$payloadPath"] == "Comp_Name"


def test_a_rule_that_refuses_changes_nothing(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuleViolation("It does not fit.", "name")

    monkeypatch.setattr("entities.rules.settle", refuse)
    before = susan.get(COMPANY).body
    answer = susan.patch(COMPANY, {"comp_name": "Other"})
    assert answer.refusal == (400, "ApplicationDiagnosis", "BusinessRule")
    assert susan.get(COMPANY).body == before
