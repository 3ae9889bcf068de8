"""Reads the classic contract as its clients do: feeds with a feed library, payloads by the schema that is served."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import feedparser  # type: ignore[import-untyped]  # it has no annotations
from lxml import etree

from tests.api.wire import login

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.api.wire import Answer, Wire

CLASSIC = "/sdata/crmj/sagecrm/-"
ROOT = f"http://testserver{CLASSIC}"
PAYLOAD = "{urn:crm:classic:1}"
SDATA = "{http://schemas.sage.com/sdata/2008/1}"
XSD = "{http://www.w3.org/2001/XMLSchema}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
NAMESPACES = {
    None: "http://www.w3.org/2005/Atom",
    "sdata": "http://schemas.sage.com/sdata/2008/1",
    "http": "http://schemas.sage.com/sdata/http/2008/1",
    "opensearch": "http://a9.com/-/spec/opensearch/1.1/",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}


def read(answer: Answer) -> Any:
    """Return what a feed library makes of an answer; it must find nothing to repair."""
    headers = {"content-type": answer.headers["Content-Type"]}
    found = feedparser.parse(io.BytesIO(answer.body), response_headers=headers)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


def document(answer: Answer) -> Any:
    """Return the root of an answer's document, read strictly."""
    return etree.fromstring(answer.body, etree.XMLParser(resolve_entities=False, no_network=True))


def payloads(answer: Answer) -> list[Any]:
    """Return the records of a feed or entry."""
    return [payload[0] for payload in document(answer).iter(f"{SDATA}payload")]


def keys(answer: Answer) -> list[int]:
    """Return the keys of the records."""
    assert answer.status == 200, answer.body
    return [int(record.get(f"{SDATA}key")) for record in payloads(answer)]


def links(answer: Answer) -> dict[str, str]:
    """Return the addresses that a feed or entry leads to, by relation."""
    return {link.get("rel"): link.get("href") for link in document(answer).findall("{*}link")}


@cache
def schema(logon: str, kind: str) -> Any:
    """Return the schema of a kind as served to a demo user; asked for before a test changes rights."""
    return schema_of(login(logon).get(f"{CLASSIC}/{kind}/$schema"))


def schema_of(answer: Answer) -> Any:
    """Return the schema that an answer holds; raises where it is none."""
    assert answer.status == 200, answer.body
    return etree.XMLSchema(document(answer))


def judged(found: Any, answer: Answer) -> int:
    """Hold every payload of an answer against a schema; return how many there were."""
    assert answer.status == 200, answer.body
    records = payloads(answer)
    for record in records:
        alone = etree.fromstring(etree.tostring(record, with_tail=False))
        assert found.validate(alone), (found.error_log, etree.tostring(alone))
    return len(records)


def declared(answer: Answer, name: str) -> list[str]:
    """Return the names of the elements that a type of a schema declares."""
    (kind,) = [item for item in document(answer).iter(f"{XSD}complexType") if item.get("name") == name]
    return [item.get("name") for item in kind.iter(f"{XSD}element")]


@dataclass(frozen=True)
class Refused:
    """A refusal: the diagnoses as dictionaries, named as in the JSON contract."""

    status: int
    diagnoses: list[dict[str, str]]

    @property
    def code(self) -> str:
        """The application code of a single diagnosis."""
        (only,) = self.diagnoses
        return only["$applicationCode"]


def refused(answer: Answer) -> Refused:
    """Read a refusal."""
    assert answer.headers["Content-Type"] == "application/xml", answer.body
    found = document(answer)
    assert found.tag == f"{SDATA}diagnoses"
    items = [{f"${etree.QName(part).localname}": part.text for part in item} for item in found]
    assert items
    assert all(item.tag == f"{SDATA}diagnosis" for item in found)
    return Refused(answer.status, items)


def text_of(value: Any) -> Any:
    """Return what a JSON value looks like as the content of an element; None for null."""
    match value:
        case bool():
            return "true" if value else "false"
        case None | str():
            return value
        case list():
            return value
    return str(value)


def content_of(item: Any) -> Any:
    """Return the content of a field's element: text, list of codes, or None."""
    if item.get(NIL) == "true":
        return None
    return [code.text for code in item] if len(item) else item.text or ""


def walk(wire: Wire, path: str) -> Iterator[Answer]:
    """Follow ``next`` from a feed to its end."""
    at: str | None = path
    while at:
        answer = wire.get(at)
        yield answer
        at = links(answer).get("next")


def chunks(names: Iterable[str], size: int) -> Iterator[str]:
    """Return comma lists of at most ``size`` names."""
    found = list(names)
    for start in range(0, len(found), size):
        yield ",".join(found[start : start + size])
