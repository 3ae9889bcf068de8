"""Reading an SData address: ``/sdata/crmj/sagecrm2/-//companies("43")/people`` (contract.md §1).

It turns every accepted spelling into the one that ``urls`` routes, and remembers what was typed. It knows names of
kinds, not rights: whether a kind exists for the caller is the views' question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from django.conf import settings

from entities.kinds import fold
from entities.registry import Entity, registry

MAIN, CLASSIC = "sagecrm2", "sagecrm"
_NOWHERE = "/sdata"
QUICK_FIND = "$service/quickFind/getResults"
KEY = r"\('(?P<key>-?\d+)'\)"  # of a record in a canonical path
KEY_RANGE = range(-(2**31), 2**31)
_LITERAL = re.compile(r"""\s*(?:'(?P<single>(?:[^']|'')*)'|"(?P<double>(?:[^"]|"")*)"|(?P<number>[+-]?\d+))\s*""")


@dataclass(frozen=True)
class Segment:
    """One step of an address: a name and what its parentheses hold (None without parentheses)."""

    name: str
    selector: str | None = None


@dataclass(frozen=True)
class Address:
    """A parsed address. ``path`` is the canonical path; ``typed`` the last name as the client spelt it, ``kind`` the
    name of the kind, where one comes first.

    ``problem`` names what is wrong before any kind is looked at, as ``$sdataCode``; ``predicate`` is the text of a
    selector that is no key; ``classic`` says that the answer is the classic contract's, in XML.
    """

    path: str
    typed: str = ""
    problem: str = ""
    predicate: str = ""
    kind: str = ""
    classic: bool = False


def address_of(request: object) -> Address:
    """Return the address that ``middleware`` read from the request's path."""
    found = getattr(request, "sdata", None)
    return found if isinstance(found, Address) else Address("")


def base_path(contract: str = MAIN) -> str:
    """Return the path of a contract's base, without a slash at the end."""
    return f"/sdata/{settings.INSTALL_NAME}j/{contract}/-"


def is_contract(path: str) -> bool:
    """Whether ``path`` lies below ``/sdata/``."""
    return path.lstrip("/").partition("/")[0] == "sdata"


def read(path: str) -> Address:
    """Return the address that ``path`` (percent-decoded once, below ``/sdata/``) means; never fails."""
    steps = split(path)
    if [step.lower() for step in steps[3:4]] == ["$service"]:
        steps.insert(3, "-")  # services of the contract, beside its dataset
    if not settings.CLASSIC_CONTRACT or steps[2:3] != [CLASSIC]:
        return _read(steps, MAIN)
    found = _read(steps, CLASSIC)
    # Below the base, but no address of it: the refusal is the classic contract's, too.
    return replace(found, path=base_path(CLASSIC) if found.path == _NOWHERE else found.path, classic=True)


def _read(steps: list[str], contract: str) -> Address:
    expected = [("sdata", ""), (f"{settings.INSTALL_NAME}j", "ApplicationNotFound"), (contract, "ContractNotFound")]
    for (wanted, problem), step in zip([*expected, ("-", "DatasetNotFound")], [*steps, *[""] * 4], strict=False):
        if step != wanted and problem:
            missing = "ResourceKindNotFound" if not step else problem
            return Address(_NOWHERE, step, missing)
    return _canonical([_segment(step) for step in steps[4:]], base_path(contract))


def split(path: str) -> list[str]:
    """Split at slashes outside quotes and parentheses; a run of slashes is one, a trailing one is none."""
    plain, opened, rest = path.partition("(")  # most of a path needs no look at each character
    *steps, current = plain.split("/")
    quote, depth = "", 0
    for char in opened + rest:
        if quote:
            quote = "" if char == quote else quote
        elif depth and char in "'\"":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
        elif char == "/" and not depth:
            steps.append(current)
            current = ""
            continue
        current += char
    return [step for step in (*steps, current) if step]


def _segment(step: str) -> Segment:
    name, opened, rest = step.partition("(")
    if not opened or not rest.endswith(")"):
        return Segment(step)
    return Segment(name.strip(), rest[:-1])


def key_of(selector: str) -> int | None:
    """Return the key that a literal selector means, 0 (no record's) for other literals, None for a predicate."""
    literal = _LITERAL.fullmatch(selector)
    if literal is None:
        return None
    text = literal["single"] if literal["single"] is not None else literal["double"]
    text = (literal["number"] if text is None else text).strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,11}", text):
        return 0
    return int(text) if int(text) in KEY_RANGE else 0


def _canonical(segments: list[Segment], base: str) -> Address:
    if not segments:
        return Address(f"{base}/")
    first, *others = segments
    if first.name.startswith("$"):
        name = first.name.lower()
        if any(step.selector is not None for step in segments):
            return Address(_NOWHERE, first.name, "ResourceKindNotFound")
        if "/".join([name, *(step.name for step in others)]).lower() == QUICK_FIND.lower():
            return Address(f"{base}/{QUICK_FIND}", others[-1].name)
        if others and name == "$prototypes" and len(others) == 1:
            entity = registry().find(others[0].name)
            return Address(f"{base}/$prototypes/{entity.kind if entity else others[0].name}", others[0].name)
        return Address("/".join([base, name, *(step.name for step in others)]), first.name)
    entity = registry().find(first.name)
    if entity is None:
        return Address(_NOWHERE, first.name, "ResourceKindNotFound")
    found, predicate = _with_key(f"{base}/{entity.kind}", first)
    typed = first.name
    if others:
        if fold(others[0].name) == "$service":
            return _service(entity, found, first.name, others)
        found += f"/{_relation(entity, others[0].name)}"
        typed = others[0].name
        if others[0].selector is not None:
            found, inner = _with_key(found, others[0])
            predicate = predicate or inner
        found += "".join(f"/{step.name}" for step in others[1:])
    return Address(found, typed, predicate=predicate, kind=first.name)


def _with_key(path: str, segment: Segment) -> tuple[str, str]:
    if segment.selector is None:
        return path, ""
    key = key_of(segment.selector)
    return (f"{path}('{key}')", "") if key is not None else (f"{path}(predicate)", segment.selector)


def _service(entity: Entity, record: str, kind: str, steps: list[Segment]) -> Address:
    """Return the address of an action of the record at ``record``, in the action's own spelling where there is one."""
    typed = steps[-1].name
    if len(steps) != 2 or any(step.selector is not None for step in steps):
        return Address(_NOWHERE, typed, "ResourceKindNotFound", kind=kind)
    action = entity.workflow.find(typed) if entity.workflow else None
    return Address(f"{record}/$service/{action.name if action else typed}", typed, kind=kind)


def _relation(entity: Entity, typed: str) -> str:
    """Return the relation of ``entity`` that ``typed`` names: a collection by kind or full name, else a to-one."""
    if typed.startswith("$"):
        return typed.lower()  # a name of the protocol, such as $query
    kind = registry().find(typed)
    for item in entity.collections:
        if fold(typed) == item.name.lower() or (kind and kind.kind == item.kind):
            return item.kind
    field = entity.relations.get(fold(typed)) or (kind and entity.relations.get(kind.kind.lower()))
    return field.relation if field else typed
