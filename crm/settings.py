"""Settings from the environment, safe by default: no debug, no secret that others could know.

Variables: docs/operators.md lists them. What ``make`` starts gets SECRET_KEY and DATABASE_URL from crm/launch.py
when they are not given.
"""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import django_stubs_ext
import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from crm import localdb, logs

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent


def secret_key() -> str:
    """Return SECRET_KEY, else the key that make generated for this clone."""
    key = os.environ.get("SECRET_KEY", "")
    if not key and localdb.secret_key().exists():
        key = localdb.secret_key().read_text()
    if not key:
        raise ImproperlyConfigured("Set SECRET_KEY to 50 random characters or more.")
    return key


def listed(name: str) -> list[str]:
    """Return a variable that is a comma list."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def networks(name: str) -> list[str]:
    """Return a variable that is a comma list of networks, or of ``unix`` for peers at a Unix socket."""
    found = listed(name)
    try:
        return [item if item == "unix" else str(ip_network(item, strict=False)) for item in found]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None


SECRET_KEY = secret_key()
DEBUG = False
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
REQUIRE_HTTPS = os.environ.get("REQUIRE_HTTPS", "0") != "0"  # crm/wsgi.py turns it on
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")  # whose forwarding headers are believed (api.proxies)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = REQUIRE_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if REQUIRE_HTTPS else 0

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "guardian",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "entities",
    "security",
    "api",
    "crm",
]

MIDDLEWARE = [
    "api.middleware.HeadMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "api.proxies.ProxyMiddleware",
    "api.middleware.CompressionMiddleware",
    "api.middleware.SDataMiddleware",
    "api.middleware.CrossOriginMiddleware",
    "crm.pages.FilesMiddleware",
    "crm.pages.SessionMiddleware",
    "crm.pages.CommonMiddleware",
    "crm.pages.CsrfViewMiddleware",
    "crm.pages.AuthenticationMiddleware",
    "crm.pages.MessageMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


# The second lock: PostgreSQL's own policies behind the gate's (manage.py row_security, docs/operators.md).
if os.environ.get("ROW_SECURITY", "off") not in ("off", "on"):
    raise ImproperlyConfigured("ROW_SECURITY is off or on.")
ROW_SECURITY = os.environ.get("ROW_SECURITY") == "on"


# Where connections are kept. What is planned once is planned for all its values: that a plan for some of them is
# cheaper is a guess that PostgreSQL would make anew for each, at the cost of planning (docs/adr/0029).
PLANNED_ONCE: dict[str, Any] = {"options": "-c plan_cache_mode=force_generic_plan"}  # security.running looks for it
if ROW_SECURITY:  # there every statement must pass Django, and psycopg plans for good what runs a second time
    PLANNED_ONCE["prepare_threshold"] = 1


def planned_once(options: dict[str, Any]) -> dict[str, Any]:
    """Return the ``OPTIONS`` of a database with those of ``PLANNED_ONCE``."""
    return {**options, **PLANNED_ONCE, "options": f"{options.get('options', '')} {PLANNED_ONCE['options']}".strip()}


def database(url: str, pool_size: int, statement_timeout: str = "") -> dict[str, Any]:
    """Return Django's form of a libpq URL; with a pool size, connections are kept and shared.

    ``statement_timeout`` = PostgreSQL's limit for one statement, such as ``10s``; empty for none.
    """
    try:
        options: dict[str, Any] = {**conninfo_to_dict(url)}
    except psycopg.ProgrammingError:  # its text may quote the password
        raise ImproperlyConfigured(
            "DATABASE_URL is not an address like postgresql://user:password@host:5432/name."
        ) from None
    connection = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": options.pop("dbname", ""),
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": options.pop("port", ""),
    }
    if statement_timeout:
        given = options.get("options", "")
        options["options"] = f"{given} -c statement_timeout={statement_timeout}".strip()
    if ROW_SECURITY:
        role = os.environ.get("DATABASE_ROLE")
        locked = f"-c search_path=unfiltered,public{f' -c role={role}' if role else ''}"
        options["options"] = f"{options.get('options', '')} {locked}".strip()
    if pool_size:
        options = planned_once(options) | {"pool": {"min_size": 1, "max_size": pool_size}}
    return {**connection, "OPTIONS": options}


DATABASES = {
    "default": database(
        os.environ.get("DATABASE_URL") or localdb.private().url,
        int(os.environ.get("DATABASE_POOL", "0")),
        os.environ.get("STATEMENT_TIMEOUT", ""),  # crm/wsgi.py sets it: migrations and the seed may take longer
    )
}

AUTH_USER_MODEL = "entities.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
# Length, and what is tried first (OWASP, NIST SP 800-63B); asked of new passwords, never of those that are stored.
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": int(os.environ.get("PASSWORD_MIN_LENGTH", "12"))},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("logon", "first_name", "last_name", "email_address")},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["security.backends.PlanBackend"]
LOGIN_REDIRECT_URL = "admin:index"  # where a log-in ends whose own destination was refused
SILENCED_SYSTEM_CHECKS = [
    # Our backend is guardian's, extended by the plan; a second one would OR its answers to ours.
    "guardian.W001",
    # The logon is unique by a constraint on lower(logon), which the check does not see.
    "auth.W004",
    # It looks for Django's own class by name; ours extends it (crm.pages), and a test reads what it refuses.
    "security.W003",
]
GUARDIAN_AUTO_PREFETCH = False
ANONYMOUS_USER_NAME = None

ALLOW_EMPTY_PASSWORDS = os.environ.get("ALLOW_EMPTY_PASSWORDS", "0") != "0"
ALLOW_SID_IN_URL = os.environ.get("ALLOW_SID_IN_URL", "0") != "0"
REQUIRE_WEB_SERVICE_ACCESS = os.environ.get("REQUIRE_WEB_SERVICE_ACCESS", "0") != "0"
# How many failed log-ins are remembered, and for how long; from half of them on each attempt waits (security.throttle).
LOGIN_FAILURES_PER_ACCOUNT = int(os.environ.get("LOGIN_FAILURES_PER_ACCOUNT", "10"))
LOGIN_FAILURES_PER_NETWORK = int(os.environ.get("LOGIN_FAILURES_PER_NETWORK", "100"))
LOGIN_FAILURES_WINDOW = int(os.environ.get("LOGIN_FAILURES_WINDOW", "600"))
LOGIN_DELAY = float(os.environ.get("LOGIN_DELAY", "1"))
LOG_IN_DAYS = int(os.environ.get("LOG_IN_DAYS", "90"))  # how long the trail of log-ins is kept; 0 = there is none
ADMIN_TOTP = os.environ.get("ADMIN_TOTP", "optional")  # the second factor of the administration
if ADMIN_TOTP not in ("off", "optional", "required"):
    raise ImproperlyConfigured("ADMIN_TOTP is off, optional or required.")

# Pages of other sites may use the contract only from these origins; cookies are never part of it.
CORS_ALLOWED_ORIGINS = [origin.lower().rstrip("/") for origin in listed("CORS_ALLOWED_ORIGINS")]
if "null" in CORS_ALLOWED_ORIGINS:
    raise ImproperlyConfigured('CORS_ALLOWED_ORIGINS: any site can send the origin "null".')
CORS_URLS_REGEX = r"^/sdata(/|$)"  # where the middleware has put the address
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "prefer",
    "x-authorization",
    "x-authorization-mode",
    "x-request-id",
    "x-sage-authorization",
)
CORS_EXPOSE_HEADERS = ("ETag", "Location", "Retry-After", "Contract-Fingerprint", "X-Request-Id")

USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # straight from the packages: no collectstatic to forget
WHITENOISE_MAX_AGE = 3600
LOGGING = logs.configuration(os.environ.get("LOG_LEVEL", "INFO"))
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

# The wire contract (docs/api.md).
INSTALL_NAME = os.environ.get("INSTALL_NAME", "crm")
PUBLIC_BASE_URL = os.environ.get("PUBLIC_BASE_URL", "").rstrip("/")
CLASSIC_CONTRACT = os.environ.get("CLASSIC_CONTRACT", "1") != "0"
CONTRACT_TIME_ZONE = os.environ.get("CONTRACT_TIME_ZONE", "UTC")
MAX_BODY_BYTES = 1024 * 1024
MAX_BATCH_BYTES = 16 * 1024 * 1024
MAX_BATCH_ITEMS = 1_000
WORKFLOWS_OFF = frozenset(listed("WORKFLOWS_OFF"))
REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "api.errors.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "api.openapi.operations.ContractSchema",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Parapet CRM",
    "VERSION": "1.0",
    "DEFAULT_GENERATOR_CLASS": "api.openapi.generator.Generator",
    "GET_MOCK_REQUEST": "api.openapi.generator.mock_request",
    "POSTPROCESSING_HOOKS": [],
    "SCHEMA_PATH_PREFIX": f"/sdata/{INSTALL_NAME}j/sagecrm2/-",
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "COMPONENT_SPLIT_PATCH": False,
    "SORT_OPERATIONS": False,
}
