"""A user who is deleted while a request is under way is nobody: 401, not a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import authenticate
from django.test import Client
from django.utils import timezone

from entities.models import Company, User
from security import backends, credentials, plan, writes
from security.gate import system_rows

if TYPE_CHECKING:
    from tests.api.wire import Wire


def delete_user() -> None:
    system_rows(User).filter(logon="susan").update(deleted_at=timezone.now())


@pytest.fixture
def deleted_after_verifying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete susan between the check of her password and what follows; no plan of hers is known yet."""
    verify = credentials.verify_password

    def verify_then_delete(*given: Any, **named: Any) -> Any:
        verified = verify(*given, **named)
        delete_user()
        plan._policies.clear()
        return verified

    monkeypatch.setattr(credentials, "verify_password", verify_then_delete)
    monkeypatch.setattr("api.authentication.verify_password", verify_then_delete)


@pytest.mark.usefixtures("deleted_after_verifying")
def test_a_user_deleted_after_the_check_of_the_password_is_refused(susan: Wire) -> None:
    answer = susan.get("company")
    wrong = susan.get("company", headers={"Authorization": "Basic bm9ib2R5OnBhc3N3b3Jk"})
    assert answer.status == 401
    assert (answer.body, answer.headers["WWW-Authenticate"]) == (wrong.body, wrong.headers["WWW-Authenticate"])


@pytest.mark.usefixtures("deleted_after_verifying", "demo_world")
def test_a_user_deleted_while_logging_in_is_not_logged_in(db: None) -> None:
    assert authenticate(None, username="susan", password="demo-susan") is None


def test_a_user_deleted_before_a_write_writes_nothing(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    create = writes.create

    def delete_then_create(*given: Any, **named: Any) -> Any:
        delete_user()
        return create(*given, **named)

    monkeypatch.setattr(writes, "create", delete_then_create)
    assert susan.post("company", {"Comp_Name": "Of nobody"}).status == 401
    assert not system_rows(Company).filter(name="Of nobody").exists()


def test_a_user_deleted_during_a_page_of_the_administration_is_refused(
    susan: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = system_rows(User).get(logon="susan")
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(user)
    delete_user()
    plan._policies.clear()
    monkeypatch.setattr(backends.PlanBackend, "get_user", lambda self, key: user)
    assert browser.get("/admin/entities/company/").status_code == 403
    assert not user.has_perm("entities.view_company")
    assert not user.has_module_perms("entities")
