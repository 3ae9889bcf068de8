"""A marker in everything that is hidden is in no byte of any channel, and no read selects a hidden column (58).

The requests are those of ``crm.proof``: every operation and parameter of the API, the classic contract, the pages
of the docs; the administration is crawled by its links as well.
"""

from __future__ import annotations

import os
import random
import re
from typing import TYPE_CHECKING

import orjson
import pytest

from api.address import base_path
from crm.proof.asking import Asker
from crm.proof.caller import Asked, Caller
from crm.proof.changing import Difference, applied
from crm.proof.hidden import Sight, kinds, rights, sight_of, stored
from crm.proof.still import Keys, held_still
from entities.kinds import TEXT_TYPES
from entities.models import User
from entities.registry import table_name
from security import gate
from security.models import FieldRule, Profile
from tests.api.wire import login, statements
from tests.mutants.test_side_doors import browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entities.registry import Entity, Field

DEEP = os.environ.get("PARAPET_DEEP", "") == "1"
REQUESTS, PAGES = (3_000, 600) if DEEP else (120, 50)
MARK = "Zanzibar"
# Hidden besides what the demo world hides; title, searched and ordered columns among them.
HIDDEN = {"Person": "Pers_LastName", "Company": "Comp_WebSite", "Cases": "Case_Description", "Phone": "Phon_Number"}
PROFILES = {"olivia": "Partner", "peter": "Support", "susan": "Sales"}
# Read below the gate to know who acts and what they may do.
POLICY = {"Users", "Territories", "Channel"}
_LINK = re.compile(rb'(?:href|action)="(/admin/[^"#]*)"')
_LIST = re.compile(r"SELECT (.*?) FROM ", re.DOTALL)


def marked(sight: Sight) -> list[Difference]:
    """Return the changes that put the marker into every hidden text that can hold it."""
    found = []
    for entity in kinds():
        if entity.kind in POLICY:
            continue
        for field in (f for f in stored(entity) if f.type in TEXT_TYPES and (f.max_length or 99) >= len(MARK)):
            if field in sight.hidden(entity) and sight.visible[entity.kind]:
                found.append(Difference("hidden", entity.kind, sight.visible[entity.kind], field.name, MARK))
            if sight.invisible[entity.kind]:
                found.append(Difference("invisible", entity.kind, sight.invisible[entity.kind], field.name, MARK))
    return found


def crawled(caller: Caller, first: str) -> Iterator[tuple[Asked, bytes]]:
    """Yield the pages of the administration that links lead to."""
    pending, seen = [first], set[str]()
    while pending and len(seen) < PAGES:
        path = pending.pop(0)
        if path in seen or "logout" in path:
            continue
        seen.add(path)
        asked = Asked("GET", path, staff=True)
        (answer,) = caller.answers(asked)
        yield asked, repr(answer.headers).encode() + answer.body
        links = [link.decode().replace("&amp;", "&") for link in _LINK.findall(answer.body)]
        # Pages of all sorts, not all the rows of the first list.
        pending += random.Random(len(seen)).sample(links, min(len(links), 12))


def hidden_columns(sight: Sight) -> dict[str, str]:
    """Return ``{"table"."column": Kind.column}`` of what no read of the caller selects."""
    found: dict[str, str] = {}
    for entity in kinds():
        if entity.kind not in POLICY:
            for field in sight.hidden(entity):
                found[_column(entity, field)] = f"{entity.kind}.{field.column}"
    return found


def _column(entity: Entity, field: Field) -> str:
    return f'"{table_name(entity.model)}"."{field.column}"'


def selected(sent: list[str], hidden: dict[str, str]) -> set[str]:
    """Return the hidden columns that stand in a select list, a sub-query's included."""
    lists = " ".join(found for sql in sent for found in _LIST.findall(sql))
    return {name for column, name in hidden.items() if column in lists}


@pytest.fixture
def prepared(request: pytest.FixtureRequest) -> Iterator[tuple[Caller, Asker, list[Asked]]]:
    """Hide more from a user, plant the marker, make the requests."""
    logon: str = request.param
    for kind, field in HIDDEN.items():
        profile = Profile.objects.get(group__name=PROFILES[logon])
        FieldRule.objects.create(entity=kind, field=field, profile=profile, read=False)
    user = gate.system_rows(User).get(logon=logon)
    keys, dice = Keys(), random.Random(58)
    caller = Caller(user, keys)
    with held_still(keys):
        (document,) = caller.answers(Asked("GET", f"{base_path()}/$openapi"))
        sight, before = sight_of(user.pk, dice), rights(user.pk)
        asker = Asker(sight, orjson.loads(document.body), dice, staff=user.is_staff)
        planted = applied(marked(sight))
        assert rights(user.pk) == before
        assert {(one.what, one.kind) for one in planted} >= {("hidden", "Company"), ("hidden", "Person")}
        requests = [one for one in asker.requests(REQUESTS) if MARK not in repr(one)]
        assert len(requests) > REQUESTS * 0.8
        yield caller, asker, requests


@pytest.mark.timeout(3600 if DEEP else 600)
@pytest.mark.parametrize("prepared", PROFILES, indirect=True)
def test_58_the_marker_is_in_no_byte_of_any_channel(prepared: tuple[Caller, Asker, list[Asked]]) -> None:
    caller, asker, requests = prepared
    pages = [Asked("GET", path) for path in ("/docs/", "/docs/redoc/", "/openapi.json", "/openapi.yaml", "/")]
    hidden, answered = hidden_columns(asker.sight), 0
    assert '"entities_company"."web_site"' in hidden
    for asked in (*pages, *requests):
        with statements() as sent:
            answers = caller.answers(asked)
        for answer in answers:
            assert MARK.encode() not in answer.body, asked
            assert MARK not in repr(answer.headers), asked
            answered += answer.status == 200
        if asked.method in ("GET", "HEAD"):
            assert selected(sent, hidden) == set(), asked
    assert answered > REQUESTS // 8


@pytest.mark.parametrize("prepared", ["peter", "susan"], indirect=True)
def test_58_the_administration_shows_the_marker_on_no_page(prepared: tuple[Caller, Asker, list[Asked]]) -> None:
    caller, asker, _ = prepared
    hidden, count = hidden_columns(asker.sight), 0
    with statements() as sent:
        for asked, told in crawled(caller, "/admin/"):
            assert MARK.encode() not in told, asked
            count += 1
    assert count >= PAGES // 2
    assert selected(sent, hidden) == set()


def test_59_the_administrators_pages_show_it(unjudged: None) -> None:
    """The tests above can fail."""
    FieldRule.objects.create(
        entity="Person", field="Pers_LastName", profile=Profile.objects.get(group__name="Support"), read=False
    )
    applied(marked(sight_of(gate.system_rows(User).get(logon="peter").pk, random.Random(58))))
    assert MARK.encode() in browser("admin").get("/admin/entities/person/").content
    with statements() as sent:
        login("admin").get("company")
    assert selected(sent, {'"entities_company"."web_site"': "Company.web_site"}) == {"Company.web_site"}
