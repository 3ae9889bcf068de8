"""Settings: they come from the environment, and nothing unsafe is the default."""

from __future__ import annotations

import io
import json
import logging.config
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured

from crm import localdb, logs
from crm import settings as crm_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def served(name: str, **variables: str) -> str:
    """A setting's value as the web server has it."""
    program = f"import crm.wsgi; from django.conf import settings; print(settings.{name})"
    environment = {**os.environ, "SECRET_KEY": "x" * 50, **variables}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=localdb.CLONE,
        env={name: value for name, value in environment.items() if name != "REQUIRE_HTTPS"}
        | {name: value for name, value in variables.items() if name == "REQUIRE_HTTPS"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_url_becomes_djangos_form() -> None:
    made = crm_settings.database("postgresql://u:p%40ss@db.lan:6432/crm?sslmode=require", 0)
    assert made == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "crm",
        "USER": "u",
        "PASSWORD": "p@ss",
        "HOST": "db.lan",
        "PORT": "6432",
        "OPTIONS": {"sslmode": "require"},
    }


def test_a_socket_in_a_path_with_a_space_survives() -> None:
    cluster = localdb.Cluster(localdb.CLONE / "a b" / "ü%&")
    assert crm_settings.database(cluster.url, 0)["HOST"] == str(cluster.sockets)


def test_a_pool_is_kept_where_threads_share_it() -> None:
    pool = crm_settings.database("postgresql:///crm", 4)["OPTIONS"]["pool"]
    assert pool["max_size"] == 4


def test_a_wrong_url_is_refused_without_its_password() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        crm_settings.database("postgres//u:hush@db/crm", 0)
    assert "hush" not in str(caught.value)


def test_the_key_is_given_or_generated_and_never_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret_key"
    monkeypatch.setattr(localdb, "secret_key", lambda: file)
    monkeypatch.setenv("SECRET_KEY", "")
    with pytest.raises(ImproperlyConfigured, match="Set SECRET_KEY"):
        crm_settings.secret_key()
    file.write_text("generated")
    assert crm_settings.secret_key() == "generated"
    monkeypatch.setenv("SECRET_KEY", "given")
    assert crm_settings.secret_key() == "given"


def test_plain_http_is_served_only_where_the_environment_says_so() -> None:
    assert served("REQUIRE_HTTPS, settings.SESSION_COOKIE_SECURE, settings.DEBUG") == ("True True False")
    assert served("CSRF_COOKIE_SECURE", REQUIRE_HTTPS="0") == "False"


def test_networks_are_read_and_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWORKS", " 10.1.2.3/8, unix,2001:db8::1 ,,")
    assert crm_settings.networks("NETWORKS") == ["10.0.0.0/8", "unix", "2001:db8::1/128"]
    monkeypatch.setenv("NETWORKS", "proxy.lan")
    with pytest.raises(ImproperlyConfigured, match="NETWORKS"):
        crm_settings.networks("NETWORKS")


def test_any_site_can_send_the_origin_null_so_it_is_not_listed() -> None:
    assert served("CORS_ALLOWED_ORIGINS", CORS_ALLOWED_ORIGINS="https://A.example/,") == "['https://a.example']"
    with pytest.raises(subprocess.CalledProcessError):
        served("CORS_ALLOWED_ORIGINS", CORS_ALLOWED_ORIGINS="null")


def test_every_variable_stands_in_the_operators_table() -> None:
    read = re.compile(r'(?:environ\.(?:get|setdefault)\(|listed\(|networks\()"([A-Z_]+)"')
    names = {name for path in ("settings", "gunicorn", "wsgi") for name in read.findall(source(path))}
    table = [line for line in (localdb.CLONE / "docs/operators.md").read_text().splitlines() if line.startswith("|")]
    assert len(names) > 20
    # Django's own variable is nothing for an operator to set: there is one settings module.
    assert {name for name in names if f"`{name}`" not in "".join(table)} == {"DJANGO_SETTINGS_MODULE"}


def source(name: str) -> str:
    return (localdb.CLONE / "crm" / f"{name}.py").read_text()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged, with logging and structlog as they were afterwards."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    made: dict[str, Any] = logs.configuration("INFO")
    logging.config.dictConfig({**made, "loggers": {}})
    yield stream
    root.handlers[:], root.level = handlers, level


def test_a_line_is_json_with_what_is_bound_and_without_credentials(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("crm").info("signed in", password="hush", logon="susan")
        logging.getLogger("other").warning("about %s", "something")
    first, second = map(json.loads, lines.getvalue().splitlines())
    assert first["event"] == "signed in"
    assert first["password"] == "[scrubbed]"
    assert (first["logon"], first["request_id"], first["level"]) == ("susan", "r-1", "info")
    assert (second["event"], second["request_id"]) == ("about something", "r-1")


def test_a_line_never_holds_a_token_of_an_address(lines: io.StringIO) -> None:
    structlog.get_logger("crm").info("asked for /sdata/crmj/sagecrm2/-/company?count=1&SID=hush&x=1")
    logging.getLogger("other").warning("GET %s", "/company?sid=hush")
    assert "hush" not in lines.getvalue()
    assert "x=1" in lines.getvalue()
