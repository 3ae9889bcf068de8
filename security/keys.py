"""Keys for one purpose each, derived from the installation's secret: what one gives away opens nothing else."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from django.conf import settings


def secret(purpose: str) -> bytes:
    """Return the key for ``purpose``, 32 bytes."""
    return _derived(settings.SECRET_KEY, purpose)


@lru_cache(maxsize=16)
def _derived(installation: str, purpose: str) -> bytes:
    return hmac.new(installation.encode(), f"parapet/{purpose}".encode(), hashlib.sha256).digest()
