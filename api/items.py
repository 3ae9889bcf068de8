"""Reading the items of a batch: which form, what each asks for, of which record (contract.md §13).

An item's address is a record of the batch's kind or it is refused, in one text whatever there is at it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from django.conf import settings

from api import selectors, single
from api.address import KEY, KEY_RANGE, Address, base_path, read
from api.base import MAX_TARGET
from api.errors import ApiError
from api.parsers import Refused
from api.query.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_RECORD = re.compile(KEY)
METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")


@dataclass(frozen=True)
class Item:
    """What one item asks for: its method, the address that its answer names, and the work."""

    method: str
    url: str
    work: Callable[[], single.Outcome]


def items_of(body: Any) -> list[Any]:
    """Return the items of a body of either form; raises 400 and 413."""
    if isinstance(body, dict):
        others = [name for name in body if not name.startswith("$")]
        if others:
            message = f"'{shown(others[0])}' is not a member of a batch."
            raise ApiError.of(400, "UnknownMember", message, shown(others[0]))
        body = next((value for name, value in body.items() if name.lower() == "$resources"), None)
    if isinstance(body, Refused):
        raise body.error
    if not isinstance(body, list):
        raise ApiError.of(400, "BadJson", "A batch is an array, or an object with an array of $resources.")
    if len(body) > settings.MAX_BATCH_ITEMS:
        raise ApiError.of(413, "TooManyItems", f"A batch has at most {settings.MAX_BATCH_ITEMS} items.")
    return body


def unread(call: single.Call, raw: Any) -> Item:
    """Return an item that cannot be read, as its answer names it: by its own method where it has one."""
    named = raw if isinstance(raw, dict) else {}
    typed = next((value for name, value in named.items() if name.lower() == "$httpmethod"), None)
    method = typed.upper() if isinstance(typed, str) else ""
    return Item(method if method in METHODS else "POST", url_of(call), lambda: single.Outcome(400))


def item_of(call: single.Call, raw: Any, *, feed: bool) -> Item:
    """Return what an item asks for; raises 400."""
    if isinstance(raw, Refused):
        raise raw.error
    if not isinstance(raw, dict):
        raise ApiError.of(400, "BadJson", "An item is a JSON object.")
    marks = {name.lower(): value for name, value in raw.items() if name.startswith("$")}
    method = _method(marks.get("$httpmethod"), feed=feed)
    match = marks.get("$ifmatch")
    if match is not None and not isinstance(match, str):
        raise ApiError.of(400, "WrongType", "$ifMatch expects a tag.", "$ifMatch")
    one = partial(_one, call, raw, match)
    if method == "POST":
        if feed and marks.get("$url") is not None and _address(call, marks["$url"]).path != _path(call):
            raise _bad_address()
        # New records of an array are answered together at the end; with collections included each one by itself.
        later = not feed and not call.query.include
        return Item(method, url_of(call), lambda: (single.insert if later else single.create)(one()))
    key, predicate = _selector(call, marks)
    url = f"{url_of(call)}('{key}')" if key is not None else url_of(call)
    return Item(method, url, lambda: _do(one(), method, key, predicate))


def _one(call: single.Call, raw: Any, match: str | None) -> single.Call:
    """Return the call of one item."""
    return replace(call, body=single.given(raw), if_match=match)


def _method(typed: Any, *, feed: bool) -> str:
    """Return the method of an item; raises 400 for one that its form does not take."""
    method = "POST" if typed is None else typed.upper() if isinstance(typed, str) else ""
    if method not in (METHODS if feed else ("POST",)):
        taken = ", ".join(METHODS) if feed else "POST: an array holds new records"
        raise ApiError.of(400, "NotAChoice", f"$httpMethod is one of {taken}.", "$httpMethod")
    return method


def url_of(call: single.Call) -> str:
    """Return the address of the kind."""
    return f"{call.base}/{call.entity.kind}"


def _path(call: single.Call) -> str:
    """Return the path of the kind, as addresses are read."""
    return f"{base_path()}/{call.entity.kind}"


def _selector(call: single.Call, marks: Mapping[str, Any]) -> tuple[int | None, str]:
    """Return the key of the record that an item names, or the condition that it meets; raises 400."""
    url, key = marks.get("$url"), marks.get("$key")
    if key is not None and (type(key) is not int or key not in KEY_RANGE):
        raise ApiError.of(400, "WrongType", "$key expects a key.", "$key")
    if url is None:
        if key is None:
            raise ApiError.of(400, "Required", "An item names its record by $url or $key.", "$url")
        return key, ""
    address = _address(call, url)
    if address.path == f"{_path(call)}(predicate)":
        return None, address.predicate
    named = _RECORD.fullmatch(address.path.removeprefix(_path(call)))
    if named is None or not address.path.startswith(_path(call)):
        raise _bad_address()
    if key is not None and key != int(named["key"]):
        raise ApiError.of(400, "ConflictingMembers", "$key contradicts $url.", "$key")
    return int(named["key"]), ""


def _address(call: single.Call, url: Any) -> Address:
    """Read the address of an item, absolute or below the base; raises 400."""
    if not isinstance(url, str) or len(url) > MAX_TARGET:
        raise _bad_address()
    rest = url.strip()
    for start in (f"{call.base}/", f"{base_path()}/"):
        if rest.lower().startswith(start.lower()):
            rest = rest[len(start) :]
            break
    return read(f"{base_path()}/{unquote(rest)}")


def _do(call: single.Call, method: str, key: int | None, predicate: str) -> single.Outcome:
    def find() -> int:
        return selectors.one(call.access, call.entity, predicate) if key is None else key

    match method:
        case "GET":
            return single.read(call, find)
        case "DELETE":
            return single.remove(call, find)
        case "PUT" if key is None:
            return single.put(call, predicate)
        case "PATCH" if key is None:
            return single.patch(call, predicate)
    return single.change(call, find)


def _bad_address() -> ApiError:
    """400 for every address that is not a record of the batch's kind, whatever there is at it."""
    return ApiError.of(400, "BadSelector", "This is no record of the batch's kind.", "$url", "BadUrlSyntax")
