"""Users, the territory tree, and defaults of lists."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from entities.models import Currency, Price, PriceList, Territory, Unit, UnitFamily, User
from entities.rules import RuleViolation
from entities.rules.directory import Place, place_territories
from security.gate import system_rows
from tests.rules.world import World, create, delete, saved, stored, update

D = Decimal


def refusal(call: Any, *arguments: Any, **named: Any) -> RuleViolation:
    with pytest.raises(RuleViolation) as caught:
        call(*arguments, **named)
    return caught.value


def place(territory: Territory) -> tuple[int, int, int, int]:
    found = stored(territory)
    return found.number, found.number_end, found.depth, found.child_count


def test_a_logon_is_unique_in_any_case(world: World) -> None:
    assert refusal(create, world.actor, User(logon="SUSAN", last_name="Other")).field == "logon"
    other = create(world.actor, User(logon="ian", last_name="I"))
    assert refusal(update, world.actor, other, logon="Susan").message == "This logon is already used."
    assert update(world.actor, other, logon="IAN").logon == "IAN"


def test_the_tree_is_numbered_by_caption_below_each_parent(world: World) -> None:
    asia = create(world.actor, Territory(caption="Asia", parent=world.root))
    assert place(world.root) == (1, 4, 0, 2)
    assert place(asia) == (2, 2, 1, 0)
    assert place(world.europe) == (3, 4, 1, 1)
    assert place(world.uk) == (4, 4, 2, 0)
    assert (asia.number, asia.depth) == (2, 1)


def test_a_subtree_moves_as_a_whole(world: World) -> None:
    asia = create(world.actor, Territory(caption="Asia", parent=world.root))
    update(world.actor, world.europe, parent_id=asia.pk)
    assert [place(one) for one in (world.root, asia, world.europe, world.uk)] == [
        (1, 4, 0, 1),
        (2, 4, 1, 1),
        (3, 4, 2, 1),
        (4, 4, 3, 0),
    ]
    update(world.actor, world.europe, parent_id=world.root.pk, caption="A Europe")
    assert (place(world.europe), place(asia)) == ((2, 3, 1, 1), (4, 4, 1, 0))


def test_only_territories_that_look_different_are_stamped(world: World) -> None:
    create(world.actor, Territory(caption="Asia", parent=world.root))
    stamps = {one.caption: stored(one).updated_by_id for one in (world.root, world.europe, world.uk)}
    assert stamps == {"Worldwide": world.actor.pk, "Europe": None, "UK": None}


def test_the_tree_has_one_root_and_no_cycle(world: World) -> None:
    assert refusal(create, world.actor, Territory(caption="Second")).field == "parent"
    assert refusal(update, world.actor, world.uk, parent_id=None).field == "parent"
    for below in (world.root, world.europe, world.uk):
        assert refusal(update, world.actor, world.root, parent_id=below.pk).field == "parent"
    assert refusal(update, world.actor, world.europe, parent_id=world.uk.pk).field == "parent"
    assert place(world.europe) == (2, 3, 1, 1)


def test_the_first_territory_is_the_root(db: None) -> None:
    actor = saved(User(logon="x", last_name="X"))
    root = create(actor, Territory(caption="Worldwide"))
    assert place(root) == (1, 1, 0, 0)


def test_an_unused_territory_may_go_but_not_the_root_nor_a_parent(world: World) -> None:
    asia = create(world.actor, Territory(caption="Asia", parent=world.root))
    for kept in (world.root, world.europe, world.uk):
        assert refusal(delete, world.actor, kept).code == "InUse"
    assert delete(world.actor, asia)
    assert place(world.root) == (1, 3, 0, 1)


def test_intervals_hold_exactly_the_subtree() -> None:
    nodes = [(1, None, "Root"), (2, 1, "b"), (3, 1, "A"), (4, 3, "x"), (5, 4, "deep"), (6, 2, "y")]
    places = place_territories(nodes)
    parents = {key: parent for key, parent, _ in nodes}

    def within(key: int | None, above: int) -> bool:
        while key is not None and key != above:
            key = parents[key]
        return key is not None

    for above, outer in places.items():
        for key, inner in places.items():
            assert (outer.number <= inner.number <= outer.number_end) == within(key, above)
    assert places[3] == Place(2, 4, 1, 1)


def test_a_long_chain_of_territories_is_numbered() -> None:
    chain = [(key, key - 1 or None, "x") for key in range(1, 3001)]
    assert place_territories(chain)[3000] == Place(3000, 3000, 2999, 0)


def test_a_new_default_price_list_unsets_the_old(world: World) -> None:
    other = create(world.actor, PriceList(name="Partners"))
    assert not other.default_value
    update(world.actor, other, default_value=True)
    assert (stored(other).default_value, stored(world.price_list).default_value) == (True, False)
    third = create(world.actor, PriceList(name="Retail", default_value=True))
    assert [one.pk for one in system_rows(PriceList).filter(default_value=True)] == [third.pk]
    assert refusal(update, world.actor, third, default_value=False).field == "default_value"
    assert refusal(delete, world.actor, third).code == "InUse"


def test_the_first_price_list_is_the_default(db: None) -> None:
    actor = saved(User(logon="x", last_name="X"))
    assert stored(create(actor, PriceList(name="Only"))).default_value


def test_a_new_default_unit_unsets_the_old_of_its_family_only(world: World) -> None:
    hour = saved(Unit(family=saved(UnitFamily(name="Time")), name="Hour", default_value=True))
    update(world.actor, world.box, default_value=True)
    found = [stored(one).default_value for one in (world.pieces, world.box, hour)]
    assert found == [False, True, True]
    assert refusal(update, world.actor, world.box, units=D(0)).field == "units"


def test_there_is_always_a_base_currency(world: World) -> None:
    assert refusal(update, world.actor, world.eur, rate=D(2)).field == "rate"
    assert refusal(update, world.actor, world.yen, rate=D(0)).field == "rate"
    assert refusal(delete, world.actor, world.eur).code == "InUse"
    update(world.actor, world.yen, rate=D(1))
    update(world.actor, world.eur, rate=D("0.00625"))
    assert stored(world.eur).rate == D("0.00625")
    dollar = create(world.actor, Currency(symbol="USD", rate=D(170)))
    assert delete(world.actor, dollar)


def test_a_product_has_one_active_price_per_list_unit_and_currency(world: World) -> None:
    key = {"product": world.product, "pricing_list": world.price_list, "price_currency": world.eur}
    again = Price(**key, uom=world.pieces, price=D(7))
    assert refusal(create, world.actor, again).code == "BusinessRule"
    asleep = create(world.actor, Price(**key, uom=world.pieces, price=D(7), active=False))
    assert refusal(update, world.actor, asleep, active=True).field == "active"
    without_unit = create(world.actor, Price(**key, price=D(7)))
    assert refusal(create, world.actor, Price(**key, price=D(8))).field == "active"
    assert delete(world.actor, without_unit)
    assert create(world.actor, Price(**key, price=D(8))).pk
