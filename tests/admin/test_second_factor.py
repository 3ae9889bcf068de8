"""The second factor of the administration: who needs it, what proves it, and who may change it."""

from __future__ import annotations

import base64
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command
from django.test import Client

from security import credentials, second_factor
from security.errors import NotPermitted
from security.models import BackupCode, Failure, LogIn, SecondFactor
from tests.admin.world import client_of

if TYPE_CHECKING:
    from entities.models import User
    from tests.admin.world import World

PASSWORD = "a long secret"
PAGE, LOG_IN = "/admin/second-factor/", "/admin/login/?next=/admin/"
HERE = "203.0.113.7"


class Device:
    """An authenticator: it knows a key, and what time the tests say it is."""

    def __init__(self, key: bytes) -> None:
        self.key, self.now = key, 1_900_000_000

    def code(self) -> str:
        """Return the code of now."""
        return TOTP(self.key, 6, SHA1(), 30).generate(self.now).decode()

    def later(self) -> str:
        """Return the next code, once its time has come."""
        self.now += 30
        return self.code()


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    """An authenticator, with the clock of the server."""
    made = Device(second_factor.new_key())
    monkeypatch.setattr(second_factor, "time", SimpleNamespace(time=lambda: made.now))
    return made


@pytest.fixture
def clerk_user(world: World) -> User:
    """The restricted member of staff, with a password."""
    world.clerk.set_password(PASSWORD)
    world.clerk.save()
    return world.clerk


def enrol(user: User, device: Device) -> list[str]:
    made = second_factor.enrol(user.pk, device.key, device.code())
    assert made is not None
    return made[1]


def log_in(code: str = "", password: str = PASSWORD, browser: Client | None = None, network: str = HERE) -> Any:
    browser = browser or Client(SERVER_NAME="localhost")
    sent = {"username": "clerk", "password": password, "code": code}
    return browser.post(LOG_IN, sent, REMOTE_ADDR=network)


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, to six digits."""
    key = b"12345678901234567890"
    found = {moment: second_factor.code_at(key, moment // 30) for moment in (59, 1111111109, 20000000000)}
    assert found == {59: b"287082", 1111111109: b"081804", 20000000000: b"353130"}


def test_a_log_in_needs_the_code_and_each_code_counts_once(clerk_user: User, device: Device) -> None:
    assert log_in().status_code == 302
    enrol(clerk_user, device)
    browser = Client(SERVER_NAME="localhost")
    texts = []
    for code, password in (("", PASSWORD), ("000000", PASSWORD), (device.later(), "wrong"), ("nö", PASSWORD)):
        refused = log_in(code, password, browser)
        texts.append(refused.context["form"].non_field_errors())
    assert texts == [texts[0]] * 4  # which of them was wrong is not told
    assert browser.get("/admin/").status_code == 302
    assert log_in(device.code(), browser=browser).status_code == 302
    assert browser.get("/admin/").status_code == 200
    assert log_in(device.code()).status_code == 200
    assert log_in(device.later()).status_code == 302


def test_a_session_from_before_does_not_go_on(clerk_user: User, device: Device) -> None:
    stolen = client_of(clerk_user)
    assert stolen.get("/admin/").status_code == 200
    enrol(clerk_user, device)
    for address in ("/admin/", "/admin/entities/company/", "/admin/password_change/", PAGE):
        assert stolen.get(address).headers["Location"].startswith("/admin/login/")
    posted = stolen.post(PAGE, {"step": "begin", "password": PASSWORD})
    assert posted.status_code == 302
    assert SecondFactor.objects.get().user_id == clerk_user.pk


def test_backup_codes_count_once_and_are_not_kept(clerk_user: User, device: Device) -> None:
    codes = enrol(clerk_user, device)
    assert len(codes) == 10
    assert log_in(codes[0].upper().replace("-", " ")).status_code == 302
    assert log_in(codes[0]).status_code == 200
    assert log_in(codes[1]).status_code == 302
    stored = str(list(BackupCode.objects.values_list())) + str(bytes(SecondFactor.objects.get().key))
    assert codes[2].replace("-", "") not in stored
    assert device.key not in bytes(SecondFactor.objects.get().key)


def test_wrong_codes_are_slowed_from_anywhere_but_keep_nobody_out(
    clerk_user: User, device: Device, settings: Any
) -> None:
    """Who has the password guesses from a hundred networks; the owner has a backup code."""
    settings.LOGIN_DELAY = 0
    codes = enrol(clerk_user, device)
    for number in range(10):
        assert log_in("000000", network=f"198.51.100.{number}").status_code == 200
    assert log_in(device.later(), network="198.51.100.99").status_code == 200
    assert log_in(codes[0], network="198.51.100.99").status_code == 302
    Failure.objects.all().delete()
    assert log_in(device.later()).status_code == 302


def test_a_wrong_code_is_a_failed_log_in(clerk_user: User, device: Device, settings: Any) -> None:
    settings.LOGIN_DELAY, settings.LOGIN_FAILURES_PER_ACCOUNT = 0, 3
    enrol(clerk_user, device)
    assert [log_in("000000").status_code for _ in range(4)] == [200] * 3 + [429]
    refused = log_in(device.later())
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert LogIn.objects.get(outcome="code").times == 3


def test_a_remembered_password_is_no_oracle(clerk_user: User, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick refusal of a right password that the API verified lately would tell it."""
    enrol(clerk_user, device)
    assert credentials.verify_password("clerk", PASSWORD, HERE) is not None
    slow: list[str] = []

    def check(password: str, stored: str) -> bool:
        slow.append(stored)
        return check_password(password, stored)

    monkeypatch.setattr(credentials, "check_password", check)
    log_in("000000")
    assert len(slow) == 1


def test_the_api_is_not_asked_for_codes(clerk_user: User, device: Device) -> None:
    enrol(clerk_user, device)
    assert credentials.verify_password("clerk", PASSWORD, HERE) is not None


@pytest.mark.parametrize("mode", ["off", "optional", "required"])
def test_a_setting_says_who_needs_it(clerk_user: User, device: Device, settings: Any, mode: str) -> None:
    settings.ADMIN_TOTP = mode
    browser = Client(SERVER_NAME="localhost")
    form = browser.get("/admin/login/").content.decode()
    assert ('name="code"' in form) == (mode != "off")
    assert log_in(browser=browser).status_code == 302
    index = browser.get("/admin/", follow=True)
    assert index.redirect_chain[-1:] == ([(PAGE, 302)] if mode == "required" else [])
    page = browser.get(PAGE)
    assert page.status_code == (404 if mode == "off" else 200)
    if mode == "required":
        assert 'value="leave"' in page.content.decode()
        assert browser.post(PAGE, {"step": "leave"}).headers["Location"] == "/admin/login/"
        assert "_auth_user_id" not in browser.session
        assert log_in(browser=browser).status_code == 302
    enrol(clerk_user, device)
    assert log_in().status_code == (302 if mode == "off" else 200)
    assert browser.get("/admin/").status_code == (200 if mode == "off" else 302)


def test_setting_it_up_takes_the_password_and_a_first_code(clerk_user: User, device: Device) -> None:
    browser = client_of(clerk_user)
    assert "factor-picture" not in browser.get(PAGE).content.decode()
    wrong = browser.post(PAGE, {"step": "begin", "password": "wrong"})
    assert "factor-picture" not in wrong.content.decode()
    shown = browser.post(PAGE, {"step": "begin", "password": PASSWORD})
    text = shown.content.decode()
    assert "<svg" in text
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", text)  # nobody else is told the key
    device.key = second_factor_key(text)
    hidden = shown.context["form"]["key"].value()
    again = browser.post(PAGE, {"step": "new", "key": hidden, "code": "000000"})
    assert second_factor_key(again.content.decode()) == device.key
    assert not SecondFactor.objects.exists()
    done = browser.post(PAGE, {"step": "new", "key": again.context["form"]["key"].value(), "code": device.code()})
    codes = done.context["codes"]
    assert browser.get("/admin/").status_code == 200
    assert codes[0] not in browser.get(PAGE).content.decode()
    assert log_in(codes[0]).status_code == 302
    assert log_in(device.later()).status_code == 302


def second_factor_key(text: str) -> bytes:
    found = re.search(r'id="factor-key">([A-Z2-7 ]+)<', text)
    assert found is not None
    return base64.b32decode(found[1].replace(" ", ""))


def test_a_key_of_somebody_else_or_from_before_is_not_taken(clerk_user: User, world: World, device: Device) -> None:
    world.boss.set_password(PASSWORD)
    world.boss.save()
    boss = client_of(world.boss)
    key = boss.post(PAGE, {"step": "begin", "password": PASSWORD}).context["form"]["key"].value()
    for sent in (key, "x"):
        answer = client_of(clerk_user).post(PAGE, {"step": "new", "key": sent, "code": device.code()})
        assert answer.context["step"] == "begin"
    world.boss.set_password("another long secret")
    world.boss.save()
    assert client_of(world.boss).post(PAGE, {"step": "new", "key": key}).context["step"] == "begin"
    assert not SecondFactor.objects.exists()


def test_of_two_windows_one_sets_it_up(clerk_user: User, device: Device) -> None:
    browser = client_of(clerk_user)
    shown = browser.post(PAGE, {"step": "begin", "password": PASSWORD})
    device.key = second_factor_key(shown.content.decode())
    sent = {"step": "new", "key": shown.context["form"]["key"].value(), "code": device.code()}
    assert second_factor.enrol(clerk_user.pk, device.key, device.code()) is not None
    with pytest.raises(NotPermitted):
        second_factor.enrol(clerk_user.pk, device.key, device.code())
    assert browser.post(PAGE, sent).status_code == 302
    assert SecondFactor.objects.count() == 1


def test_changing_it_takes_password_and_code(clerk_user: User, device: Device) -> None:
    codes = enrol(clerk_user, device)
    browser = Client(SERVER_NAME="localhost")
    assert log_in(device.later(), browser=browser).status_code == 302
    for password, code in ((PASSWORD, "000000"), ("wrong", device.later()), (PASSWORD, "")):
        for step in ("codes", "remove", "begin", "new"):
            browser.post(PAGE, {"step": step, "password": password, "code": code})
    assert SecondFactor.objects.count() == 1
    new = browser.post(PAGE, {"step": "codes", "password": PASSWORD, "code": device.later()}).context["codes"]
    assert log_in(codes[0]).status_code == 200
    assert log_in(new[0]).status_code == 302
    browser.post(PAGE, {"step": "remove", "password": PASSWORD, "code": new[1]})
    assert not SecondFactor.objects.exists()
    assert log_in().status_code == 302


def test_an_administrator_resets_it_for_others_alone(world: World, clerk_user: User, device: Device) -> None:
    boss, address = client_of(world.boss), f"/admin/entities/user/{clerk_user.pk}/"
    assert "Reset second factor" not in boss.get(f"{address}change/").content.decode()
    enrol(clerk_user, device)
    assert "Reset second factor" in boss.get(f"{address}change/").content.decode()
    assert boss.get(f"{address}second-factor/").status_code == 200
    assert SecondFactor.objects.exists()
    assert client_of(world.loner).post(f"{address}second-factor/").status_code == 403
    assert boss.post(f"{address}second-factor/").status_code == 302
    assert not SecondFactor.objects.exists()
    assert LogIn.objects.get(outcome="reset").user_id == clerk_user.pk
    enrol(world.boss, device)
    proved = client_of(world.boss)
    session = proved.session
    session["second_factor"] = SecondFactor.objects.get().pk
    session.save()
    assert proved.post(f"/admin/entities/user/{world.boss.pk}/second-factor/").status_code == 302
    assert SecondFactor.objects.exists()


def test_the_operator_resets_it(world: World, clerk_user: User, device: Device) -> None:
    enrol(clerk_user, device)
    call_command("reset_second_factor", "CLERK")
    assert not SecondFactor.objects.exists()
    for logon in ("clerk", "nobody"):
        with pytest.raises(CommandError):
            call_command("reset_second_factor", logon)


def test_sealed_with_another_secret_no_code_fits(clerk_user: User, device: Device, settings: Any) -> None:
    enrol(clerk_user, device)
    settings.SECRET_KEY = "y" * 50
    assert log_in(device.later()).status_code == 200
