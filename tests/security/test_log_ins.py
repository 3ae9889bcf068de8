"""The trail of log-ins: what is kept, what never is, and how much of it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from security import credentials, log_ins, second_factor, throttle
from security.credentials import confirm_password, token_hash, verify_password, verify_token
from security.log_ins import Attempt, note
from security.models import LogIn, Token
from tests.api.wire import shape_of, statements
from tests.security.people import user

if TYPE_CHECKING:
    from entities.models import User

pytestmark = pytest.mark.django_db
HERE = "203.0.113.7"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A process that has seen nobody."""
    monkeypatch.setattr(log_ins, "_written", type(log_ins._written)())
    monkeypatch.setattr(credentials, "_remembered", type(credentials._remembered)())
    monkeypatch.setattr(credentials, "_guessed", type(credentials._guessed)())
    settings.LOGIN_DELAY = 0


@pytest.fixture
def susan() -> User:
    return user("Susan", password=make_password("secret"))


def trail() -> list[tuple[str | None, str, str, int]]:
    return list(LogIn.objects.order_by("pk").values_list("user__logon", "channel", "outcome", "times"))


def test_failures_and_successes_are_kept_with_who_and_where(susan: User) -> None:
    user("gone", password=make_password("secret"), disabled=True)
    verify_password("SUSAN", "wrong", HERE)
    verify_password("susan", "secret", HERE)
    verify_password("gone", "secret", HERE)
    verify_password("nobody", "secret", HERE)
    verify_password("susan", "secret", HERE, web_service=False)  # no staff
    confirm_password(susan.pk, "wrong", HERE)
    confirm_password(susan.pk, "secret", HERE)
    assert trail() == [
        ("Susan", "api", "wrong", 1),
        ("Susan", "api", "right", 1),
        ("gone", "api", "barred", 1),
        (None, "api", "unknown", 1),
        ("Susan", "administration", "barred", 1),
        ("Susan", "own", "wrong", 1),
        ("Susan", "own", "confirmed", 1),
    ]
    assert set(LogIn.objects.values_list("network", flat=True)) == {HERE}


def test_tokens_are_kept_by_their_user_and_their_end_is_told(susan: User) -> None:
    now, later = timezone.now(), timezone.now() + timedelta(days=1)
    for text, values in (
        ("good", {"expires_at": later}),
        ("old", {"expires_at": now}),
        ("revoked", {"expires_at": later, "revoked_at": now}),
    ):
        Token.objects.create(user=susan, name=text, hash=token_hash(text), **values)
    for text in ("good", "good", "old", "revoked", "nosuch"):
        verify_token(text, HERE)
    assert trail() == [
        ("Susan", "token", "right", 1),  # at most once in five minutes of one process
        ("Susan", "token", "ended", 2),
        (None, "token", "unknown", 1),
    ]


def test_nothing_that_was_typed_is_kept(susan: User) -> None:
    verify_password("typed-by-mistake", "typed-by-mistake", HERE)
    verify_password("susan", "typed-by-mistake", HERE)
    verify_token("typed-by-mistake", HERE)
    assert LogIn.objects.count() == 3
    assert "typed" not in str(list(LogIn.objects.values_list()))


def test_what_repeats_within_an_hour_is_one_row(susan: User, settings: Any) -> None:
    settings.LOGIN_FAILURES_PER_ACCOUNT = settings.LOGIN_FAILURES_PER_NETWORK = 0
    for _ in range(5):
        verify_password("susan", "wrong", HERE)
    for number in range(5):
        verify_password(f"nobody{number}", "wrong", HERE)
    assert trail() == [("Susan", "api", "wrong", 5), (None, "api", "unknown", 5)]


def test_a_flood_that_the_throttle_refuses_is_hardly_written(susan: User, settings: Any) -> None:
    settings.LOGIN_FAILURES_PER_ACCOUNT = 1
    verify_password("susan", "wrong", HERE)
    for _ in range(5):
        with pytest.raises(throttle.TooManyFailures):
            verify_password("susan", "wrong", HERE)
    assert trail() == [("Susan", "api", "wrong", 1), ("Susan", "api", "throttled", 1)]


def test_the_trail_ends_after_a_while_and_may_be_switched_off(susan: User, settings: Any) -> None:
    verify_password("susan", "wrong", HERE)
    LogIn.objects.update(last_at=timezone.now() - timedelta(days=91), hour=timezone.now() - timedelta(days=91))
    note(Attempt(None, HERE, "api", "unknown"), "x")
    assert trail() == [(None, "api", "unknown", 1)]
    settings.LOG_IN_DAYS = 0
    verify_password("susan", "wrong", HERE)
    assert len(trail()) == 1


@pytest.mark.parametrize("web_service", [True, False])
def test_whatever_was_wrong_the_same_is_done(susan: User, web_service: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown, disabled, wrong, empty, and a right password without its code: one slow hash, the same statements."""
    hashed: list[str] = []
    verify = hashers.Argon2PasswordHasher.verify

    def counting(self: hashers.Argon2PasswordHasher, password: str, encoded: str) -> bool:
        hashed.append(encoded)
        return verify(self, password, encoded)

    monkeypatch.setattr(hashers.Argon2PasswordHasher, "verify", counting)
    stored = make_password("secret")
    gone, staff = user("gone", password=stored, disabled=True), user("staff", password=stored, is_staff=True)
    key = second_factor.new_key()
    code = second_factor.code_at(key, int(time.time()) // second_factor.STEP_SECONDS).decode()
    assert second_factor.enrol(staff.pk, key, code) is not None
    tries = [("nobody", "x"), (gone.logon, "secret"), ("susan", "wrong"), ("susan", ""), (staff.logon, "wrong")]
    tries += [] if web_service else [(staff.logon, "secret")]
    shapes = []
    for logon, password in tries:
        hashed.clear()
        with statements() as sent:
            assert verify_password(logon, password, HERE, web_service=web_service) is None
        shapes.append([shape_of(sql) for sql in sent])
        assert len(hashed) == 1
    assert any("security_login" in shape for shape in shapes[0])
    for shape in shapes:
        assert shape == shapes[0]
