"""Entity tags and fingerprints: keyed hashes over what the caller can see, and nothing else (contract.md §12, §21)."""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from typing import TYPE_CHECKING, Any

import orjson

from api.errors import ApiError
from api.values import written
from security.keys import secret

if TYPE_CHECKING:
    from collections.abc import Callable

# No repetition beside another that could take the same characters: a header is read in linear time.
_TAGS = re.compile(r'(?:W/)?(?:"([^"]*)"|([^\s,"]+))')
_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # base64's other alphabet (RFC 4648), without the detours of Python's module


def fingerprint(value: Any) -> str:
    """Return a keyed hash of a JSON value, eight bytes in hex."""
    return hashlib.blake2b(orjson.dumps(value), key=secret("fingerprint"), digest_size=8).hexdigest()


def tagger(kind_fingerprint: str) -> Callable[[int, list[Any]], str]:
    """Return what makes the tags of entries of a kind: of its fingerprint for the caller, the key, the values shown."""
    begun = hashlib.blake2b(f"{kind_fingerprint}/".encode(), key=secret("etag"), digest_size=12)

    def tag(key: int, values: list[Any]) -> str:
        digest = begun.copy()
        digest.update(b"%d/" % key)
        digest.update(written(values))
        return b2a_base64(digest.digest(), newline=False).translate(_URL_SAFE).decode()

    return tag


def matches(header: str, tag: str) -> bool:
    """Whether an ``If-Match`` or ``If-None-Match`` value names ``tag``; quoted, bare and weak forms, lists, ``*``."""
    if header.strip() == "*":
        return True
    return any(tag in found.groups() for found in _TAGS.finditer(header))


def require_match(header: str | None, tag: str) -> None:
    """Raise 412 where the request's ``If-Match`` does not name the present ``tag``."""
    if header is not None and not matches(header, tag):
        raise ApiError.of(412, "PreconditionFailed", "The record was changed in the meantime; read it again.")
