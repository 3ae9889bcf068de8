"""What is measured: each case a few variants of one question, asked in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from bench.asking import Ask, Line, expected
from bench.size import BASE, SCOPES, WORST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.servers import Server
    from bench.size import Size

COUNT = 100
HASHED = "password hash on each request"  # a case of its own: a hundred megabytes each time are felt by whoever is next
HALF = "half the answer"  # what earlier reports called stock and its expert: no titles, tags, links by a row's rights
ORDERS = {
    "name": ("comp_name", "name"),
    "key": ("comp_companyid", "id"),
    "_UpdatedDate desc": ("comp_updateddate desc", "-updated_at"),
}
WHERE = {
    "where: prefix": "comp_name like 'Zor%'",
    "where: substring": "comp_name like '%quist T%'",
    "where: in": "comp_type in ('Customer','Partner')",
    "where: dotted": "Person.Pers_LastName like 'Berg%'",
    "where: selection": "comp_status eq 'Archive'",
}


@dataclass(frozen=True)
class Case:
    """One question in several variants; ``many`` = also with many callers at a time."""

    name: str
    asks: Mapping[str, Ask]
    many: bool = False


def ours(query: str, logon: str = "restricted", order: str = "comp_name") -> Ask:
    """Return the request for a page of companies of our contract."""
    path = f"{BASE}/company?count={COUNT}&orderBy={quote(order)}&{query}"
    return Ask("ours", path, logon)


def page(logon: str = "restricted", order: str = "comp_name") -> Ask:
    """Return the request for the first page without a total."""
    return ours("totals=none", logon, order)


def limit(logon: str = "restricted", order: str = "name", more: str = "") -> Ask:
    """Return the request for a page of the bare application."""
    return Ask("limit", f"/company?order={order}&count={COUNT}{more}", logon)


def stock(variant: str = "", logon: str = "restricted", more: str = "") -> Ask:
    """Return the request for a page of the stock implementation."""
    return Ask("stock", f"/{variant}companies/?limit={COUNT}&ordering=name{more}", logon)


def first_page() -> Case:
    """The case that everything else is compared with."""
    return Case(
        "list",
        {
            "ours": page(),
            "ours, superuser": page("admin"),
            "limit": limit(),
            "limit, JSON by PostgreSQL": replace(limit(), path="/sql/company"),
            "stock": stock("fast/"),
            "stock, no count": stock("uncounted/"),
            "stock, expert": stock("expert/"),
            "stock, by hand": stock("byhand/"),
            f"stock, no count, {HALF}": stock("lean/"),
            f"stock, by hand, {HALF}": stock("leanbyhand/"),
        },
        many=True,
    )


def listed(servers: Mapping[str, Server], size: Size) -> list[Case]:
    """Return the cases about lists."""
    found = [first_page(), Case(f"list, {HASHED}", {"ours": page(), "stock": stock()})]
    found += [
        Case(f"list by {name}", {"ours": page(order=ours_order), "limit": limit(order=limit_order)})
        for name, (ours_order, limit_order) in ORDERS.items()
    ]
    found.append(Case("list by scope", {logon: page(logon) for logon in ("admin", *SCOPES)}, many=True))
    found.append(Case("list by scope, limit", {logon: limit(logon) for logon in ("admin", *SCOPES)}))
    found.append(Case("list, worst callers", {logon: page(logon) for logon in ("restricted", *WORST)}))
    found.append(Case("list, worst callers, limit", {logon: limit(logon) for logon in ("restricted", *WORST)}))
    found += [deep(servers, "admin", size.companies // 2), deep(servers, "restricted", size.companies // 40)]
    for name, text in WHERE.items():
        asks = {"ours": ours(f"totals=none&where={quote(text)}")}
        if name == "where: prefix":
            asks["stock, no count"] = stock("uncounted/", more="&prefix=Zor")
            asks["stock"] = stock("fast/", more="&prefix=Zor")
        found.append(Case(name, asks))
    found.append(Case("select", {"ours": ours("totals=none&select=comp_name,comp_type,comp_status")}))
    found.append(Case("totals", {"none": page(), "exact": ours("totals=exact"), "stock": stock("fast/")}))
    found.append(
        Case("totals, superuser", {"none": page("admin"), "exact": ours("totals=exact", "admin")})
    )  # a count of the whole table
    found.append(Case("include", {"ours": ours("totals=none&include=person,address")}))
    return found


def deep(servers: Mapping[str, Server], logon: str, row: int) -> Case:
    """Return the case of a page at the row ``row``: by cursor, by number, and what others do."""
    before = ours(f"totals=none&startIndex={max(1, row - COUNT)}", logon)
    answer = expected(Line(servers["ours"].port).ask(before), before).json
    following = urlsplit(answer["$links"]["$next"]["$url"])
    last = answer["$resources"][-1]
    after = _cursor([last["Comp_Name"].lower(), last["$key"]])
    return Case(
        f"deep page, {logon}",
        {
            "first page": page(logon),
            "by $next": Ask("ours", f"{following.path}?{following.query}", logon),
            "by startIndex": ours(f"totals=none&startIndex={row}", logon),
            "limit, first page": limit(logon),
            "limit, by cursor": limit(logon, more=f"&after={after}"),
            "limit, by offset": limit(logon, more=f"&offset={row}"),
            "stock, no count, by offset": stock("uncounted/", logon, f"&offset={row}"),
        },
    )


def _cursor(values: list[object]) -> str:
    import base64

    import orjson

    return base64.urlsafe_b64encode(orjson.dumps(values)).decode()


def key_for(servers: Mapping[str, Server], logon: str) -> int:
    """Return the key of a company in the middle of what ``logon`` sees on the first page."""
    ask = page(logon)
    shown = expected(Line(servers["ours"].port).ask(ask), ask).json["$resources"]
    return int(shown[len(shown) // 2]["$key"])


def single(servers: Mapping[str, Server]) -> list[Case]:
    """Return the cases about one record and about what describes the service."""
    keys = {logon: key_for(servers, logon) for logon in ("admin", *SCOPES)}
    mine = keys["restricted"]
    compared = {
        "ours": Ask("ours", f"{BASE}/company('{mine}')"),
        "limit": Ask("limit", f"/company/{mine}"),
        "stock": Ask("stock", f"/fast/companies/{mine}/"),
    }
    hashed = {"ours": compared["ours"], "stock": Ask("stock", f"/companies/{mine}/")}
    scopes = {logon: Ask("ours", f"{BASE}/company('{key}')", logon) for logon, key in keys.items()}
    quick = "/sdata/crmj/sagecrm2/$service/quickFind/getResults?query=zorquist&entity=Company"
    return [
        Case("single", compared, many=True),
        Case(f"single, {HASHED}", hashed),
        Case("single by scope", scopes),
        Case("quick find", {"ours": Ask("ours", quick)}),
        Case(
            "prototypes", {"one": Ask("ours", f"{BASE}/$prototypes/Company"), "all": Ask("ours", f"{BASE}/$prototypes")}
        ),
        Case("OpenAPI", {"ours": Ask("ours", f"{BASE}/$openapi")}),
        Case("$whoami", {"ours": Ask("ours", f"{BASE}/$whoami")}),
    ]
