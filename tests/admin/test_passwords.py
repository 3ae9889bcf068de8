"""New passwords are asked the rules; old ones are guarded like a log-in; administrators read who came."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from entities.models import User
from security import accounts, credentials
from security.errors import Invalid
from security.models import Failure, LogIn
from security.plan import access_for
from tests.admin.world import client_of

if TYPE_CHECKING:
    from django.test import Client

    from tests.admin.world import World

PASSWORD = "a long secret"
OWN = "/admin/password_change/"
POOR = {
    "too short": "k8#vQz2!pL",
    "common": "1q2w3e4r5t6y",
    "like the name": "carla-clerk!",
    "digits alone": "739201846251",
}


@pytest.fixture
def own(world: World) -> Client:
    """The browser of the clerk, who has a password."""
    world.clerk.set_password(PASSWORD)
    world.clerk.first_name, world.clerk.last_name = "Carla", "Carla-Clerk"
    world.clerk.save()
    return client_of(world.clerk)


def twice(password: str, **more: str) -> dict[str, str]:
    return {"new_password1": password, "new_password2": password, **more}


@pytest.mark.parametrize("password", POOR.values(), ids=list(POOR))
def test_a_poor_password_is_not_set_anywhere(own: Client, boss: Client, world: World, password: str) -> None:
    pages = {OWN: own, f"/admin/entities/user/{world.clerk.pk}/password/": boss}
    for page, browser in pages.items():
        answer = browser.post(page, twice(password, old_password=PASSWORD))
        assert list(answer.context["form"].errors) == ["new_password2"]
    with pytest.raises(Invalid):
        accounts.set_password(access_for(world.boss.pk), world.clerk.pk, password)
    assert credentials.verify_password("clerk", PASSWORD) is not None


def test_the_old_password_is_no_new_one(own: Client) -> None:
    assert "new_password2" in own.post(OWN, twice(PASSWORD, old_password=PASSWORD)).context["form"].errors


def test_a_stored_password_that_is_poor_still_logs_in(world: World) -> None:
    world.clerk.set_password("clerk")
    world.clerk.save()
    assert credentials.verify_password("clerk", "clerk") is not None


@pytest.mark.django_db
def test_the_first_administrator_is_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for password in ("short", POOR["digits alone"]):
        monkeypatch.setitem(os.environ, "DJANGO_SUPERUSER_PASSWORD", password)
        with pytest.raises(CommandError):
            call_command("createsuperuser", logon="boss", interactive=False, verbosity=0)
    monkeypatch.setitem(os.environ, "DJANGO_SUPERUSER_PASSWORD", "one-two-three-four")
    call_command("createsuperuser", logon="boss", interactive=False, verbosity=0)
    assert User._default_manager.get(logon="boss").check_password("one-two-three-four")


def test_the_old_password_is_guarded_like_a_log_in(own: Client, world: World, settings: Any) -> None:
    settings.LOGIN_FAILURES_PER_ACCOUNT, settings.LOGIN_DELAY = 3, 0
    wrong, right = twice("another secret", old_password="wrong"), twice("another secret", old_password=PASSWORD)
    assert [own.post(OWN, wrong).status_code for _ in range(4)] == [200] * 3 + [429]
    refused = own.post(OWN, right)
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert f"Try again in {refused.headers['Retry-After']} seconds" in refused.content.decode()
    at_the_door = own.post("/admin/login/", {"username": "clerk", "password": PASSWORD})
    assert at_the_door.status_code == 429  # one account, one count
    elsewhere = own.post(OWN, right, REMOTE_ADDR="198.51.100.9")
    assert elsewhere.status_code == 302
    assert credentials.verify_password("clerk", "another secret", "198.51.100.9") is not None


def test_administrators_read_the_trail_and_change_nothing(boss: Client, clerk: Client, world: World) -> None:
    page = "/admin/security/login/"
    credentials.verify_password("clerk", "typed-by-mistake", "203.0.113.7")
    credentials.verify_password("typed-by-mistake", "x", "203.0.113.7")
    text = boss.get(page).content.decode()
    for said in ("203.0.113.7", "(clerk)", "wrong password", "nobody known"):
        assert said in text
    assert "typed" not in text
    assert boss.get(f"{page}?q=clerk").context["cl"].result_count == 1
    key = LogIn.objects.values_list("pk", flat=True)[0]
    assert clerk.get(page).status_code == 403
    assert "Log-ins" not in clerk.get("/admin/").content.decode()
    assert boss.get(f"{page}add/").status_code == boss.post(f"{page}{key}/delete/").status_code == 403
    assert boss.post(f"{page}{key}/change/", {"times": 7}).status_code == 403
    assert LogIn.objects.count() == 2


def test_a_preview_takes_back_no_guess(world: World) -> None:
    """Whoever found an administrator's open session guesses the password no oftener by asking for previews."""
    world.boss.set_password(PASSWORD)
    world.boss.save()
    found = client_of(world.boss)
    before = Failure.objects.count()
    assert found.post(OWN, twice("another long secret", old_password="wrong", _preview="1")).status_code == 200
    assert Failure.objects.count() > before


def test_an_open_session_does_not_set_the_own_password(world: World) -> None:
    """It would let whoever found the session set up a second factor, which takes the password."""
    world.boss.set_password(PASSWORD)
    world.boss.save()
    address = f"/admin/entities/user/{world.boss.pk}/password/"
    for sent in ({}, {"_preview": "1"}):
        answer = client_of(world.boss).post(address, twice("another long secret", **sent))
        assert (answer.status_code, answer.headers.get("Location")) == (302, OWN) or sent
    assert credentials.verify_password("boss", PASSWORD) is not None
