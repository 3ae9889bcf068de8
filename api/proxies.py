"""Who calls, by which scheme and host, behind proxies: forwarding headers count from the peers that a setting lists.

From everybody else they are removed unread. Whatever comes later reads ``REMOTE_ADDR``, the scheme and ``Host`` alone
(contract.md §3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence

    from django.http import HttpRequest, HttpResponse

FORWARDED, FOR = "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR"
PROTO, HOST = "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"
HEADERS = (FORWARDED, FOR, PROTO, HOST)
_TEXT = r'"(?:[^"\\]|\\.)*"'
_ELEMENT = re.compile(rf'(?:[^,"]|{_TEXT})+')
_PAIR = re.compile(rf"\s*([!#$%&'*+.^_`|~\w-]+)=({_TEXT}|[^\s;,\"]*)\s*(?:;|$)")
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\w+)?|([\d.]+):\w+")


@dataclass(frozen=True)
class Origin:
    """What forwarding headers say of the first request: each empty where they do not say it."""

    client: str = ""
    scheme: str = ""
    host: str = ""


class Contradiction(Exception):
    """Forwarding headers that cannot be understood, or that say different things."""


class ProxyMiddleware:
    """Puts in place what trusted proxies say of the request; a contradiction ends as a host that is not served."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        environ = request.META
        given = {name: environ.pop(name, "").strip() for name in HEADERS}
        if is_trusted(environ.get("REMOTE_ADDR", "")):
            try:
                _apply(environ, origin_of(given))
            except Contradiction:
                environ["HTTP_HOST"] = ""
        return self.get_response(request)


def _apply(environ: MutableMapping[str, Any], origin: Origin) -> None:
    if origin.client:
        environ["REMOTE_ADDR"] = origin.client
    if origin.scheme:
        environ["wsgi.url_scheme"] = origin.scheme
    if origin.host:
        environ["HTTP_HOST"] = origin.host


@lru_cache(maxsize=8)
def _networks(listed: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(name) for name in listed if name != "unix")


def is_trusted(address: str) -> bool:
    """Whether ``address`` is that of a trusted proxy; a peer at a Unix socket has none and is called ``unix``."""
    return _is_listed(address, tuple(settings.TRUSTED_PROXIES))


@lru_cache(maxsize=1024)
def _is_listed(address: str, listed: tuple[str, ...]) -> bool:
    if not address:
        return "unix" in listed
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in _networks(listed))


def origin_of(given: Mapping[str, str]) -> Origin:
    """Return what the headers say of the request as it reached the first trusted proxy; raises ``Contradiction``.

    A proxy that writes one kind of header lets the other kind through: two kinds that differ are refused.
    """
    standard = _standard(given[FORWARDED]) if given[FORWARDED] else Origin()
    usual = Origin(_client(given[FOR].split(",")), _last(given[PROTO]).lower(), _last(given[HOST]))
    pairs = [(getattr(standard, name), getattr(usual, name)) for name in ("client", "scheme", "host")]
    if any(one and other and one != other for one, other in pairs):
        raise Contradiction
    found = Origin(*(one or other for one, other in pairs))
    if found.scheme not in ("", "http", "https"):
        raise Contradiction
    return found


def _last(text: str) -> str:
    """Return the value that the nearest proxy wrote."""
    return text.rpartition(",")[2].strip()


def _client(chain: Sequence[str]) -> str:
    addresses = [_address(item) for item in chain]
    return addresses[_first(addresses)]


def _first(addresses: Sequence[str]) -> int:
    """Return the place of the address that is nearest to us and no proxy of ours, else of the farthest one."""
    return next((n for n in range(len(addresses) - 1, 0, -1) if not is_trusted(addresses[n] or "?")), 0)


def _address(text: str) -> str:
    """Return the address in ``text``, without brackets and port; empty where there is none."""
    text = text.strip()
    port = _WITH_PORT.fullmatch(text)
    try:
        return str(ip_address((port[1] or port[2]) if port else text))
    except ValueError:
        return ""


def _standard(header: str) -> Origin:
    """Read ``Forwarded`` (RFC 7239)."""
    elements = _ELEMENT.findall(header)
    if ",".join(elements) != header:
        raise Contradiction
    hops = [_pairs(element) for element in elements]
    hop = hops[_first([_address(found.get("for", "")) for found in hops])]
    return Origin(_address(hop.get("for", "")), hop.get("proto", "").lower(), hop.get("host", ""))


def _pairs(element: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(element):
        match = _PAIR.match(element, position)
        if match is None or match[1].lower() in found:
            raise Contradiction
        found[match[1].lower()] = re.sub(r"\\(.)", r"\1", match[2][1:-1]) if match[2][:1] == '"' else match[2]
        position = match.end()
    return found
