"""Who calls: three headers, one answer to everything that is wrong, nothing but credentials counts (contract.md §2)."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import hashers
from django.test import Client
from django.utils import timezone

from entities.models import User
from entities.registry import registry
from security import accounts
from security.errors import Invalid
from security.gate import system_rows
from security.plan import access_for
from tests.api.wire import BASE, Wire, basic, login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from security.models import Token

HEADERS = ("Authorization", "X-Sage-Authorization", "X-Authorization")


@pytest.fixture
def slow_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the stored hashes against which a password was checked the slow way."""
    checked: list[str] = []
    verify = hashers.Argon2PasswordHasher.verify

    def counting(self: hashers.Argon2PasswordHasher, password: str, encoded: str) -> bool:
        checked.append(encoded)
        return verify(self, password, encoded)

    monkeypatch.setattr(hashers.Argon2PasswordHasher, "verify", counting)
    return checked


def user(logon: str) -> User:
    return system_rows(User).get(logon=logon)


def token_of(logon: str, *, read_only: bool = False, days: float = 1) -> tuple[Token, Wire]:
    """Issue a token to ``logon``; return it and a client that sends it."""
    admin = access_for(user("admin").pk)
    until = timezone.now() + timedelta(days=days)
    token, secret = accounts.issue_token(admin, user(logon).pk, "for a test", until, read_only=read_only)
    return token, Wire({"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("header", HEADERS)
def test_08_basic_works_in_each_header(header: str) -> None:
    assert Wire({header: basic("susan")}).get("$whoami").json["$user"]["User_Logon"] == "susan"


def test_08_equal_headers_are_one() -> None:
    assert Wire(dict.fromkeys(HEADERS, basic("susan"))).get("$whoami").status == 200


@pytest.mark.parametrize("other", HEADERS[1:])
def test_08_unequal_headers_are_refused(other: str) -> None:
    answer = Wire({"Authorization": basic("susan"), other: basic("admin")}).get("$whoami")
    assert answer.refusal == (401, "ApplicationDiagnosis", "NotAuthenticated")


@pytest.mark.parametrize("header", HEADERS)
def test_08_bearer_works_in_each_header(header: str) -> None:
    _, wire = token_of("susan")
    assert Wire({header: wire.headers["Authorization"]}).get("$whoami").json["$user"]["User_Logon"] == "susan"


def test_08_a_revoked_token_fails_at_the_next_request() -> None:
    token, wire = token_of("susan")
    assert wire.get("$whoami").status == 200
    accounts.revoke_tokens(access_for(user("admin").pk), [token.pk])
    assert wire.get("$whoami").status == 401


def test_08_an_expired_token_fails() -> None:
    assert token_of("susan", days=-0.01)[1].get("$whoami").status == 401


def test_08_a_token_of_a_disabled_user_fails_at_the_next_request() -> None:
    _, wire = token_of("susan")
    assert wire.get("$whoami").status == 200
    system_rows(User).filter(logon="susan").update(disabled=True)
    assert wire.get("$whoami").status == 401


def test_the_scheme_may_be_in_any_case_and_the_logon_too() -> None:
    credentials = base64.b64encode(b"SUSAN:demo-susan").decode()
    assert Wire({"Authorization": f"bAsIc {credentials}"}).get("$whoami").json["$user"]["User_Logon"] == "susan"


def test_a_password_may_hold_colons_and_letters_beyond_ascii() -> None:
    accounts.set_password(access_for(user("admin").pk), user("susan").pk, "pä:ss:wörd, länger")
    assert Wire({"Authorization": basic("susan", "pä:ss:wörd, länger")}).get("$whoami").status == 200
    assert login("susan").get("$whoami").status == 401


WRONG = {
    "unknown user": basic("nobody", "demo-susan"),
    "wrong password": basic("susan", "demo-susan "),
    "empty password": basic("susan", ""),
    "disabled": basic("neil", "demo-susan"),
    "resource": basic("meeting", "demo-susan"),
    "template": basic("brian", "demo-susan"),
    "deleted": basic("claire", "demo-susan"),
}


@pytest.mark.parametrize("credentials", WRONG.values(), ids=list(WRONG))
def test_09_all_wrong_credentials_get_one_answer_and_pay_one_slow_hash(
    slow_hashes: list[str], nobody: Wire, credentials: str
) -> None:
    stored = user("susan").password
    system_rows(User).filter(logon__in=("neil", "meeting", "brian", "claire")).update(password=stored)
    system_rows(User).filter(logon="brian").update(is_template=True)
    system_rows(User).filter(logon="claire").update(deleted_at=timezone.now())
    slow_hashes.clear()
    answer = Wire({"Authorization": credentials}).get("company")
    assert len(slow_hashes) == 1
    assert answer.refusal == (401, "ApplicationDiagnosis", "NotAuthenticated")
    assert answer.body == nobody.get("company").body
    again = Wire({"Authorization": credentials}).get("company")
    assert (again.body, len(slow_hashes)) == (answer.body, 2)


def test_09_a_right_password_pays_the_slow_hash_once(slow_hashes: list[str]) -> None:
    accounts.set_password(access_for(user("admin").pk), user("susan").pk, "a new long one")
    wire = Wire({"Authorization": basic("susan", "a new long one")})
    assert [wire.get("$whoami").status for _ in range(3)] == [200, 200, 200]
    assert len(slow_hashes) == 1


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic \xe9\xe8",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"su\x00san:demo-susan").decode(),
        "Basic " + base64.b64encode(b"susan:" + b"x" * 5000).decode(),
        "Bearer",
        "Bearer \xe9",
        "Bearer pcrm_nosuchtoken",
        "Digest username=susan",
        basic("susan") + "," + basic("susan"),
        "\x7f",
    ],
)
def test_malformed_credentials_are_wrong_credentials(nobody: Wire, header: str) -> None:
    answer = Wire({"Authorization": header}).get("company")
    assert (answer.status, answer.body) == (401, nobody.get("company").body)


@pytest.mark.parametrize("headers", [{}, {"Authorization": basic("susan", "wrong")}])
def test_10_a_401_says_how_to_authenticate(headers: dict[str, str]) -> None:
    challenge = Wire(headers).get("$whoami").headers["WWW-Authenticate"]
    assert challenge == 'Basic realm="CRM", charset="UTF-8", Bearer realm="CRM"'


def test_10_or_does_not_where_the_client_asks_for_silence(nobody: Wire) -> None:
    answer = nobody.get("$whoami", headers={"X-Authorization-Mode": "no-challenge"})
    assert answer.status == 401
    assert "WWW-Authenticate" not in answer.headers


def addresses() -> Iterator[str]:
    yield from ("", "$whoami", "$prototypes", "$openapi", "$docs", "$service", "nosuch", "company('999999999')")
    yield from ("/sdata", "/sdata/", "/sdata/crmj", "/sdata/otherj/sagecrm2/-/company", "/sdata/crmj/sagecrm/-/company")
    yield from ("foo%0Abar", "company()", "company(x eq", "/sdata/crmj/sagecrm2/$service/quickFind/getResults")
    for entity in registry():
        yield from (entity.kind, f"{entity.kind}('1')", f"$prototypes/{entity.kind}")
        yield from (f"{entity.kind}('1')/{item.kind}" for item in entity.collections)
        yield from (f"{entity.kind}('1')/{field.relation}" for field in entity.relations.values())


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_12_nothing_is_answered_without_credentials(nobody: Wire, method: str) -> None:
    for path in addresses():
        assert nobody.send(method, path, b"{}").status == 401, path


def test_a_session_of_the_administration_does_not_authenticate() -> None:
    client = Client()
    client.force_login(user("admin"))
    assert client.get(f"{BASE}/company").status_code == 401


def test_no_answer_sets_a_cookie(susan: Wire) -> None:
    for path in ("", "$whoami", "company", "company('2')", "nosuch"):
        assert "Set-Cookie" not in susan.get(path).headers
    assert not susan.client.cookies


@pytest.mark.parametrize("name", ["SID", "sid", "Sid"])
def test_11_credentials_in_the_address_are_an_unknown_parameter(susan: Wire, nobody: Wire, name: str) -> None:
    _, wire = token_of("susan")
    secret = wire.headers["Authorization"].removeprefix("Bearer ")
    assert nobody.get(f"company?{name}={secret}").status == 401
    answer = susan.get(f"company?{name}={secret}")
    assert answer.refusal == (400, "BadQueryParameter", "UnknownParameter")
    assert secret.encode() not in answer.body


@pytest.fixture
def sid(settings: Any) -> str:
    """A token of susan, where tokens may stand in addresses."""
    settings.ALLOW_SID_IN_URL = True
    return token_of("susan")[1].headers["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("name", ["SID", "sid", "%53ID"])
def test_11_a_token_in_the_address_works_when_switched_on(nobody: Wire, sid: str, name: str) -> None:
    assert nobody.get(f"$whoami?{name}={sid}").json["$user"]["User_Logon"] == "susan"
    assert nobody.get(f"company?{name}={sid}&count=1").json["$itemsPerPage"] == 1
    assert nobody.patch(f"company('2')?{name}={sid}", {}).status == 200
    assert nobody.post(f"company/$query?{name}={sid}", {"count": 1}).status == 200
    assert nobody.options(f"company?{name}={sid}").status == 204


def test_11_a_token_in_the_address_appears_in_no_answer(nobody: Wire, sid: str) -> None:
    pages = ["", "$whoami", "$prototypes", "$prototypes/company", "$openapi", "$docs", "company('2')", "nosuch"]
    pages += ["company?count=2", "company?count=2&startIndex=3", "company('2')/person?count=1", "company?page=1"]
    pages += ["company('999999999')", "company?where=(", "/docs/", "/openapi.json", "/sdata/otherj/x"]
    pages += ["$service/quickFind/getResults?query=an&entity=company&count=1"]
    for page in pages:
        answer = nobody.get(f"{page}{'&' if '?' in page else '?'}SID={sid}")
        assert answer.status != 401, page
        assert sid.encode() not in answer.body, page
        assert b"SID=" not in answer.body, page
        assert sid not in str(answer.headers)


def test_11_a_walk_needs_its_token_at_every_step(nobody: Wire, sid: str) -> None:
    following = nobody.get(f"company?count=2&SID={sid}").json["$links"]["$next"]["$url"]
    assert nobody.get(following).status == 401
    assert len(nobody.get(f"{following}&SID={sid}").keys) == 2


def test_11_a_token_in_the_address_is_one_of_the_credentials(sid: str) -> None:
    assert Wire({"Authorization": f"Bearer {sid}"}).get(f"$whoami?SID={sid}").status == 200
    for header, query in (
        (basic("susan"), f"SID={sid}"),
        (f"Bearer {sid}", "SID=other"),
        (f"Bearer {sid}", "SID="),
        (f"Bearer {sid}", f"SID={sid}&sid=other"),
    ):
        assert Wire({"Authorization": header}).get(f"$whoami?{query}").status == 401
    assert Wire().get("$whoami?SID=").status == 401
    assert Wire().get(f"$whoami?SID={sid}x").status == 401


def test_the_web_service_may_be_for_some_alone(settings: Any, nobody: Wire, slow_hashes: list[str]) -> None:
    system_rows(User).filter(logon="susan").update(web_service_enabled=True)
    token, other = token_of("susan")[1], token_of("peter")[1]
    settings.REQUIRE_WEB_SERVICE_ACCESS = True
    assert login("susan").get("$whoami").status == token.get("$whoami").status == 200
    system_rows(User).filter(logon="susan").update(web_service_enabled=False)
    slow_hashes.clear()
    for wire in (login("susan"), login("peter"), token, other):
        answer = wire.get("$whoami")
        assert (answer.status, answer.body) == (401, nobody.get("$whoami").body)
    assert len(slow_hashes) == 2


def test_the_administration_is_no_web_service(settings: Any) -> None:
    settings.REQUIRE_WEB_SERVICE_ACCESS = True
    assert Client().login(username="admin", password="demo-admin")


def test_an_empty_password_needs_a_setting(settings: Any, slow_hashes: list[str], nobody: Wire) -> None:
    admin, susan = access_for(user("admin").pk), user("susan").pk
    with pytest.raises(Invalid):
        accounts.set_password(admin, susan, "")
    settings.ALLOW_EMPTY_PASSWORDS = True
    accounts.set_password(admin, susan, "")
    wire = Wire({"Authorization": basic("susan", "")})
    assert [wire.get("$whoami").status for _ in range(2)] == [200, 200]
    assert Wire({"Authorization": basic("susan", "x")}).get("$whoami").status == 401
    settings.ALLOW_EMPTY_PASSWORDS = False
    slow_hashes.clear()
    assert wire.get("$whoami").body == nobody.get("$whoami").body
    assert len(slow_hashes) == 1


def test_switching_a_user_off_takes_effect_with_the_next_request(susan: Wire) -> None:
    assert susan.get("$whoami").status == 200
    system_rows(User).filter(logon="susan").update(disabled=True)
    assert susan.get("$whoami").status == 401


class TestReadOnlyToken:
    """A token that may only read is offered no write, and gets none."""

    def test_reads_what_its_user_reads(self) -> None:
        _, wire = token_of("susan", read_only=True)
        assert wire.keys("company") == login("susan").keys("company")

    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", "company"), ("PUT", "company('2')"), ("DELETE", "company('2')"), ("POST", "company('2')/person")],
    )
    def test_is_refused_every_write(self, method: str, path: str) -> None:
        _, wire = token_of("susan", read_only=True)
        assert wire.send(method, path, {"comp_name": "x"}).refusal == (403, "ApplicationDiagnosis", "NotPermitted")

    def test_sees_no_link_prototype_or_right_to_write(self) -> None:
        _, wire = token_of("susan", read_only=True)
        assert "$insert" not in wire.entry("company")["$links"]
        assert not {"$edit", "$delete"} & set(wire.entry("company('2')")["$links"])
        prototype = wire.entry("$prototypes/company")
        assert prototype["$rights"] == {"$view": True, "$edit": False, "$insert": False, "$delete": False}
        assert all(field["$isReadOnly"] for field in prototype["$properties"].values())
        assert wire.options("company('2')").headers["Allow"] == "GET, HEAD, OPTIONS"
