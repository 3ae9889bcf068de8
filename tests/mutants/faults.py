"""The faults planted into the side doors of docs/security.md, one per row, each with the check that notices it.

Those of scopes, levels and the gate stand in tests/security/test_mutants.py, those that only random worlds show in
tests/oracle/test_mutants.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import F, Q

from api import authentication, entries, feeds, idempotency, middleware, parsers, quickfind
from api.query import bind, parameters
from api.query import parse as parsing
from crm import admin_gated
from entities.kinds import fold
from entities.models import Company, User
from entities.registry import registry
from security import gate, plan, predicates, shapes, writes
from security.errors import NotPermitted
from security.models import FUNCTIONS
from security.shapes import Shape
from tests.mutants import test_side_doors as doors
from tests.mutants.planting import Fault, replaced, wrapped

if TYPE_CHECKING:
    import pytest

    from tests.mutants.planting import Plant

# Side doors whose channel does not exist yet.
OPEN = {
    28: "there is no CSV export yet",
    29: "there are no webhooks and no addresses of files yet",
}
_ALL = Q()


def every_name(access: Any, entity: Any, name: str) -> Any:
    """A field is found whether it may be read or not."""
    return entity.field(name)


def attribute_names(access: Any, entity: Any, name: str) -> Any:
    """A field is found by the name of its attribute as well."""
    return access.shape(entity).field(name) or entity.by_name.get(name.removesuffix("_id"))


def lenient(told: Any, pairs: Any, allowed: Any) -> Any:
    """Unknown parameters are dropped."""
    return told([(name, value) for name, value in pairs if parameters._SPELLING.get(name.lower()) in allowed], allowed)


def counted_all(told: Any, access: Any, entity: Any, *rest: Any, **named: Any) -> Any:
    """The total counts every live row."""
    page = told(access, entity, *rest, **named)
    return replace(page, total=gate.system_rows(entity.model).count())


def found_everywhere(told: Any, access: Any, entity: Any, text: str) -> Any:
    """Quick find looks into hidden columns."""
    columns = [f"{field.column}__icontains" for field in entity.fields if field.search]
    found = Q(*((column, word) for column in columns for word in text.split()), _connector=Q.OR)
    source = feeds.Source(lambda form: gate.rows(access, entity, form=form).filter(found), "")
    return replace(told(access, entity, text), source=source)


def titles_of_all(told: Any, access: Any, wanted: Any) -> Any:
    """Linked records are shown whether they are visible or not."""
    every = {(kind, key): f"{kind} {key}" for kind, found in wanted.items() for key in found}
    return every | told(access, wanted)


def loud(access: Any, entity: Any, error: Any) -> list[tuple[str, str, str]]:
    """A problem of a hidden field is told as it is."""
    return [(name, "BusinessRule", str(problem)) for name, problem in error.error_dict.items()]


def unknown_kinds_too(access: Any, entity: Any, name: str) -> Any:
    """A relation leads to kinds that the caller does not know."""
    field = entity.relations.get(fold(name))
    return None if field is None else (field, registry()[field.target])


def opened(access: Any, entity: Any) -> Any:
    """The access of somebody who reads every field of the kind."""
    fields = tuple(shapes.ShapeField(field.wire, False, False) for field in entity.fields)
    shape = replace(access.shape(entity), fields=fields)
    return replace(access, plans={**access.plans, entity.kind: replace(access.plans[entity.kind], shape=shape)})


def as_opened(told: Any, access: Any, entity: Any, *rest: Any) -> Any:
    """Made of all fields."""
    return told(opened(access, entity), entity, *rest)


def whole_shape(patch: pytest.MonkeyPatch) -> None:
    """What describes a kind describes all its fields."""
    patch.setattr(Shape, "readable", property(lambda shape: shape.entity.fields))


def tag_of_more(told: Any, fingerprint: str) -> Any:
    """The tag knows a hidden column."""
    hidden = Company.objects.values_list("revenue", flat=True)
    return lambda key, values: told(fingerprint)(key, [*values, *hidden.filter(pk=key)])


def denied_otherwise(told: Any, access: Any, entity: Any, key: int, action: Any) -> Any:
    """A row that is there but invisible is refused, not missing."""
    if gate.system_rows(entity.model).filter(pk=key).exists() and not gate.allows(access, entity, "view", key):
        raise NotPermitted
    return told(access, entity, key, action)


def free_miss(told: Any, logon: str, password: str, network: str = "", **named: Any) -> Any:
    """An unknown user is refused at once."""
    known = gate.system_rows(User).filter(logon__iexact=logon).exists()
    return told(logon, password, network, **named) if known else None


def obeyed(told: Any, self: Any, request: Any) -> Any:
    """The override header is obeyed."""
    request.method = request.headers.get("X-HTTP-Method-Override", request.method)
    return told(self, request)


def last_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The last of two equal members counts."""
    return dict(pairs)


def stale(patch: pytest.MonkeyPatch) -> None:
    """A plan is kept although the policy moved."""
    told = plan.access_for
    kept: dict[int, Any] = {}

    def broken(user: int, version: int | None = None, **given: Any) -> Any:
        if user not in kept:
            kept[user] = told(user, version, **given)
        return kept[user]

    patch.setattr(authentication, "access_for", broken)


def everybodys(told: Any, given: Any, *rest: Any) -> Any:
    """A key is the same whoever sends it."""
    return told(None if given is None else replace(given, caller=0), *rest)


def functions_for_all(patch: pytest.MonkeyPatch) -> None:
    """A profile gives every function right."""
    told = plan.compiled

    def broken(facts: Any) -> Any:
        policy = told(facts)
        return replace(policy, actor=replace(policy.actor, functions=frozenset(FUNCTIONS)))

    patch.setattr(plan, "compiled", broken)


def order_of_all(patch: pytest.MonkeyPatch) -> None:
    """The default order stands on a hidden column."""

    def broken(access: Any, entity: Any) -> Any:
        return [
            bind.Order(F(entity.by_name[name].column), "text", descending=False, nullable=False, column="")
            for name in entity.order
            if name in entity.by_name
        ]

    patch.setattr(bind, "_default_order", broken)


def _door(row: int, name: str, plant: Plant) -> Fault:
    (killer,) = [check for title, check in vars(doors).items() if title.startswith(f"test_row_{row:02}_")]
    return Fault(f"row {row:02}", name, plant, killer)


DOORS = (
    _door(1, "rows are served unfiltered", replaced(gate, "rows_where", lambda *_, **__: _ALL)),
    _door(2, "field rules do not hide", replaced(shapes, "may_read", lambda *_: True)),
    _door(3, "what is read may be written", lambda patch: patch.setattr(Shape, "writes", lambda self, field: True)),
    _door(4, "conditions find every name", replaced(gate, "resolve", every_name)),
    _door(5, "unknown parameters are dropped", wrapped(parameters, "read_parameters", lenient)),
    _door(6, "the default order stands on a hidden column", order_of_all),
    _door(7, "quick find looks everywhere", wrapped(quickfind, "listing", found_everywhere)),
    _door(8, "totals count all rows", wrapped(feeds, "page_of", counted_all)),
    _door(9, "references show invisible records", wrapped(gate, "titles", titles_of_all)),
    _door(10, "problems of hidden fields are named", replaced(writes, "_problems", loud)),
    _door(11, "relations lead to unknown kinds", replaced(gate, "relation", unknown_kinds_too)),
    _door(12, "titles show hidden fields", wrapped(gate, "title_expression", as_opened)),
    _door(13, "descriptions name all fields", whole_shape),
    _door(14, "tags are made of hidden columns", wrapped(entries, "tagger", tag_of_more)),
    _door(15, "invisible is refused, missing is missing", wrapped(gate, "locked", denied_otherwise)),
    _door(16, "cursors are nobody's in particular", replaced(feeds, "walk_of", lambda *_: "walk")),
    _door(17, "conditions have no limits", replaced(parsing, "check_tree", lambda *_: None)),
    _door(18, "unknown users cost nothing", wrapped(authentication, "verify_password", free_miss)),
    _door(19, "addresses may carry tokens", replaced(settings, "ALLOW_SID_IN_URL", True)),
    _door(20, "the override header is obeyed", wrapped(middleware.SDataMiddleware, "__call__", obeyed)),
    _door(21, "the last of two members counts", replaced(parsers, "_members", last_wins)),
    _door(22, "function rights are everybody's", functions_for_all),
    _door(23, "the history tells of every field", wrapped(admin_gated, "history", as_opened)),
    _door(24, "plans outlive the policy", stale),
    _door(25, "idempotency keys are shared", wrapped(idempotency, "once", everybodys)),
    _door(
        26,
        "the administration lists every row",
        replaced(predicates, "scope_condition", lambda *_: _ALL),
    ),
    _door(27, "attributes are names", replaced(gate, "resolve", attribute_names)),
)
