"""The administration in a real browser: log-in, list, form, autocomplete, history, as a member of staff.

Not part of ``make test``, for not every machine has a browser: ``make check-browser`` runs it. BROWSER names the
program; without it, Chromium or Chrome is looked for. Pictures go to ``.local/browser/``.
"""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from playwright.sync_api import sync_playwright

from crm import demo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

PICTURES = Path(".local/browser")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FEED = "/sdata/crmj/sagecrm2/-/Company?count=50&select=$key"


@pytest.fixture(scope="session")
def program() -> str:
    """Return the browser's path."""
    found = os.environ.get("BROWSER") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, "No browser was found. Install chromium or set BROWSER."
    return found


@pytest.fixture
def companies(transactional_db: None) -> list[int]:
    """Build the demo world; return the first companies that the API gives peter."""
    demo.build("tiny")
    credentials = base64.b64encode(b"peter:demo-peter").decode()
    api = Client(SERVER_NAME="localhost", headers={"Authorization": f"Basic {credentials}"})
    return [row["$key"] for row in api.get(FEED).json()["$resources"]]


@pytest.fixture
def page(program: str, live_server: LiveServer, companies: list[int]) -> Iterator[Page]:
    """Log peter in; the test fails on any error of a script or of the server."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        page = browser.new_page(base_url=live_server.url, viewport={"width": 1400, "height": 1000})
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda response: wrong.append(response.url) if response.status >= 500 else None)
        page.goto("/admin/")
        page.fill("#id_username", "peter")
        page.fill("#id_password", "demo-peter")
        page.click("input[type=submit]")
        yield page
        browser.close()
    assert wrong == []


def test_a_member_of_staff_at_work(page: Page, companies: list[int]) -> None:
    # One test, for the database is emptied after each, the selection lists of the migrations too.
    look_at_companies(page, companies)
    work_on_a_case(page)


def look_at_companies(page: Page, companies: list[int]) -> None:
    """Find the companies that the API gives, without a revenue column, filter or history entry."""
    page.goto("/admin/entities/company/")
    page.screenshot(path=PICTURES / "companies.png", full_page=True)
    links = page.locator("#result_list th.field-record_title a").all()
    assert [int((link.get_attribute("href") or "").split("/")[4]) for link in links] == companies
    assert "Revenue" not in page.content()
    page.locator("#changelist-filter summary", has_text="By Type").click()
    page.click("#changelist-filter a:text-is('Customer')")
    assert "comp_type=Customer" in page.url
    page.goto(f"/admin/entities/company/{companies[0]}/change/")
    page.screenshot(path=PICTURES / "company.png", full_page=True)
    assert "Revenue" not in page.content()
    page.click("text=History")
    assert "Revenue" not in page.content()


def work_on_a_case(page: Page) -> None:
    """Choose another company while typing, save, and find the change in the history."""
    page.goto("/admin/entities/case/1/change/")
    page.locator(".field-primary_company .select2-selection").click()
    page.keyboard.type("harbour")
    page.locator(".select2-results__option", has_text="Harbour").first.click()
    page.fill("#id_customer_ref", "PO 77")
    page.screenshot(path=PICTURES / "case.png", full_page=True)
    page.click("input[name=_continue]")
    assert "was changed successfully" in page.inner_text(".messagelist")
    assert page.input_value("#id_customer_ref") == "PO 77"
    assert "Harbour" in page.inner_text(".field-primary_company")
    page.click("text=History")
    page.screenshot(path=PICTURES / "history.png", full_page=True)
    assert "Peter Johnson" in page.inner_text("#change-history")
    assert "Customer Reference" in page.inner_text("#change-history")
