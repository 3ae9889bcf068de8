"""What all answers share: format, headers, caching, hosts, bodies (contract.md §3)."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.handlers.base import BaseHandler
from django.test import Client, RequestFactory

from entities.models import Company
from security.gate import system_rows
from tests.api.wire import BASE, Wire, at, basic

if TYPE_CHECKING:
    from tests.api.wire import Answer

READABLE = ["", "$whoami", "$prototypes", "$prototypes/Company", "Company", "Company('2')", "Company('2')/Person"]
READABLE += ["Company(comp_companyid eq 2)", "Person('2')/Company", "Company('2')/Person('2')", "Users"]
REFUSED = ["nosuch", "company('999999999')", "company?foo=1", "/sdata/otherj/sagecrm2/-/company"]
SUSANS = 2


def vary(answer: Answer) -> set[str]:
    return set(answer.headers["Vary"].split(", "))


@pytest.mark.parametrize("accept", ["application/json", "application/atom+xml, */*;q=0.1", "text/html", "", "nonsense"])
def test_14_answers_are_json_whatever_is_accepted(susan: Wire, accept: str) -> None:
    answer = susan.get("company?count=1", headers={"Accept": accept})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body.startswith(b"{")


@pytest.mark.parametrize("path", [*READABLE, *REFUSED])
def test_14_every_answer_has_the_common_headers(susan: Wire, nobody: Wire, path: str) -> None:
    for wire in (susan, nobody):
        answer = wire.get(path)
        assert answer.headers["Content-Type"] == "application/json"
        assert {"Authorization", "X-Sage-Authorization", "X-Authorization", "Accept-Encoding"} <= vary(answer)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        assert "Strict-Transport-Security" not in answer.headers
        assert answer.headers["X-Request-Id"]
        wanted = "private, no-cache" if answer.status == 200 else "private, no-store"
        assert answer.headers["Cache-Control"] == wanted


def test_14_writes_are_not_stored_by_caches(susan: Wire) -> None:
    for answer in (susan.patch("company('2')", {}), susan.post("company", {"comp_name": "New"})):
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_14_the_contract_is_told_to_whom_it_is_offered(susan: Wire, nora: Wire, nobody: Wire) -> None:
    for wire in (susan, nora):
        fingerprint = wire.entry("$whoami")["$contract"]["$fingerprint"]
        for path in (*READABLE, *REFUSED):
            headers = wire.get(path).headers
            assert headers["Contract-Version"] == "1.0"
            assert headers["Contract-Fingerprint"] == fingerprint
    assert not {"Contract-Version", "Contract-Fingerprint"} & set(nobody.get("").headers)


@pytest.mark.parametrize("kept", ["a", "0" * 64, "A.b_c-9"])
def test_14_a_well_formed_request_id_is_kept(susan: Wire, kept: str) -> None:
    assert susan.get("$whoami", headers={"X-Request-Id": kept}).headers["X-Request-Id"] == kept


@pytest.mark.parametrize("refused", ["", "0" * 65, "a b", "a\tb", "é", "<script>", "a/b", "a;b"])
def test_14_any_other_request_id_is_replaced(susan: Wire, refused: str) -> None:
    given = susan.get("$whoami", headers={"X-Request-Id": refused}).headers["X-Request-Id"]
    assert given not in ("", refused)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example", "http://[", ""])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "company"), ("PATCH", "company('2')"), ("DELETE", "company('2')")]
)
def test_14_a_write_from_a_foreign_page_is_refused(
    susan: Wire, nobody: Wire, method: str, path: str, origin: str
) -> None:
    for wire in (susan, nobody):
        answer = wire.send(method, path, {"comp_name": "Foreign"}, headers={"Origin": origin})
        assert answer.refusal == (403, "ApplicationDiagnosis", "CrossOrigin")
    assert not system_rows(Company).filter(name="Foreign").exists()
    assert susan.get("company('2')").status == 200


def test_14_a_write_from_the_own_host_is_served(susan: Wire, settings: Any) -> None:
    assert susan.patch("company('2')", {}, headers={"Origin": "http://testserver"}).status == 200
    settings.PUBLIC_BASE_URL = "https://crm.example.com"
    assert susan.patch("company('2')", {}, headers={"Origin": "https://crm.example.com"}).status == 200


def test_14_foreign_pages_may_send_reads_which_they_cannot_see(susan: Wire) -> None:
    answer = susan.get("company('2')", headers={"Origin": "https://evil.example"})
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "testserver@evil", "", "a b", "%00"])
def test_15_a_host_that_is_not_served_is_refused(susan: Wire, nobody: Wire, host: str) -> None:
    for wire in (susan, nobody):
        for method in ("GET", "POST"):
            answer = wire.send(method, "company", {}, headers={"Host": host})
            assert answer.refusal == (400, "BadUrlSyntax", "BadHost")
            assert answer.headers["X-Request-Id"]
            assert answer.headers["Cache-Control"] == "private, no-store"


def test_15_forwarding_headers_of_strangers_have_no_influence(susan: Wire) -> None:
    forged = {"Forwarded": "host=evil.example;proto=https", "X-Forwarded-Host": "evil.example"}
    forged |= {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "444", "X-Original-URL": "/x", "X-Rewrite-URL": "/x"}
    assert susan.get("company('2')", headers=forged).body == susan.get("company('2')").body


def test_15_the_public_address_stands_in_every_url(susan: Wire, settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "https://crm.example.com"
    for path in READABLE:
        body = susan.get(path).body
        assert b"https://crm.example.com/sdata/crmj/sagecrm2/-" in body
        assert b"http://" not in body


NEAR, FAR = "127.0.0.1", "10.0.0.7"
PROXIED: dict[str, dict[str, str]] = {
    "the usual headers": {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "crm.example.com"},
    "of a chain": {
        "X-Forwarded-Proto": "http, https",
        "X-Forwarded-Host": "evil.example, crm.example.com",
        "X-Forwarded-For": f"6.6.6.6, 203.0.113.9, {FAR}",
    },
    "the standard": {"Forwarded": 'for=203.0.113.9;proto=https;host="crm.example.com"'},
    "the standard of a chain": {
        "Forwarded": f"for=6.6.6.6;host=evil, For=203.0.113.9:4711 ; Proto=HTTPS;host=crm.example.com, for={FAR}"
    },
    "both": {"Forwarded": "proto=https", "X-Forwarded-Proto": "HTTPS", "X-Forwarded-Host": "crm.example.com"},
    "an address of the sixth version": {
        "Forwarded": 'for="[2001:db8::1]:4711";proto=https;host=crm.example.com;by="_x, y"'
    },
    "somebody unknown": {"Forwarded": "for=unknown;proto=https;host=crm.example.com"},
}


@pytest.fixture
def proxied(settings: Any) -> Any:
    """The settings, with the peer and a second proxy trusted."""
    settings.TRUSTED_PROXIES = [f"{NEAR}/32", "10.0.0.0/8"]
    settings.ALLOWED_HOSTS = ["testserver", "crm.example.com"]
    return settings


@pytest.mark.parametrize("headers", PROXIED.values(), ids=list(PROXIED))
def test_15_behind_a_trusted_proxy_urls_are_those_that_its_client_used(
    susan: Wire, proxied: Any, headers: dict[str, str]
) -> None:
    proxied.REQUIRE_HTTPS = True
    for path in (*READABLE, "$openapi"):
        answer = susan.get(path, headers=headers)
        assert answer.status == 200
        assert b"https://crm.example.com/sdata/crmj/sagecrm2/-" in answer.body
        assert b"http://" not in answer.body
        assert b"testserver" not in answer.body


CONTRADICTIONS: list[dict[str, str]] = [
    {"X-Forwarded-Host": "evil.example"},
    {"Forwarded": "host=evil.example"},
    {"X-Forwarded-Proto": "ftp"},
    {"X-Forwarded-Proto": "https", "Forwarded": "proto=http"},
    {"X-Forwarded-Host": "testserver", "Forwarded": "host=crm.example.com"},
    {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.10"},
    {"Forwarded": "proto"},
    {"Forwarded": "proto=https;proto=http"},
    {"Forwarded": 'host="crm.example.com'},
    {"Forwarded": "proto=https extra"},
]


@pytest.mark.parametrize("headers", CONTRADICTIONS)
def test_15_what_proxies_cannot_mean_is_refused(susan: Wire, proxied: Any, headers: dict[str, str]) -> None:
    assert susan.get("company", headers=headers).refusal == (400, "BadUrlSyntax", "BadHost")


def test_15_nobody_else_is_believed(susan: Wire, proxied: Any) -> None:
    proxied.TRUSTED_PROXIES = [f"{FAR}/32", "2001:db8::/32", "unix"]
    wanted = susan.get("company('2')").body
    for headers in (*PROXIED.values(), *CONTRADICTIONS):
        assert susan.get("company('2')", headers=headers).body == wanted


def test_15_an_https_request_never_yields_an_http_url_whatever_is_set(susan: Wire, settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "http://crm.example.com"
    response: Any = susan.client.get("/sdata/crmj/sagecrm2/-/company", headers=susan.headers, secure=True)
    assert b"http://" not in response.content
    assert b"https://testserver/" in response.content
    assert b"http://crm.example.com/" in susan.get("company").body


def test_15_an_https_request_never_yields_an_http_url(susan: Wire) -> None:
    response: Any = susan.client.get("/sdata/crmj/sagecrm2/-/company", headers=susan.headers, secure=True)
    assert b"https://testserver/" in response.content
    assert b"http://" not in response.content


def test_plain_http_is_refused_before_credentials_where_https_is_required(nobody: Wire, settings: Any) -> None:
    settings.REQUIRE_HTTPS = True
    assert nobody.get("company").refusal == (400, "BadUrlSyntax", "HttpsRequired")
    assert nobody.client.get("/sdata/crmj/sagecrm2/-/company", secure=True).status_code == 401


@pytest.mark.parametrize("page", ["/docs/", "/docs/redoc/", "/openapi.json", "/admin/login/"])
def test_pages_that_take_a_password_are_served_by_https_alone(susan: Wire, settings: Any, page: str) -> None:
    settings.REQUIRE_HTTPS = True
    refused: Any = susan.client.get(page, headers=susan.headers)
    assert (refused.status_code, b"HttpsRequired" in refused.content) == (400, True)
    assert susan.client.get(page, headers=susan.headers, secure=True).status_code == 200


def test_the_root_of_the_host_leads_to_the_guide(nobody: Wire) -> None:
    response: Any = nobody.client.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/docs/")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/json",
        "text/xml",
        "application/xml",
        "application/atom+xml",
        "application/octet-stream",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        "application/json;charset=",
        "applicationjson",
        "*/*",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "company"), ("PUT", "company('2')"), ("POST", "company('2')/person")]
)
def test_16_other_bodies_are_refused(susan: Wire, method: str, path: str, content_type: str) -> None:
    answer = susan.send(method, path, b'{"comp_name": "x", "pers_lastname": "x"}', content_type=content_type)
    assert answer.refusal == (415, "ApplicationDiagnosis", "UnsupportedMediaType")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json;vnd.sage=sdata",
        "Application/JSON; Charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/merge-patch+json",
        "",
        None,
    ],
)
def test_16_json_under_every_accepted_name_works(susan: Wire, content_type: str | None) -> None:
    answer = susan.put("company('2')", {"comp_intid": 77}, content_type=content_type)
    assert (answer.status, answer.json["Comp_IntId"]) == (200, 77)


LISTED = "https://pages.example.com"
EXPOSED = {"ETag", "Location", "Retry-After", "Contract-Fingerprint", "X-Request-Id"}
PREFLIGHT = {"Origin": LISTED, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}


def allowed(answer: Answer) -> dict[str, str]:
    """Return the headers by which an answer lets pages of other sites read it."""
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith("access-control")}


def test_17_cors_headers_are_absent_by_default(susan: Wire, nobody: Wire) -> None:
    for wire in (susan, nobody):
        for path in ("company", "nosuch", "$openapi"):
            assert not allowed(wire.get(path, headers={"Origin": LISTED}))
            assert not allowed(wire.options(path, headers=PREFLIGHT))
    assert nobody.options("company", headers=PREFLIGHT).status == 401
    assert "origin" not in {name.lower() for name in vary(susan.get("company"))}


@pytest.fixture
def listed(settings: Any) -> Any:
    """The settings, with one foreign origin allowed."""
    settings.CORS_ALLOWED_ORIGINS = [LISTED]
    return settings


def test_17_a_listed_origin_asks_first_without_credentials(nobody: Wire, listed: Any) -> None:
    answer = nobody.options("company('2')", headers=PREFLIGHT)
    assert (answer.status, answer.body) == (204, b"")
    found = allowed(answer)
    assert found["access-control-allow-origin"] == LISTED
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(found["access-control-allow-methods"].split(", "))
    names = set(found["access-control-allow-headers"].split(", "))
    assert {"authorization", "x-sage-authorization", "x-authorization", "if-match", "idempotency-key"} <= names
    assert "access-control-allow-credentials" not in found
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Request-Id"]
    assert nobody.options("company('2')", headers={"Origin": LISTED}).status == 401


def test_17_a_listed_origin_reads_writes_and_sees_refusals(susan: Wire, nobody: Wire, listed: Any) -> None:
    asked = {"Origin": LISTED}
    answers = [
        susan.get("company('2')", headers=asked),
        susan.patch("company('2')", {}, headers=asked),
        susan.get("nosuch", headers=asked),
        nobody.get("company", headers=asked),
    ]
    assert [answer.status for answer in answers] == [200, 200, 404, 401]
    for answer in answers:
        found = allowed(answer)
        assert found["access-control-allow-origin"] == LISTED
        assert set(found["access-control-expose-headers"].split(", ")) == EXPOSED
        assert "access-control-allow-credentials" not in found
        assert "Set-Cookie" not in answer.headers
        assert "origin" in {name.lower() for name in vary(answer)}


@pytest.mark.parametrize(
    "origin",
    [
        "https://pages.example.com.evil.example",
        "http://pages.example.com",
        "https://pages.example.com:8443",
        "null",
        "",
    ],
)
def test_17_no_other_origin_is_listed(susan: Wire, nobody: Wire, listed: Any, origin: str) -> None:
    assert nobody.options("company", headers=PREFLIGHT | {"Origin": origin}).status == 401
    assert not allowed(nobody.options("company", headers=PREFLIGHT | {"Origin": origin}))
    assert not allowed(susan.get("company", headers={"Origin": origin}))
    assert susan.patch("company('2')", {}, headers={"Origin": origin}).code == "CrossOrigin"


@pytest.mark.parametrize("path", ["/admin/", "/docs/", "/openapi.json"])
def test_17_other_sites_have_the_contract_and_nothing_else(susan: Wire, listed: Any, path: str) -> None:
    for headers in ({"Origin": LISTED}, PREFLIGHT):
        assert not allowed(susan.get(path, headers=headers))
        assert not allowed(susan.options(path, headers=headers))


ASKING = ["gzip", "GZIP", "br, gzip", "gzip;q=0.5, identity", "deflate,gzip ; q=1"]
NOT_ASKING = ["", "identity", "br", "*", "gzip;q=0", "gzip; q=0.000", "x-gzip", "gzipped"]


@pytest.mark.parametrize("accepted", ASKING)
def test_17_gzip_where_it_is_asked_for(susan: Wire, accepted: str) -> None:
    plain, packed = susan.get("company"), susan.get("company", headers={"Accept-Encoding": accepted})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 3
    assert int(packed.headers["Content-Length"]) == len(packed.body)
    assert gzip.decompress(packed.body) == plain.body
    assert "Accept-Encoding" in vary(packed)


@pytest.mark.parametrize("accepted", NOT_ASKING)
def test_17_gzip_only_where_it_is_asked_for(susan: Wire, accepted: str) -> None:
    answer = susan.get("company", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.json["$resources"]


def test_17_gzip_leaves_tags_as_they_are(susan: Wire) -> None:
    asked = {"Accept-Encoding": "gzip"}
    tag = susan.get("company('2')").headers["ETag"]
    packed = susan.get("company('2')", headers=asked)
    assert (packed.headers["Content-Encoding"], packed.headers["ETag"]) == ("gzip", tag)
    again = susan.get("company('2')", headers=asked | {"If-None-Match": tag})
    assert (again.status, again.headers["ETag"]) == (304, tag)
    assert susan.patch("company('2')", {}, headers=asked | {"If-Match": tag}).status == 200
    assert susan.patch("company('2')", {}, headers={"If-Match": f"W/{tag}"}).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_17_what_another_site_makes_a_browser_ask_for_is_not_compressed(susan: Wire, site: str) -> None:
    asked = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": site}
    assert "Content-Encoding" not in susan.get("company", headers=asked).headers
    assert susan.get("company", headers=asked | {"Sec-Fetch-Site": "same-origin"}).headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("path", ["Company", "nosuch", "$openapi"])
def test_18_nothing_of_an_answer_to_head_is_left_for_the_server_to_drop(world: None, path: str) -> None:
    """It would warn of each. The test client drops it, too, so the application is asked itself."""
    application = BaseHandler()
    application.load_middleware()
    asked = RequestFactory(headers={"Authorization": basic("susan")})
    answers: list[Any] = [application.get_response(ask(f"{BASE}/{path}")) for ask in (asked.get, asked.head)]
    get, head = answers
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(get.content))
    assert (len(get.content) > 100, head.content) == (True, b"")


@pytest.mark.parametrize("path", [*READABLE, "$openapi", "$docs", "/docs/", "/openapi.json"])
def test_options_says_what_may_be_done(susan: Wire, nora: Wire, path: str) -> None:
    answer = susan.options(path)
    assert (answer.status, answer.body) == (204, b"")
    assert {"GET", "HEAD", "OPTIONS"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND"])
@pytest.mark.parametrize("path", READABLE)
def test_06_a_method_that_nothing_answers_is_405(susan: Wire, method: str, path: str) -> None:
    answer = susan.send(method, path)
    assert answer.refusal == (405, "ApplicationDiagnosis", "MethodNotAllowed")
    assert answer.headers["Allow"] == susan.options(path).headers["Allow"]


def test_a_body_beyond_a_mebibyte_is_refused(susan: Wire) -> None:
    limit = 1024 * 1024
    empty = len(json.dumps({"comp_nosuch": ""}))
    for method, path in (("POST", "company"), ("PUT", "company('2')"), ("POST", "company('2')/person")):
        fits = json.dumps({"comp_nosuch": "x" * (limit - empty)}).encode()
        assert susan.send(method, path, fits).status == 400
        answer = susan.send(method, path, fits + b" ")
        assert answer.refusal == (413, "ApplicationDiagnosis", "BodyTooLarge")


def test_a_target_of_8001_bytes_is_refused_and_one_of_8000_is_not(susan: Wire) -> None:
    room = 8000 - len("/sdata/crmj/sagecrm2/-/company?_t=")
    assert susan.get(f"company?_t={'x' * room}").status == 200
    answer = susan.get(f"company?_t={'x' * (room + 1)}")
    assert answer.refusal == (414, "BadUrlSyntax", "UrlTooLong")


def test_the_order_of_checks_is_the_contracts(susan: Wire, nobody: Wire) -> None:
    """Of several faults the first in the contract's order is told."""
    long = "x" * 8000
    foreign = {"Origin": "https://evil.example"}
    form = {"content_type": "text/plain"}
    old = {"If-Match": '"old"'}
    huge = b'{"a": "' + b"x" * 1024 * 1024 + b'"}'
    ladder: list[tuple[int, Answer]] = [
        (400, nobody.delete(f"nosuch?_t={long}", headers=foreign | {"Host": "evil.example"})),
        (403, nobody.delete(f"nosuch?_t={long}", headers=foreign)),
        (401, nobody.delete(f"nosuch?_t={long}")),
        (414, susan.delete(f"nosuch?_t={long}")),
        (404, susan.delete("nosuch?foo=1")),
        (405, susan.delete("company?foo=1")),
        (400, susan.put("newproduct('999999')?foo=1", huge, headers=old, **form)),
        (400, susan.put("newproduct('999999')?select=nosuch", huge, headers=old, **form)),
        (403, susan.put("newproduct('999999')", huge, headers=old, **form)),
        (400, susan.put("company('999999')?select=nosuch", huge, headers=old, **form)),
        (404, susan.put("company('999999')", huge, headers=old, **form)),
        (415, susan.put(at("Company", SUSANS), huge, headers=old, **form)),
        (413, susan.put(at("Company", SUSANS), huge, headers=old)),
        (412, susan.put(at("Company", SUSANS), b"[", headers=old)),
        (400, susan.put(at("Company", SUSANS), b"[")),
    ]
    assert [answer.status for _, answer in ladder] == [status for status, _ in ladder]


@pytest.mark.parametrize("path", ["/sdata/crmj/sagecrm2/-/$whoami", "/sdata/crmj/sagecrm2/-/nosuch", "/admin/login/"])
def test_browsers_are_told_to_come_by_https_alone_and_to_show_no_frame(settings: Any, susan: Wire, path: str) -> None:
    """Of the contract and of the pages alike, though Django's middleware serves the pages only."""
    settings.SECURE_HSTS_SECONDS = 3600
    headers = Client(SERVER_NAME="localhost", enforce_csrf_checks=True).get(path, secure=True).headers
    assert headers["Strict-Transport-Security"] == "max-age=3600"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_forms_of_other_sites_are_refused_by_the_pages(susan: Wire) -> None:
    """Which carry a session; of the contract no address reads one."""
    client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    assert client.post("/admin/login/", {"username": "admin", "password": "admin"}).status_code == 403
