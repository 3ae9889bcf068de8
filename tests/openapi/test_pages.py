"""The pages for people: the caller's own, with log-in by header, running the host's own scripts only."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib.staticfiles import finders

from tests.api.wire import BASE, LOGONS, ROOT, Wire, login

GUIDES = (f"{BASE}/$docs", "/docs/", "/docs")
PAGES = (*GUIDES, "/docs/redoc/", "/docs/redoc")


def text(wire: Wire, address: str = "/docs/") -> str:
    answer = wire.get(address)
    assert answer.status == 200
    return answer.body.decode()


@pytest.mark.parametrize("address", PAGES)
def test_a_page_asks_for_log_in_and_answers_html(address: str) -> None:
    refused = Wire().get(address)
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith('Basic realm="CRM"')
    found = login("susan").get(address)
    assert found.status == 200
    assert found.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Authorization" in found.headers["Vary"]
    assert found.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("address", PAGES)
def test_a_page_takes_no_other_method_and_no_parameter(address: str) -> None:
    assert login("susan").post(address, {}).status == 405
    assert login("susan").get(address, page="1").status == 400
    assert login("susan").head(address).status == 200


def test_every_spelling_answers_the_same_guide() -> None:
    susan = login("susan")
    assert len({text(susan, address) for address in GUIDES}) == 1


@pytest.mark.parametrize("address", ["/docs/", "/docs/redoc/"])
def test_nothing_comes_from_elsewhere(address: str) -> None:
    """No script but the host's own, none inside the page, and every file that a page names is there."""
    answer = login("susan").get(address)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    page = answer.body.decode()
    assert "<script>" not in page
    loaded = re.findall(r'(?:src|rel="stylesheet" href)="([^"]+)"', page)
    assert loaded
    for name in loaded:
        assert name.startswith("/static/")
        assert finders.find(name.removeprefix("/static/")), name


def test_the_guide_tells_with_the_callers_own_kinds_and_fields() -> None:
    susan, olivia = text(login("susan")), text(login("olivia"))
    assert f"{ROOT}/$prototypes/Company" in susan
    assert "Comp_Revenue" in susan
    for hidden in ("Comp_Revenue", "Comp_Employees", "Oppo_Forecast", "Oppo_Certainty"):
        assert hidden.lower() not in olivia.lower()
    assert "Opportunity" not in text(login("peter"))


def test_without_a_profile_the_guide_names_no_kind() -> None:
    page = text(login("nora"))
    assert "No kind of record is open to you yet" in page
    for kind in login("admin").kinds():
        assert not re.search(rf"\b{kind}\b", page) or kind in ("Address", "Users"), kind
    assert "Comp_" not in page


@pytest.mark.parametrize("logon", LOGONS)
def test_the_requests_that_the_guide_shows_work(logon: str) -> None:
    wire = login(logon)
    page = html.unescape(text(wire))
    shown = re.findall(r"^(?:<pre><code>)?(\w+\?where=.+?|\w+\?select=.+?)(?:</code></pre>)?$", page, re.MULTILINE)
    assert shown or logon == "nora"
    for request in shown:
        assert wire.get(request.replace("%", "%25")).status == 200, request
    for address in re.findall(rf'href="({re.escape(ROOT)}[^"]+)"', page):
        assert wire.get(address.removeprefix("http://testserver")).status == 200
