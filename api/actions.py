"""Running a business action of one record: ``Cases('5')/$service/close`` (contract.md §7.4)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from api import single, workflow
from api.address import address_of
from api.errors import unknown_kind
from api.query.parameters import WRITE
from api.views import EntityViewSet
from security.shapes import knows_workflow

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from entities.workflow import Transition


class ActionViewSet(EntityViewSet):
    """One action on the records of one kind; ``entity`` and ``step`` come from the route."""

    step: Transition | None = None

    @property
    def transition(self) -> Transition:
        """What is done."""
        assert self.step is not None
        return self.step

    def locate(self, request: Request) -> None:
        """Raise 404 where the kind does not exist for the caller, or has no such action for whoever cannot read it."""
        super().locate(request)
        if not knows_workflow(self.access.shape(self.target)):
            raise unknown_kind(address_of(request).typed)

    def may(self, method: str) -> bool:
        """Whether the caller may do it to some record."""
        return method == "OPTIONS" or self.transition in workflow.steps(self.access.shape(self.target))

    def run(self, request: Request, key: str) -> Response:
        """Do it and answer the record as it is then."""
        call = self.call(WRITE)
        self.require("POST")
        work = partial(single.act, call, int(key), self.transition)
        return self.respond(self.once(call, work, lambda known: single.changed(call, known["key"])))

    def require_json(self) -> None:
        """As for every body; there need not be one."""
        if self.request.stream is not None:
            super().require_json()

    def content(self) -> Any:
        """Return the JSON value of the body, no parameters without one; raises 400."""
        return super().content() if self.raw() else {}
