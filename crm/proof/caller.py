"""Sends the requests of one user to the application in this process, each undone at once.

The API is called with a Bearer token, the administration with a session; both are made for it and undone with all else.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import transaction
from django.test import Client
from django.utils import timezone

from security.credentials import new_token, token_hash
from security.models import Token

if TYPE_CHECKING:
    from crm.proof.still import Keys
    from entities.models import User

_NEXT = re.compile(rb'"\$next":\{"\$url":"(https?://[^"]+)"')


@dataclass(frozen=True)
class Asked:
    """One request. ``then`` = what follows in the same breath: the next page, the same again with the tag just got.

    ``staff`` = of the administration, whose forms carry ``form`` instead of a ``body``.
    """

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    then: Literal["", "next", "tag"] = ""
    staff: bool = False
    form: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"

    def __str__(self) -> str:
        headers = "".join(f"  {name}: {value}" for name, value in self.headers)
        body = self.body.decode("utf-8", "replace") or "&".join(f"{name}={value}" for name, value in self.form)
        then = {"": "", "next": "  and the next page", "tag": "  with the tag that it has"}[self.then]
        return f"{self.method} {self.path}{headers}{'  ' + body if body else ''}{then}"


@dataclass(frozen=True)
class Answer:
    """All that one answer tells."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Answers = tuple[Answer, ...]


def digest(answers: Answers) -> bytes:
    """Return a digest of what the answers tell."""
    return hashlib.blake2b(repr(answers).encode(), digest_size=16).digest()


class Caller:
    """One user, logged in to both channels."""

    def __init__(self, user: User, keys: Keys) -> None:
        self.keys = keys
        text = new_token()
        Token(user=user, name="proof", hash=token_hash(text), expires_at=timezone.now() + timedelta(hours=1)).save()
        host = next((name for name in settings.ALLOWED_HOSTS if name.strip(".*")), "localhost").lstrip(".")
        self.api = Client(raise_request_exception=False, SERVER_NAME=host)
        self.pages = Client(raise_request_exception=False, SERVER_NAME=host)
        self.authorization = f"Bearer {text}"
        store = import_module(settings.SESSION_ENGINE).SessionStore()
        store.update(
            {
                SESSION_KEY: str(user.pk),
                BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                HASH_SESSION_KEY: user.get_session_auth_hash(),
            }
        )
        store.save()
        self.pages.cookies[settings.SESSION_COOKIE_NAME] = store.session_key
        self.cookies = dict(self.pages.cookies.items())

    def answers(self, asked: Asked) -> Answers:
        """Send a request and what follows it; undo what it did."""
        self.keys.restart()
        with transaction.atomic():
            if asked.then == "tag" and asked.method != "GET":
                seen = self._send(Asked("GET", asked.path.partition("?")[0]))
                asked = replace(asked, headers=(*asked.headers, ("If-Match", dict(seen.headers).get("ETag", ""))))
            first = self._send(asked)
            found = (first, *self._following(asked, first))
            transaction.set_rollback(True)
        return found

    def _following(self, asked: Asked, first: Answer) -> Answers:
        if asked.then == "next" and (link := _NEXT.search(first.body)):
            return (self._send(replace(asked, path=link[1].decode())),)
        if asked.then == "tag" and asked.method == "GET" and (tag := dict(first.headers).get("ETag")):
            return (self._send(replace(asked, headers=(*asked.headers, ("If-None-Match", tag)))),)
        return ()

    def _send(self, asked: Asked) -> Answer:
        headers = dict(asked.headers) | {"X-Request-Id": "still"}
        if asked.staff:
            self.pages.cookies.clear()  # whatever an answer set is not carried on
            self.pages.cookies.update(self.cookies)
            method = getattr(self.pages, asked.method.lower())
            data: dict[str, list[str]] = {}
            for name, value in asked.form:
                data.setdefault(name, []).append(value)
            response: Any = method(asked.path, data, headers=headers, secure=settings.REQUIRE_HTTPS)
        else:
            headers["Authorization"] = self.authorization
            response = self.api.generic(
                asked.method,
                asked.path,
                asked.body,
                content_type=asked.media_type,
                headers=headers,
                secure=settings.REQUIRE_HTTPS,
            )
        cookies = ("Set-Cookie", response.cookies.output(header=""))
        content = b"".join(response.streaming_content) if response.streaming else response.content
        return Answer(response.status_code, (*sorted(response.headers.items()), cookies), content)
