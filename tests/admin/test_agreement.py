"""The administration and the API show the demo world's members of staff the same."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from crm import demo
from crm.admin_rows import address
from entities.registry import registry
from tests.owner import owning

if TYPE_CHECKING:
    from entities.registry import Entity

ROOT = "/sdata/crmj/sagecrm2/-"
STAFF = ("susan", "william", "peter")


def keys_in_admin(browser: Client, entity: Entity) -> set[int] | None:
    """Return the keys that the pages of a list show; None where the kind is no page."""
    response = browser.get(address(entity, "changelist"))
    if response.status_code == 404:
        return None
    found, pages = set[int](), response.context["cl"].paginator.num_pages
    for page in range(1, pages + 1):
        listed = browser.get(f"{address(entity, 'changelist')}?p={page}").context["cl"]
        found |= {row.pk for row in listed.result_list}
    return found


def keys_in_api(logon: str, entity: Entity) -> set[int] | None:
    """Return the keys of a feed; None where the kind is unknown."""
    credentials = base64.b64encode(f"{logon}:demo-{logon}".encode()).decode()
    api = Client(SERVER_NAME="localhost", headers={"Authorization": f"Basic {credentials}"})
    response = api.get(f"{ROOT}/{entity.kind}?count=1000&select=$key")
    return None if response.status_code == 404 else {row["$key"] for row in response.json()["$resources"]}


@pytest.mark.django_db
def test_staff_see_in_the_administration_what_the_api_gives_them() -> None:
    with owning():
        demo.build("tiny")
    for logon in STAFF:
        browser = Client(SERVER_NAME="localhost")
        assert browser.login(username=logon, password=f"demo-{logon}")
        for entity in registry():
            if not entity.proxy:
                assert keys_in_admin(browser, entity) == keys_in_api(logon, entity), (logon, entity.kind)
