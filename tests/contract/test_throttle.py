"""Many failures are slowed, then refused for a while; the right password elsewhere never is (contract.md §2.9)."""

from __future__ import annotations

import base64
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from security import credentials, throttle
from security.models import Failure
from tests.api.wire import BASE, Wire, basic, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.wire import Answer

HERE, THERE = "203.0.113.7", "198.51.100.9"


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now, self.slept = timezone.now(), 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass, as for somebody who waits."""
        self.slept += seconds
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the throttle."""
    made = Clock()
    monkeypatch.setattr("security.throttle.timezone", SimpleNamespace(now=lambda: made.now))
    monkeypatch.setattr("security.throttle.time", SimpleNamespace(sleep=made.sleep))
    return made


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    """Few failures, each remembered for a minute."""
    settings.LOGIN_FAILURES_PER_ACCOUNT = 4
    settings.LOGIN_FAILURES_PER_NETWORK = 10
    settings.LOGIN_FAILURES_WINDOW = 240
    settings.LOGIN_DELAY = 2


@pytest.fixture(autouse=True)
def nobody_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process starts so."""
    forget(monkeypatch)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_remembered", type(credentials._remembered)())
    monkeypatch.setattr(credentials, "_guessed", type(credentials._guessed)())


def attempt(logon: str, password: str, network: str = HERE) -> Answer:
    """Ask for something as ``logon``, from ``network``."""
    wire = Wire({"Authorization": basic(logon, password)})
    wire.client = Client(raise_request_exception=False, REMOTE_ADDR=network)
    return wire.get("$whoami")


def statuses(count: int, logon: str = "susan", password: str = "wrong", network: str = HERE) -> list[int]:
    return [attempt(logon, password, network).status for _ in range(count)]


def test_13_many_failures_are_refused_and_the_right_password_works_again(clock: Clock) -> None:
    assert statuses(4) == [401] * 4
    refused = attempt("susan", "wrong")
    assert refused.refusal == (429, "ApplicationDiagnosis", "TooManyRequests")
    assert refused.diagnoses[0]["$severity"] == "transient"
    assert refused.headers["Cache-Control"] == "private, no-store"
    assert "WWW-Authenticate" not in refused.headers
    assert attempt("susan", "demo-susan").status == 429
    clock.now += timedelta(seconds=int(refused.headers["Retry-After"]))
    assert attempt("susan", "demo-susan").status == 200
    assert attempt("susan", "demo-susan").status == 200


def test_13_who_goes_on_waits_for_each_attempt_and_for_no_more(clock: Clock) -> None:
    """It is a delay: however many were refused, the wait is never longer than a failure is remembered."""
    statuses(4)
    assert statuses(20) == [429] * 20
    wait = int(attempt("susan", "wrong").headers["Retry-After"])
    assert 0 < wait <= 60
    clock.now += timedelta(seconds=wait)
    assert statuses(2) == [401, 429]
    clock.now += timedelta(minutes=5)
    clock.slept = 0
    assert statuses(2) == [401, 401]
    assert clock.slept == 0


def test_13_from_half_of_the_failures_on_attempts_are_slowed(clock: Clock) -> None:
    slept = []
    for _ in range(4):
        before = clock.slept
        assert attempt("susan", "wrong").status == 401
        slept.append(clock.slept - before)
    assert slept == [0, 0, 2, 2]


def test_13_right_or_wrong_the_wait_is_the_same(clock: Clock) -> None:
    statuses(2)
    assert attempt("susan", "demo-susan").status == 200
    assert clock.slept == 2


def test_13_not_all_threads_of_a_process_wait(clock: Clock) -> None:
    statuses(2)
    with throttle._waiting:
        refused = attempt("susan", "demo-susan")
    assert (refused.status, refused.headers["Retry-After"], clock.slept) == (429, "2", 0)


def test_13_failures_elsewhere_keep_nobody_out(clock: Clock) -> None:
    statuses(5)
    assert attempt("susan", "demo-susan", THERE).status == 200
    assert clock.slept == 2 * 2


def test_13_who_is_remembered_is_not_kept_out_by_a_program_with_an_old_password(clock: Clock) -> None:
    assert attempt("susan", "demo-susan").status == 200
    statuses(6)
    with statements() as sent:
        assert attempt("susan", "demo-susan").status == 200
    assert not [sql for sql in sent if "failure" in sql]
    assert attempt("susan", "wrong").status == 429


def test_13_what_is_remembered_of_one_network_answers_no_guess_of_another(clock: Clock) -> None:
    """Else a guesser would hear 429 for each wrong password and 200 for the right one, however fast they ask."""
    assert attempt("susan", "demo-susan", THERE).status == 200
    assert statuses(6) == [401] * 4 + [429] * 2
    with statements() as wrong:
        assert attempt("susan", "wrong").status == 429
    with statements() as right:
        assert attempt("susan", "demo-susan").status == 429
    assert [sql.split("FROM")[0] for sql in right] == [sql.split("FROM")[0] for sql in wrong]
    assert attempt("susan", "demo-susan", THERE).status == 200


@pytest.mark.parametrize("uptime", [5.0, 1e6])
def test_13_who_guesses_in_the_network_of_somebody_remembered_learns_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, uptime: float
) -> None:
    monkeypatch.setattr(credentials, "time", SimpleNamespace(monotonic=lambda: uptime))
    assert attempt("susan", "demo-susan").status == 200
    statuses(4)
    assert {attempt("susan", f"guess {number}").status for number in range(4)} == {429}
    with statements() as wrong:
        assert attempt("susan", "another guess").status == 429
    with statements() as right:
        assert attempt("susan", "demo-susan").status == 429
    assert [sql.split("FROM")[0] for sql in right] == [sql.split("FROM")[0] for sql in wrong]
    assert attempt("susan", "demo-susan", THERE).status == 200
    clock.now += timedelta(minutes=5)
    assert attempt("susan", "demo-susan").status == 200


@pytest.mark.parametrize("logon", ["susan", "SuSan", "nosuchuser"])
def test_13_known_or_not_every_account_is_counted_alike(clock: Clock, logon: str) -> None:
    assert statuses(5, logon) == [401] * 4 + [429]
    assert attempt(logon.lower(), "wrong").status == 429
    assert attempt("peter", "demo-peter").status == 200


def test_13_a_network_is_counted_over_all_accounts(clock: Clock) -> None:
    assert {attempt(f"user{number}", "wrong").status for number in range(10)} == {401}
    for logon in ("user99", "peter"):
        refused = attempt(logon, f"demo-{logon}")
        assert refused.status == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 24
    assert attempt("peter", "demo-peter", THERE).status == 200
    clock.now += timedelta(seconds=24)
    assert attempt("peter", "demo-peter").status == 200


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
    ],
)
def test_13_a_network_is_an_address_or_a_64(clock: Clock, one: str, other: str, same: bool) -> None:
    assert statuses(4, network=one) == [401] * 4
    assert attempt("susan", "demo-susan", other).status == (429 if same else 200)


def test_13_the_client_of_a_trusted_proxy_is_counted_not_the_proxy(clock: Clock, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]

    def send(client: str, password: str) -> int:
        return Wire({"Authorization": basic("susan", password), "X-Forwarded-For": client}).get("$whoami").status

    assert [send(HERE, "wrong") for _ in range(5)] == [401] * 4 + [429]
    assert send(THERE, "demo-susan") == 200
    settings.TRUSTED_PROXIES = []
    assert [send(f"203.0.113.{n}", "wrong") for n in range(5)] == [401] * 4 + [429]


def test_13_a_wrong_token_is_counted_and_a_right_one_is_not_kept_out(clock: Clock) -> None:
    wrong = Wire({"Authorization": "Bearer pcrm_expired"})
    assert [wrong.get("").status for _ in range(6)] == [401] * 4 + [429] * 2
    for number in range(20):
        Wire({"Authorization": f"Bearer pcrm_{number}"}).get("")
    assert Wire({"Authorization": "Bearer pcrm_another"}).get("").status == 429
    assert attempt("susan", "demo-susan", THERE).status == 200


def test_13_nobody_without_credentials_is_counted(clock: Clock, nobody: Wire) -> None:
    assert {nobody.get("").status for _ in range(20)} == {401}
    assert {Wire({"Authorization": "Digest x"}).get("").status for _ in range(20)} == {401}
    assert not Failure.objects.exists()


def test_13_429_comes_before_401_and_after_403(clock: Clock) -> None:
    statuses(4, network="127.0.0.1")
    wire = Wire({"Authorization": basic("susan", "wrong")})
    assert wire.delete(f"nosuch?_t={'x' * 8000}").status == 429
    assert wire.delete("nosuch", headers={"Origin": "https://evil.example"}).status == 403


def test_13_a_right_password_writes_nothing_but_a_line_of_the_trail(clock: Clock) -> None:
    def written() -> set[str]:
        with statements() as sent:
            assert attempt("susan", "demo-susan").status == 200
        return {sql.split('"')[1] for sql in sent if sql.startswith(("INSERT", "UPDATE", "DELETE"))}

    assert written() == {"security_login"}
    assert written() == set()


def test_13_nothing_that_was_typed_is_stored_and_what_is_over_is_forgotten(clock: Clock) -> None:
    attempt("secret-in-the-wrong-field", "wrong")
    assert Failure.objects.count() == 2
    assert not [key for key in Failure.objects.values_list("key", flat=True) if "secret" in key or HERE in key]
    clock.now += timedelta(minutes=10)
    attempt("susan", "wrong", THERE)
    assert Failure.objects.count() == 2


def test_13_a_failure_is_a_line_of_the_log_without_password(clock: Clock) -> None:
    with capture_logs() as lines:
        attempt("susan", "hush-hush")
        attempt("hush-hush", "wrong")
        Wire({"Authorization": "Bearer hush-hush"}).get("")
    assert [(line["event"], line["logon"]) for line in lines] == [
        ("log-in failed", "susan"),
        ("log-in failed", "unknown"),
        ("log-in failed", "a token"),
    ]
    assert lines[0]["network"] == HERE
    assert "hush" not in str(lines)


def test_13_the_throttle_can_be_switched_off(clock: Clock, settings: Any) -> None:
    settings.LOGIN_FAILURES_PER_ACCOUNT = settings.LOGIN_FAILURES_PER_NETWORK = 0
    assert statuses(15) == [401] * 15
    assert clock.slept == 0


def sign_in(password: str, network: str = HERE) -> Iterator[Any]:
    client = Client(REMOTE_ADDR=network)
    yield client.post("/admin/login/", {"username": "admin", "password": password})


def test_13_the_administration_goes_through_the_same_throttle(clock: Clock) -> None:
    for _ in range(4):
        (page,) = sign_in("wrong")
        assert page.status_code == 200
    (refused,) = sign_in("demo-admin")
    assert refused.status_code == 429
    assert f"Try again in {refused['Retry-After']} seconds" in refused.content.decode()
    assert attempt("admin", "demo-admin").status == 429
    (elsewhere,) = sign_in("demo-admin", THERE)
    assert elsewhere.status_code == 302
    clock.now += timedelta(seconds=int(refused["Retry-After"]))
    (again,) = sign_in("demo-admin")
    assert again.status_code == 302


def test_13_a_password_with_nothing_behind_it_is_throttled_too(clock: Clock) -> None:
    header = "Basic " + base64.b64encode(b"susan:").decode()
    found = [Wire({"Authorization": header}).get(f"{BASE}/company").status for _ in range(5)]
    assert found == [401] * 4 + [429]
