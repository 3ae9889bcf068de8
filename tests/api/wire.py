"""A client of the wire contract: sends requests as somebody, reads answers as JSON."""

from __future__ import annotations

import base64
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from django.db import connection, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BASE = "/sdata/crmj/sagecrm2/-"
ROOT = f"http://testserver{BASE}"
# Called with (client, method, path, answer) after each request.
WATCHERS: list[Callable[[Wire, str, str, Answer], None]] = []
LOGONS = ("admin", "susan", "william", "peter", "olivia", "ian", "nora")


def basic(logon: str, password: str | None = None) -> str:
    """Return the value of a Basic credentials header; the demo password unless another is given."""
    password = f"demo-{logon}" if password is None else password
    return "Basic " + base64.b64encode(f"{logon}:{password}".encode()).decode()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; numbers with a point stay text-exact floats only where tests compare them so."""
        return json.loads(self.body)

    @property
    def diagnoses(self) -> list[dict[str, str]]:
        """The refusal's diagnoses."""
        found: list[dict[str, str]] = self.json["$diagnoses"]
        return found

    @property
    def code(self) -> str:
        """The application code of a refusal with a single diagnosis."""
        (only,) = self.diagnoses
        return only["$applicationCode"]

    @property
    def codes(self) -> list[str]:
        """The application codes of a refusal."""
        return [diagnosis["$applicationCode"] for diagnosis in self.diagnoses]

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Status, ``$sdataCode`` and ``$applicationCode`` of a refusal with a single diagnosis."""
        (only,) = self.diagnoses
        return self.status, only["$sdataCode"], only["$applicationCode"]

    @property
    def keys(self) -> list[int]:
        """The keys of a feed's entries."""
        return [entry["$key"] for entry in self.json["$resources"]]


class Wire:
    """Sends requests with the headers given; paths are relative to the base unless they begin with a slash."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self.headers = dict(headers or {})
        self.client = Client(raise_request_exception=False)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = "application/json",
        **parameters: Any,
    ) -> Answer:
        """Send one request; ``body`` is sent as it is if it is bytes, else as JSON."""
        where = urlsplit(path)
        if where.netloc:
            path = where.path + (f"?{where.query}" if where.query else "")
        elif not path.startswith("/"):
            path = f"{BASE}/{path}" if path else f"{BASE}/"
        if parameters:
            path += "?" + urlencode(parameters, quote_via=quote)
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = self.headers | dict(headers or {})
        response: Any = self.client.generic(method, path, data, content_type=content_type or "", headers=sent)
        answer = Answer(response.status_code, response.headers, response.content)
        for watch in WATCHERS:
            watch(self, method, path, answer)
        return answer

    def get(self, path: str, **options: Any) -> Answer:
        """Read."""
        return self.send("GET", path, **options)

    def head(self, path: str, **options: Any) -> Answer:
        """Read the headers."""
        return self.send("HEAD", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> Answer:
        """Create."""
        return self.send("POST", path, body, **options)

    def put(self, path: str, body: Any, **options: Any) -> Answer:
        """Change."""
        return self.send("PUT", path, body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> Answer:
        """Change."""
        return self.send("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """Delete."""
        return self.send("DELETE", path, **options)

    def options(self, path: str, **options: Any) -> Answer:
        """Ask what may be done."""
        return self.send("OPTIONS", path, **options)

    def entry(self, path: str, **options: Any) -> dict[str, Any]:
        """Return a record or feed that must be there."""
        answer = self.get(path, **options)
        assert answer.status == 200, (path, answer.body)
        found: dict[str, Any] = answer.json
        return found

    def keys(self, path: str, **options: Any) -> list[int]:
        """Return the keys of a feed that must be there."""
        return [entry["$key"] for entry in self.entry(path, **options)["$resources"]]

    def kinds(self) -> list[str]:
        """Return the kinds of the caller's contract."""
        return [entry["$resourceKind"] for entry in self.entry("$prototypes")["$resources"]]


def login(logon: str) -> Wire:
    """Return a client that sends a demo user's Basic credentials."""
    return Wire({"Authorization": basic(logon)})


def at(kind: str, key: int) -> str:
    """Return the address of a record."""
    return f"{kind}('{key}')"


def shape_of(statement: str) -> str:
    """Return a statement without its values and their sizes; nobody is NULL where somebody is a number."""
    text = re.sub(r"'(?:[^']|'')*'(?:::int\d(?:\[\])?)?", "?", statement)
    return re.sub(r"= -?\d+\b|IS NULL|\bNULL\b|(?<![\w\"])-?\d+\b", "?", text)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements that the block sends, without those that only frame a transaction."""
    found: list[str] = []
    reset_queries()  # the log that is captured from holds no more than 9,000
    with CaptureQueriesContext(connection) as captured:
        yield found
    framing = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "BEGIN", "COMMIT")
    found.extend(query["sql"] for query in captured.captured_queries if not query["sql"].startswith(framing))
