"""Who calls: the slow hash is paid once by those who are right and always by those who are wrong."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.utils import timezone
from guardian.shortcuts import assign_perm, remove_perm

from entities.registry import registry
from security import credentials
from security.credentials import Verified, new_token, token_hash, verify_password, verify_token
from security.models import Token
from security.plan import access_for, policy_version
from tests.api.wire import statements
from tests.security.people import company, profile, user

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from entities.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def susan() -> User:
    return user("Susan", password=make_password("secret"))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stored hashes that a password was compared with."""
    compared: list[str] = []

    def check(password: str, stored: str) -> bool:
        compared.append(stored)
        return check_password(password, stored)

    monkeypatch.setattr(credentials, "check_password", check)
    monkeypatch.setattr(credentials, "_remembered", type(credentials._remembered)())
    return compared


def test_a_password_is_right_for_its_logon_in_any_case(susan: User) -> None:
    assert verify_password("sUSAN", "secret") == Verified(susan.pk, policy_version())
    assert verify_password("susan", "Secret") is None
    assert verify_password("susan", "") is None
    assert verify_password("sus%", "secret") is None
    assert verify_password("susan\x00", "secret") is None


def test_a_repeated_log_in_does_not_pay_the_slow_hash(
    susan: User, slow: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert verify_password("susan", "secret")
    with django_assert_num_queries(1):
        assert verify_password("susan", "secret")
    assert len(slow) == 1


def test_a_repeated_log_in_reads_what_is_granted_with_the_account(
    susan: User, slow: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = verify_password("susan", "secret")
    assert first
    assert first.granted is None
    access_for(susan.pk, first.version)
    with django_assert_num_queries(1):
        again = verify_password("susan", "secret")
        assert again
        access = access_for(susan.pk, again.version, granted=again.granted)
    assert again.granted == frozenset()
    assert not access.sees(registry()["Company"])
    shown = company()
    assign_perm("view_company", susan, shown)
    again = verify_password("susan", "secret")
    assert again
    assert set(again.granted or ()) == {("Company", "view", "user")}
    assert access_for(susan.pk, again.version, granted=again.granted).sees(registry()["Company"])
    remove_perm("view_company", susan, shown)
    again = verify_password("susan", "secret")
    assert again
    assert again.granted == frozenset()


def test_what_was_read_under_another_policy_is_not_used(susan: User, slow: list[str]) -> None:
    assert verify_password("susan", "secret")
    old = access_for(susan.pk)
    sales = profile("Sales")
    assign_perm("view_company", sales.group, company())
    susan.groups.add(sales.group)
    again = verify_password("susan", "secret")
    assert again
    assert again.granted is None
    access = access_for(susan.pk, again.version, granted=again.granted)
    assert access.sees(registry()["Company"])
    assert not old.sees(registry()["Company"])


@pytest.mark.parametrize("change", ["disabled", "resource", "is_template", "deleted_at", "password"])
def test_a_password_that_counts_no_more_is_soon_asked_for_like_any_other(
    susan: User, slow: list[str], change: str
) -> None:
    """Else the statement would tell, as often as one asks, that it was right a moment ago."""
    values = {"deleted_at": timezone.now(), "password": make_password("changed")}
    assert verify_password("susan", "secret")
    access_for(susan.pk)
    setattr(susan, change, values.get(change, True))
    susan.save()
    assert verify_password("susan", "secret") is None
    with statements() as sent:
        assert verify_password("susan", "secret") is None
    with statements() as other:
        assert verify_password("susan", "wrong") is None
    assert [first for first in sent if "security_holder" in first] == []
    assert sent[0] == other[0]


@pytest.mark.parametrize(("logon", "password"), [("susan", "wrong"), ("nobody", "secret"), ("susan\u0131", "secret")])
def test_no_statement_tells_a_known_logon_from_an_unknown_one(
    susan: User, slow: list[str], logon: str, password: str
) -> None:
    assert verify_password("susan", "secret")
    access_for(susan.pk)
    with statements() as sent:
        assert verify_password(logon, password) is None
    with statements() as unknown:
        assert verify_password("not known", password) is None
    assert [first for first in sent if "security_holder" in first] == []
    assert len(sent) == len(unknown)
    assert sent[0] == unknown[0].replace("not known", logon)


def test_a_wrong_password_always_pays_it(susan: User, slow: list[str]) -> None:
    assert verify_password("susan", "secret")
    assert verify_password("susan", "wrong") is None
    assert verify_password("susan", "wrong") is None
    assert len(slow) == 3


def test_an_unknown_user_pays_the_same_slow_hash(susan: User, slow: list[str]) -> None:
    assert verify_password("nobody", "secret") is None
    assert verify_password("nobody", "secret") is None
    assert [stored.split("$")[:4] for stored in slow] == [susan.password.split("$")[:4]] * 2


@pytest.mark.parametrize("state", ["disabled", "resource", "is_template"])
def test_a_user_who_may_not_log_in_is_refused_at_once_and_pays(susan: User, slow: list[str], state: str) -> None:
    assert verify_password("susan", "secret")
    setattr(susan, state, True)
    susan.save()
    assert verify_password("susan", "secret") is None
    assert len(slow) == 2


def test_a_deleted_user_is_refused_at_once(susan: User) -> None:
    assert verify_password("susan", "secret")
    susan.deleted_at = timezone.now()
    susan.save()
    assert verify_password("susan", "secret") is None


def test_a_changed_password_is_refused_at_once_and_the_new_one_accepted(susan: User, slow: list[str]) -> None:
    assert verify_password("susan", "secret")
    susan.set_password("changed")
    susan.save()
    assert verify_password("susan", "secret") is None
    assert verify_password("susan", "changed")
    assert len(slow) == 3


def test_what_is_remembered_of_one_user_lets_no_other_in(susan: User, slow: list[str]) -> None:
    other = user("other", password=susan.password)
    assert verify_password("susan", "secret") == Verified(susan.pk, policy_version())
    assert verify_password("other", "secret") == Verified(other.pk, policy_version())
    assert len(slow) == 2


def test_a_verified_password_is_forgotten_after_a_while(
    susan: User, slow: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verify_password("susan", "secret")
    later = time.monotonic() + credentials.REMEMBER_SECONDS + 1
    monkeypatch.setattr(credentials, "time", SimpleNamespace(monotonic=lambda: later))
    assert verify_password("susan", "secret")
    assert len(slow) == 2


def test_the_memory_of_passwords_is_bounded_and_holds_no_password(
    susan: User, slow: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "REMEMBER_ENTRIES", 1)
    user("other", password=susan.password)
    assert verify_password("susan", "secret")
    assert verify_password("other", "secret")
    assert len(credentials._remembered) == 1
    assert b"secret" not in b"".join(credentials._remembered)


def token(who: User, **values: Any) -> str:
    """Store a token; return its text."""
    text = new_token()
    later = timezone.now() + timedelta(days=1)
    Token.objects.create(**({"user": who, "name": "test", "hash": token_hash(text), "expires_at": later} | values))
    return text


def test_tokens_are_stored_hashed_and_a_user_may_have_several(susan: User) -> None:
    first, second = token(susan), token(susan, read_only=True)
    assert verify_token(first) == Verified(susan.pk, policy_version())
    assert verify_token(second) == Verified(susan.pk, policy_version(), read_only=True)
    stored = str(list(Token.objects.values_list()))
    assert first not in stored
    assert second not in stored


@pytest.mark.parametrize("text", ["", "pcrm_", "\x00", "\udcff", "nosuch"])
def test_an_unknown_token_is_refused(susan: User, text: str) -> None:
    token(susan)
    assert verify_token(text) is None


def test_a_token_ends_when_it_expires_is_revoked_or_its_user_leaves(susan: User) -> None:
    now = timezone.now()
    assert verify_token(token(susan, expires_at=now)) is None
    assert verify_token(token(susan, revoked_at=now)) is None
    good = token(susan)
    assert verify_token(good)
    susan.disabled = True
    susan.save()
    assert verify_token(good) is None


def test_a_token_costs_one_statement_and_no_slow_hash(
    susan: User, slow: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    good = token(susan)
    assert verify_token(good)  # the first is written into the trail
    with django_assert_num_queries(1):
        assert verify_token(good)
    assert not slow
