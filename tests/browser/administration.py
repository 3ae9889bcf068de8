"""The administration in a real browser: log-in, list, form, autocomplete, history, second factor, as staff; the trail.

Not part of ``make test``, for not every machine has a browser: ``make check-browser`` runs it. BROWSER names the
program; without it, Chromium or Chrome is looked for. Pictures go to ``.local/browser/``.
"""

from __future__ import annotations

import base64
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from playwright.sync_api import sync_playwright

from crm import demo
from security import second_factor

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
        page.on("request", lambda request: wrong.extend(elsewhere(request.url, live_server.url)))
        page.goto("/admin/")
        log_in(page, "peter")
        yield page
        browser.close()
    assert wrong == []


def elsewhere(url: str, here: str) -> list[str]:
    """Return ``url`` where it leads to another host."""
    return [] if url.startswith((here, "data:")) else [url]


def log_in(page: Page, logon: str, code: str = "") -> None:
    """Fill in the form of the log-in page."""
    page.fill("#id_username", logon)
    page.fill("#id_password", f"demo-{logon}")
    page.fill("#id_code", code)
    page.click("input[type=submit]")


def test_a_member_of_staff_at_work(page: Page, companies: list[int]) -> None:
    # One test, for the database is emptied after each, the selection lists of the migrations too.
    look_at_companies(page, companies)
    work_on_a_case(page)
    prove_a_second_factor(page)
    read_who_came(page)


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


def prove_a_second_factor(page: Page) -> None:
    """Set a second factor up, log out, and log in with a code of it."""
    page.click("text=Second factor")
    page.fill("#id_password", "demo-peter")
    page.click("text=Set up")
    page.screenshot(path=PICTURES / "second_factor.png", full_page=True)
    key = base64.b32decode(page.inner_text("#factor-key").replace(" ", ""))
    page.fill("#id_code", second_factor.code_at(key, int(time.time()) // 30).decode())
    page.click("text=Confirm")
    codes = page.inner_text("#backup-codes").split()
    assert len(codes) == 10
    page.screenshot(path=PICTURES / "backup_codes.png", full_page=True)
    page.click("text=Log out")
    page.goto("/admin/")
    log_in(page, "peter", "000000")
    page.screenshot(path=PICTURES / "log_in.png", full_page=True)
    assert "Please enter the correct logon and password" in page.inner_text(".errornote")
    log_in(page, "peter", codes[0])
    assert "Companies" in page.inner_text("#content")
    page.goto("/admin/second-factor/")
    page.screenshot(path=PICTURES / "second_factor_change.png", full_page=True)
    assert "9 unused backup codes" in page.inner_text("#content")
    page.goto("/admin/password_change/")
    page.screenshot(path=PICTURES / "password.png", full_page=True)
    page.click("text=Log out")


def read_who_came(page: Page) -> None:
    """As the administrator, read the trail and reset the second factor."""
    page.goto("/admin/")
    log_in(page, "admin")
    page.goto("/admin/security/login/")
    page.screenshot(path=PICTURES / "log_ins.png", full_page=True)
    assert "right password, wrong code" in page.inner_text("#result_list")
    page.goto("/admin/entities/user/?q=peter")
    page.screenshot(path=PICTURES / "users.png", full_page=True)
    page.click("#result_list th a:text-is('Peter Johnson')")
    page.click("text=Reset second factor")
    page.screenshot(path=PICTURES / "reset_factor.png", full_page=True)
    page.click("input[value='Reset second factor']")
    assert "no second factor any more" in page.inner_text(".messagelist")
