"""What holds at every address of every caller's document: methods, overrides, HEAD, and answers as described."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.twins import keys
from tests.api.wire import LOGONS, Wire, login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.judge import Judge

DEEP = os.environ.get("PARAPET_DEEP", "") == "1"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT")


def addresses(wire: Wire, logon: str) -> Iterator[tuple[str, set[str]]]:
    """Yield every address of the caller's document, its keys filled in, with the methods that it lists there."""
    for template, operations in wire.entry("$openapi")["paths"].items():
        path = _filled(wire, logon, template[1:])
        if path is not None:
            methods = {method.upper() for method in operations if method != "parameters"}
            yield path, methods | ({"HEAD"} if "GET" in methods else set())


def _filled(wire: Wire, logon: str, template: str) -> str | None:
    path = template.replace("{kind}", "Users")
    if path.startswith("$service/"):
        return f"{path}?query=an&entity=Company"
    kind = path.partition("(")[0]
    for name in ("{key}", "{parent}"):
        if f"{kind}('{name}')" in path:
            if not keys(logon, kind):
                return None
            path = path.replace(f"{kind}('{name}')", f"{kind}('{keys(logon, kind)[0]}')")
    if "('{key}')" in path:  # a member of a collection
        members = wire.get(path.replace("('{key}')", ""), count=1, select="$key").json.get("$resources")
        return path.replace("{key}", str(members[0]["$key"])) if members else None
    return None if "{" in path else path


@pytest.mark.parametrize("logon", LOGONS)
def test_06_what_is_allowed_is_what_the_document_lists(admin: Wire, logon: str) -> None:
    wire, tried = login(logon), 0
    for path, methods in addresses(wire, logon):
        if ")/" in path:  # a collection may take no record of its kind, whatever its address says
            continue
        allowed = methods | {"OPTIONS"}
        answer = wire.options(path)
        assert answer.status == 204, (path, answer.body)
        assert set(answer.headers["Allow"].split(", ")) == allowed, path
        for method in sorted({*METHODS} - allowed)[tried % 2 :: 2]:
            answer = wire.send(method, path, b"{}")
            if answer.status == 403:  # a method of this address, and not of this caller
                assert method in admin.options(path).headers["Allow"], (method, path)
                continue
            assert (answer.status, set(answer.headers["Allow"].split(", "))) == (405, allowed), (method, path)
        tried += 1
    assert tried >= 4


@pytest.mark.parametrize(
    ("logon", "name"),
    [("susan", "X-HTTP-Method-Override"), ("peter", "X-HTTP-Method"), ("nora", "X-Method-Override")],
)
def test_07_override_headers_change_nothing_on_any_address(logon: str, name: str) -> None:
    wire = login(logon)
    for number, (path, methods) in enumerate(addresses(wire, logon)):
        if "GET" in methods and path != "$docs":
            plain = wire.get(path, count=0) if "/" not in path and path[:1].isalpha() and "(" not in path else None
            for method in ("DELETE", "PUT", "PATCH", "POST")[number % 4 :][:1]:
                headers = {name: method}
                if plain is not None:
                    assert wire.get(path, count=0, headers=headers).body == plain.body, path
                else:
                    assert wire.get(path, headers=headers).status in (200, 404), path
                if "POST" not in methods:
                    assert wire.post(path, {}, headers=headers).status in (403, 405), path


def shown(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "X-Request-Id"}


@pytest.mark.parametrize("logon", LOGONS if DEEP else ("admin", "olivia", "nora"))
def test_18_head_equals_get_without_body_on_every_readable_address(logon: str) -> None:
    wire = login(logon)
    for path, methods in addresses(wire, logon):
        if "GET" in methods:
            get, head = wire.get(path), wire.head(path)
            assert (head.status, head.body) == (get.status, b""), path
            assert shown(head.headers) == shown(get.headers), path


def test_18_head_is_authorised_as_get(susan: Wire, nobody: Wire) -> None:
    for path in ("nosuch", "company('999999999')", "company?foo=1", "/sdata/otherj/sagecrm2/-/company", "company"):
        assert susan.head(path).status == susan.get(path).status
        assert nobody.head(path).status == 401


@pytest.mark.parametrize("logon", LOGONS if DEEP else ("susan", "peter", "ian", "nora"))
def test_24_every_address_of_the_document_answers_as_it_says(logon: str, judged: Judge) -> None:
    wire, before, served = login(logon), judged.judged, 0
    for path, methods in addresses(wire, logon):
        if "GET" in methods:
            assert wire.get(path).status in (200, 404), path
            served += 1
    assert judged.judged - before >= served


def test_24_an_answer_that_the_document_does_not_allow_is_found(susan: Wire, judged: Judge) -> None:
    """The judge can fail."""
    contract = judged.contracts[susan.get("$whoami").headers["Contract-Fingerprint"]]
    answer = susan.get("company('2')")
    wrong = answer.body.replace(b'"Comp_OptOut":false', b'"Comp_OptOut":"N"')
    assert wrong != answer.body
    path = "/sdata/crmj/sagecrm2/-/company('2')"
    assert contract.problems("GET", path, 200, answer.headers, wrong)
    assert not contract.problems("GET", path, 200, answer.headers, answer.body)
