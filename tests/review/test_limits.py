"""What one request can cost: the time of a statement, and the time to read a header."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psycopg
import pytest
from django.db import connection

from api.etags import matches
from crm import localdb
from crm import settings as crm_settings
from crm.settings import database


def test_a_served_statement_has_a_time_limit() -> None:
    program = "import crm.wsgi; from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'])"
    environment = {name: value for name, value in os.environ.items() if name != "STATEMENT_TIMEOUT"}
    served = subprocess.run(
        [sys.executable, "-c", program],
        cwd=localdb.CLONE,
        env=environment | {"SECRET_KEY": "x" * 50},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-c statement_timeout=10s" in served.stdout


def test_the_limit_is_added_to_what_the_address_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crm_settings, "ROW_SECURITY", False)  # which adds more
    made = database("postgresql:///crm?options=-c%20jit%3Doff", 0, "3s")
    assert made["OPTIONS"]["options"] == "-c jit=off -c statement_timeout=3s"
    assert "options" not in database("postgresql:///crm", 0)["OPTIONS"]


def test_the_database_ends_a_statement_at_its_limit(db: None) -> None:
    options = database("postgresql:///crm", 0, "50ms")["OPTIONS"]["options"]
    where = connection.get_connection_params()
    own = {name: where[name] for name in ("host", "user", "dbname", "password", "port") if where.get(name)}
    with psycopg.connect(**own, options=options) as link, pytest.raises(psycopg.errors.QueryCanceled):
        link.execute("SELECT pg_sleep(5)")


@pytest.mark.parametrize("header", [" " * 8000 + '"x', "a" + " " * 8000 + "b", '"' * 8001, "W/" * 4000, "a " * 4000])
def test_a_tag_header_is_read_in_linear_time(header: str) -> None:
    start = time.process_time()
    assert not matches(header, "tag")
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("header", ["*", '"tag"', "tag", 'W/"tag"', "W/tag", '"a","tag"', 'a , W/"tag"', ' "tag" '])
def test_a_tag_header_names_its_tags(header: str) -> None:
    assert matches(header, "tag")


@pytest.mark.parametrize("header", ["", '""', "tags", '"ta g"', 'W/"other"', '"a", "b"'])
def test_a_tag_header_names_no_other(header: str) -> None:
    assert not matches(header, "tag")
