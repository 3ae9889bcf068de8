"""Makes the requests of a member of staff to the administration: every page of every kind, lists, forms, actions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from django.urls import reverse

from crm.admin_rows import address
from crm.proof.caller import Asked
from crm.proof.changing import TEXTS
from crm.proof.hidden import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from crm.proof.conditions import Conditions
    from crm.proof.hidden import Sight
    from entities.registry import Entity

_POLICY = ("profile", "fieldrule", "externalaccess", "token")
_OTHERS = ("", "jsi18n/", "login/", "password_change/", "entities/", "security/", "nosuch/", "r/7/1/")
_NEVER = 987_654_321


class Pages:
    """Makes requests of one member of staff."""

    def __init__(self, sight: Sight, conditions: Conditions, dice: Random) -> None:
        self.sight, self.conditions, self.dice = sight, conditions, dice

    def every(self) -> Iterator[Asked]:
        """Yield every page once."""
        for entity in kinds():
            yield from self._kind(entity)
        for name in _POLICY:
            yield Asked("GET", reverse(f"admin:security_{name}_changelist"), staff=True)
        for path in (
            "",
            "jsi18n/",
            "login/",
            "logout/",
            "password_change/",
            "entities/",
            "security/",
            "nosuch/",
            "r/7/1/",
        ):
            yield Asked("GET", f"{reverse('admin:index')}{path}", staff=True)

    def one(self) -> Asked:
        """Return one request by lot."""
        return self.dice.choice(list(self._kind(self.dice.choice(kinds()))))

    def _key(self, entity: Entity) -> int:
        visible, invisible = self.sight.visible[entity.kind], self.sight.invisible[entity.kind]
        pool = invisible if invisible and self.dice.random() < 0.4 else visible
        return self.dice.choice(pool) if pool and self.dice.random() < 0.95 else _NEVER

    def _kind(self, entity: Entity) -> Iterator[Asked]:
        listed, key = address(entity, "changelist"), self._key(entity)
        hidden = [field.name for field in self.sight.hidden(entity)] or ["nosuch"]
        name, column = self.dice.choice(hidden), self.conditions.field(entity).name
        for query in (
            {},
            {"q": self.dice.choice(("an", "er", *TEXTS))},
            {"o": str(self.dice.choice((1, -1, 2, -2, 3, -4, 9)))},
            {"p": "2"},
            {name: self.dice.choice(TEXTS)},
            {f"{column}__exact": self.dice.choice(TEXTS)},
            {f"{name}__startswith": "A"},
            {"primary_user__password__startswith": "a"},
            {"_to_field": name},
        ):
            yield Asked("GET", f"{listed}?{urlencode(query, quote_via=quote)}", staff=True)
        term = {"model_name": entity.kind, "term": self.dice.choice(("an", "er", *TEXTS))}
        yield Asked("GET", f"{reverse('admin:autocomplete')}?{urlencode(term, quote_via=quote)}", staff=True)
        yield Asked("GET", address(entity, "add"), staff=True)
        yield Asked("POST", address(entity, "add"), staff=True, form=self._form(entity))
        for page in ("change", "history", "delete"):
            yield Asked("GET", address(entity, page, key), staff=True)
        yield Asked("GET", f"{listed}{key}/sharing/", staff=True)
        yield Asked("POST", address(entity, "change", key), staff=True, form=self._form(entity))
        yield Asked("POST", address(entity, "delete", key), staff=True, form=(("post", "yes"),))
        chosen = (("_selected_action", str(self._key(entity))), ("_selected_action", str(self._key(entity))))
        yield Asked("POST", listed, staff=True, form=(("action", "delete_selected"), ("post", "yes"), *chosen))

    def _form(self, entity: Entity) -> tuple[tuple[str, str], ...]:
        found = []
        for field in entity.fields:
            if self.dice.random() < 0.4:
                found.append((field.name, self.conditions.literal(entity, field).strip("'@")))
        return tuple(found)
