"""The service root, the current user, the prototypes; and the addresses that lead nowhere (contract.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.response import Response

from api import prototypes, quickfind
from api.address import address_of
from api.base import SDataView
from api.errors import ApiError, unknown_kind
from api.etags import matches
from entities.registry import registry
from security import gate

if TYPE_CHECKING:
    from rest_framework.request import Request

NOTHING: frozenset[str] = frozenset()


class ServiceRootView(SDataView):
    """``GET {root}/``: where everything is that the caller may reach."""

    def get(self, request: Request) -> Response:
        """Return the links of the protocol and of the caller's kinds."""
        self.parameters(NOTHING)
        base, access = self.base(), self.access
        links: dict[str, Any] = {
            "$self": {"$url": f"{base}/", "$title": "Service", "$type": "application/json"},
            "$whoami": {"$url": f"{base}/$whoami", "$title": "The current user"},
            "$prototypes": {"$url": f"{base}/$prototypes", "$title": "Resources and fields"},
            **({"$quickFind": quickfind.link(base)} if quickfind.searchable(access) else {}),
            "$openapi": {"$url": f"{base}/$openapi", "$title": "OpenAPI document", "$type": "application/json"},
            "$documentation": {"$url": f"{base}/$docs", "$title": "Documentation", "$type": "text/html"},
        }
        for entity in prototypes.known(access):
            links[entity.kind] = {"$url": f"{base}/{entity.kind}", "$title": entity.plural}
            if not access.sees(entity):
                links[entity.kind]["$method"] = "POST"
        body = {"$title": "CRM", "$url": f"{base}/", "$baseUrl": base, "$contract": _contract(self)}
        return Response(body | {"$links": links})


def _contract(view: SDataView) -> dict[str, str]:
    return {"$version": "1.0", "$fingerprint": prototypes.contract_fingerprint(view.access)}


class WhoAmIView(SDataView):
    """``GET {root}/$whoami``: the current user and its rights."""

    def get(self, request: Request) -> Response:
        """Return the user, its profiles, places and rights; records that it cannot see have no address."""
        self.parameters(NOTHING)
        base, actor = self.base(), self.access.actor
        wanted = {"Users": {actor.id}, "Channel": set(actor.teams)}
        if actor.home_territory is not None:
            wanted["Territories"] = {actor.home_territory}
        titles = gate.titles(self.access, wanted)

        def link(kind: str, key: int | None) -> dict[str, Any] | None:
            title = titles.get((kind, key)) if key is not None else None
            return None if title is None else {"$key": key, "$url": f"{base}/{kind}('{key}')", "$title": title}

        user = link("Users", actor.id)
        user = {"$key": actor.id} if user is None else user | self._own_fields()
        teams = [found for key in actor.teams if (found := link("Channel", key))]
        return Response(
            {
                "$url": f"{base}/$whoami",
                "$title": user.get("$title", f"User {actor.id}"),
                "$user": user,
                "$administrator": actor.administrator,
                "$profiles": [{"$key": profile.id, "$title": profile.name} for profile in actor.profiles],
                "$territory": link("Territories", actor.home_territory),
                "$team": link("Channel", actor.primary_team),
                "$teams": teams,
                "$contract": _contract(self),
                "$rights": {e.kind: prototypes.rights(self.access.shape(e)) for e in prototypes.known(self.access)},
            }
        )

    def _own_fields(self) -> dict[str, str]:
        """Return the caller's logon and language, as far as it may read them."""
        actor, users = self.access.actor, registry()["Users"]
        values = {"logon": actor.logon, "language": actor.language}
        shape = self.access.shape(users)
        return {users.by_name[name].wire: value for name, value in values.items() if shape.reads(name)}


class PrototypesView(SDataView):
    """``GET {root}/$prototypes``: the kinds of the caller's contract."""

    def get(self, request: Request) -> Response:
        """Return one short entry per kind, all on one page."""
        self.parameters(NOTHING)
        base = self.base()
        found = [
            {
                "$title": entity.label,
                "$baseUrl": base,
                "$url": f"{base}/$prototypes/{entity.kind}",
                "$resourceId": entity.table_id,
                "$resourceKind": entity.kind,
            }
            for entity in prototypes.known(self.access)
        ]
        return Response(
            {
                "$title": "Prototypes",
                "$url": f"{base}/$prototypes",
                "$baseUrl": base,
                "$totalResults": len(found),
                "$startIndex": 1,
                "$itemsPerPage": len(found),
                "$resources": found,
            }
        )


class PrototypeView(SDataView):
    """``GET {root}/$prototypes/{kind}``: the fields of one kind as the caller has them."""

    def locate(self, request: Request) -> None:
        """Raise 404 for a kind that does not exist for the caller."""
        entity = registry().find(self.kwargs["kind"])
        if entity is None or not self.access.knows(entity):
            raise unknown_kind(address_of(request).typed)
        self.entity = entity

    def get(self, request: Request, kind: str) -> Response:
        """Return the prototype; its tag is the fingerprint."""
        self.parameters(NOTHING)
        found = prototypes.prototype(self.access, self.entity, self.base())
        headers = {"ETag": f'"{found["$fingerprint"]}"'}
        if matches(request.headers.get("If-None-Match", ""), found["$fingerprint"]):
            return Response(status=304, headers=headers)
        return Response(found, headers=headers)


class NowhereView(SDataView):
    """Every other address below ``/sdata/``: 404 once the caller is known."""

    def locate(self, request: Request) -> None:
        """Raise 404 with the code of what is wrong: install, contract, dataset or kind."""
        address = address_of(request)
        if address.problem in ("", "ResourceKindNotFound"):
            entity = registry().find(address.kind)
            raise unknown_kind(address.kind if entity and not self.access.knows(entity) else address.typed)
        message = f"'{address.typed}' is not an address of this service."
        raise ApiError.of(404, "UnknownPath", message, sdata_code=address.problem)
