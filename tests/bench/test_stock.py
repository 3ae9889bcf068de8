"""The stock implementation hides and offers what ours does, and whatever it lacked would be noticed."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission
from django.utils import timezone

from bench.asking import Ask
from bench.cases import HALF, first_page, page
from bench.honesty import difference, entries
from bench.size import BASE, FILLERS, KEYS, home, subtree
from entities.models import Address, AddressLink, Company, Person, Team, Territory, User
from security.grants import GRANTS
from tests.api.wire import statements
from tests.bench.served import SIZE, sent, serve_ours, serve_stock

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model

COMPLETE = {name: ask for name, ask in first_page().asks.items() if ask.server == "stock" and not name.endswith(HALF)}
# As many for a page of a hundred as for one of ten: who asks, their rights, home and hidden fields, the page, seven
# references and two for the addresses, what may be edited and deleted; the expert's territories, teams and profiles.
STATEMENTS = {"stock": 17, "stock, no count": 16, "stock, expert": 19, "stock, by hand": 15}


def test_what_is_hidden_and_offered_is_what_ours_hides_and_offers(small_world: None, settings: Any) -> None:
    before = shown("restricted", settings)
    change_what_is_linked(before)
    for logon in ("restricted", "granted", "admin"):
        ours = shown(logon, settings)
        serve_stock(settings)
        for name, ask in COMPLETE.items():
            assert not difference(ours, entries(sent(Ask("stock", ask.path, logon))), stock=True), (logon, name)
        if logon == "restricted":
            offered = {frozenset(entry["$links"]) & {"$edit", "$delete"} for entry in ours}
            assert offered >= {frozenset(), frozenset({"$edit"}), frozenset({"$edit", "$delete"})}
            assert all(
                [entry for entry in ours if kind not in entry] for kind in ("Person", "Users", "Channel", "Territories")
            )
            assert [entry for entry in ours if not entry["Comp_CreatedBy"]]
            addresses = {entry["Comp_CompanyId"] for entry in ours if "Address" in entry}
            assert {entry["$key"] for entry in before if "Address" in entry} - addresses


def change_what_is_linked(seen: Any) -> None:
    """Delete, hide, unlink and grant around the companies ``seen``, so that their entries differ from one another."""
    companies: list[Any] = list(Company.objects.filter(pk__in=[entry["$key"] for entry in seen]).order_by("pk"))
    addressed = [company for company in companies if company.primary_address_id]
    assert len(addressed) > 10
    away = [company for company in companies if company.primary_user_id >= FILLERS[0]]
    away = [company for company in away if company.team_id != 1 and company.created_by_id >= FILLERS[0]]
    now = timezone.now()
    deleted: dict[type[Model], Any] = {
        Person: companies[0].primary_person_id,
        User: away[0].primary_user_id,
        Team: away[1].team_id,
        Territory: next(one.territory_id for one in companies if one.territory and not one.territory.child_count),
        Address: addressed[0].primary_address_id,
    }
    for model, key in deleted.items():
        model._default_manager.filter(pk=key).update(deleted_at=now)
    User.objects.filter(pk=away[2].created_by_id).update(deleted_at=now)
    hidden = {"territory": None, "team": None, "primary_user": None, "created_by": FILLERS[0]}
    Person.objects.filter(pk=companies[5].primary_person_id).update(**hidden)
    free, mine, personal = (company.primary_address_id for company in addressed[1:4])
    AddressLink.objects.filter(address__in=[free, mine]).update(deleted_at=now)
    Address.objects.filter(pk=mine).update(created_by=KEYS["restricted"])
    AddressLink.objects.filter(address=personal).update(company=None, person=companies[6].primary_person_id)
    AddressLink.objects.filter(address=addressed[4].primary_address_id).update(
        company=None, person=companies[5].primary_person_id
    )
    Company.objects.filter(pk=companies[7].pk).update(name="", type="")
    grant("change", KEYS["restricted"], companies[8:20])
    grant("delete", KEYS["restricted"], companies[10:30])


def grant(action: str, user: int, companies: list[Company]) -> None:
    """Grant ``action`` on ``companies`` to ``user``."""
    table: Any = GRANTS["Company"][0]
    permission = Permission.objects.get(content_type__app_label="entities", codename=f"{action}_company")
    for company in companies:
        table.objects.create(user_id=user, permission=permission, content_object=company)


def shown(logon: str, settings: Any) -> Any:
    """Return the entries of our first page."""
    serve_ours(settings)
    return entries(sent(page(logon)))


def test_one_record_and_a_new_one_are_answered_as_in_a_list(small_world: None, settings: Any) -> None:
    key = shown("restricted", settings)[50]["$key"]
    alone = sent(Ask("ours", f"{BASE}/company('{key}')"))
    place = subtree(SIZE, home(SIZE))[0]
    given = {"Comp_Name": "New", "Comp_Type": "Customer", "Comp_PrimaryUserId": FILLERS[0], "Comp_SecTerr": place}
    given["Comp_ChannelId"] = 1
    ours = sent(Ask("ours", f"{BASE}/company", method="POST", body=json.dumps(given).encode()), 201)
    serve_stock(settings)
    assert not difference([alone], [sent(Ask("stock", f"/fast/companies/{key}/"))], stock=True)
    linked = {
        "primary_user": f"http://127.0.0.1/users/{FILLERS[0]}/",
        "team": "http://127.0.0.1/teams/1/",
        "territory": f"http://127.0.0.1/territories/{place}/",
    }
    body = json.dumps({"name": "New", "type": "Customer", **linked}).encode()
    created = sent(Ask("stock", "/fast/companies/", method="POST", body=body), 201)
    assert created == sent(Ask("stock", f"/fast/companies/{created['id']}/"))
    for stamp in ("created_at", "updated_at"):
        assert created[stamp]
    other, own = (f"/companies/{number}/" for number in (created["id"], ours["$key"]))
    renamed = json.loads(json.dumps(created).replace(other, own))
    same = {"id": ours["$key"], "created_at": ours["Comp_CreatedDate"], "updated_at": ours["Comp_UpdatedDate"]}
    assert not difference([ours], [renamed | same], stock=True)


def test_what_is_offered_alone_may_be_done(small_world: None, settings: Any) -> None:
    serve_stock(settings)
    found = entries(sent(COMPLETE["stock"]))
    for entry in (next(e for e in found if ("edit" in e["links"]) is may) for may in (True, False)):
        body = json.dumps({"segment_id": 7}).encode()
        ask = Ask("stock", f"/fast/companies/{entry['id']}/", method="PATCH", body=body)
        changed = sent(ask, 200 if "edit" in entry["links"] else 403)
        assert "edit" not in entry["links"] or (changed["segment_id"] == 7 and changed["etag"] != entry["etag"])
    kept, own = (next(e for e in found if ("delete" in e["links"]) is may) for may in (False, True))
    sent(Ask("stock", f"/fast/companies/{kept['id']}/", method="DELETE"), 403)
    sent(Ask("stock", f"/fast/companies/{own['id']}/", method="DELETE"), 204)
    sent(Ask("stock", f"/fast/companies/{own['id']}/"), 404)


def test_a_page_takes_a_constant_number_of_statements(small_world: None, settings: Any) -> None:
    serve_stock(settings)
    for name, ask in COMPLETE.items():
        sent(ask)  # content types and permissions are known afterwards
        for limit in ("limit=100", "limit=10"):
            with statements() as asked:
                sent(Ask("stock", ask.path.replace("limit=100", limit)))
            assert len(asked) == STATEMENTS[name], [sql[:200] for sql in asked]


FAULTS: dict[str, Callable[[Any], object]] = {
    "a row": lambda shown: shown.pop(),
    "a row in its place": lambda shown: shown.reverse(),
    "a tag": lambda shown: shown[7].pop("etag"),
    "a column": lambda shown: shown[7].pop("segment_id"),
    "a value": lambda shown: shown[7].update(name="Another"),
    "a key of a hidden record": lambda shown: shown[7].update(primary_person_id=1),
    "an address": lambda shown: shown[7]["team"].pop("url"),
    "a title": lambda shown: shown[7]["primary_user"].update(title=""),
    "a linked record": lambda shown: shown[7].update(territory=None),
    "a link": lambda shown: shown[7]["links"].pop("Quotes"),
    "a link by right": lambda shown: [entry["links"].pop("edit", None) for entry in shown],
    "a link too many": lambda shown: [entry["links"].update(delete="/") for entry in shown],
}


def test_whatever_stock_lacked_would_be_noticed(small_world: None, settings: Any) -> None:
    ours = shown("restricted", settings)
    serve_stock(settings)
    whole = entries(sent(COMPLETE["stock"]))
    assert not difference(ours, whole, stock=True)
    for name, spoil in FAULTS.items():
        spoiled = copy.deepcopy(list(whole))
        spoil(spoiled)
        assert difference(ours, spoiled, stock=True), name
    lean = entries(sent(first_page().asks[f"stock, no count, {HALF}"]))
    assert not difference(ours, lean, stock=True, half=True)
    assert difference(ours, lean, stock=True)
