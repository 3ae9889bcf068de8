"""The second factor of the administration's log-in: codes of an authenticator (TOTP, RFC 6238), and backup codes.

It decides whether a code is right, once each. The codes themselves are computed by ``cryptography``. What is stored
is of no use without the installation's secret: the key is sealed, of a backup code there is a keyed digest.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from entities.models import User
from security import gate, throttle
from security.errors import NotPermitted
from security.keys import secret
from security.models import BackupCode, SecondFactor

if TYPE_CHECKING:
    from security.plan import Access

ISSUER = "Parapet CRM"
DIGITS, STEP_SECONDS = 6, 30
KEY_BYTES = 20
BACKUP_CODES = 10
_NONCE = 12

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Passed:
    """The second factor is no obstacle: ``factor`` is its key, None where the user has none."""

    factor: int | None


def is_asked() -> bool:
    """Whether the administration asks for second factors at all."""
    return bool(settings.ADMIN_TOTP != "off")


def factor_of(user: int) -> SecondFactor | None:
    """Return the second factor of a user."""
    return SecondFactor.objects.filter(user=user).first()


def backup_codes_left(user: int) -> int:
    """Return how many backup codes of a user are unused."""
    return BackupCode.objects.filter(factor__user=user).count()


def satisfies(user: int, factor: int | None) -> bool:
    """Whether a session in which ``factor`` was proved may go on as ``user``."""
    if not is_asked():
        return True
    needed = SecondFactor.objects.filter(user=user).values_list("pk", flat=True).first()
    return settings.ADMIN_TOTP != "required" if needed is None else factor == needed


def passes(user: int | None, code: str, network: str) -> Passed | None:
    """Return that ``code`` is right for ``user``, or that none is needed, else None.

    Where nobody is known (None) the same statements are sent, so that the time does not tell a right password. Six
    digits are guessed from many networks if nothing but networks counts: a few wrong ones an hour, wherever they came
    from, and no more codes of the authenticator are looked at. Backup codes still are, nobody guesses those: whoever
    has the password cannot keep its owner out.
    """
    if not is_asked():
        return None if user is None else Passed(None)
    compact = "".join(code.split()).replace("-", "").lower()
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user or 0).first()
        exhausted = throttle.codes_are_exhausted(user or 0)
        step = _step_of(compact, _opened(factor), factor.last_step) if factor and not exhausted else 0
        used = BackupCode.objects.filter(factor=factor.pk if factor else 0, hash=_digest(compact)).delete()[0]
        if factor is not None and step:
            SecondFactor.objects.filter(pk=factor.pk).update(last_step=step)
    if user is not None and (factor is None or step or used):
        return Passed(factor.pk if factor else None)
    throttle.code_failed(f"{user}" if user is not None else f"nobody {network}")
    return None


def _step_of(code: str, key: bytes, last_step: int) -> int:
    """Return the time step of ``code``: the present one or a neighbour, later than the last used; else 0."""
    now, given = int(time.time()) // STEP_SECONDS, code.encode("utf-8", "surrogatepass")
    steps = [step for step in (now - 1, now, now + 1) if key and hmac.compare_digest(code_at(key, step), given)]
    return max((step for step in steps if step > last_step), default=0)


def code_at(key: bytes, step: int) -> bytes:
    """Return the code of a time step."""
    return TOTP(key, DIGITS, SHA1(), STEP_SECONDS).generate(step * STEP_SECONDS)


def new_key() -> bytes:
    """Return a fresh key."""
    return secrets.token_bytes(KEY_BYTES)


def address_of(key: bytes, logon: str) -> str:
    """Return the address by which an authenticator takes in ``key``."""
    return TOTP(key, DIGITS, SHA1(), STEP_SECONDS).get_provisioning_uri(logon, ISSUER)


def spelled(key: bytes) -> str:
    """Return the key as it is typed into an authenticator."""
    text = base64.b32encode(key).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def enrol(user: int, key: bytes, code: str) -> tuple[int, list[str]] | None:
    """Store ``key``, proved by ``code``, as the second factor of a user who has none.

    Return the factor's key with the backup codes, which are shown once; None where the code is wrong.
    Raises ``NotPermitted`` where there is one: it is removed first, which takes a code of it.
    """
    step = _step_of("".join(code.split()), key, 0)
    if not step:
        return None
    with transaction.atomic():
        gate.system_rows(User).select_for_update().get(pk=user)  # two enrolments at once: the second finds the first
        if SecondFactor.objects.filter(user=user).exists():
            raise NotPermitted
        factor = SecondFactor(user_id=user, key=_sealed(key, user), last_step=step, created_at=timezone.now())
        factor.save()
        return factor.pk, new_backup_codes(factor.pk)


def new_backup_codes(factor: int) -> list[str]:
    """Replace the backup codes of a factor; return the new ones."""
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(BACKUP_CODES)]
    with transaction.atomic():
        BackupCode.objects.filter(factor=factor).delete()
        BackupCode.objects.bulk_create(BackupCode(factor_id=factor, hash=_digest(code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def remove(user: int) -> bool:
    """Remove the second factor of a user; return whether there was one."""
    return SecondFactor.objects.filter(user=user).delete()[0] > 0


def remove_of(logon: str) -> bool:
    """Remove the second factor of the user called ``logon``, for the operator; return whether there was one."""
    found = gate.system_rows(User).filter(logon__iexact=logon).values_list("pk", flat=True).first()
    return found is not None and remove(found)


def reset(access: Access, user: int) -> bool:
    """Remove the second factor of somebody else, for an administrator; return whether there was one.

    Raises ``NotPermitted``, for one's own too: that takes a code, on one's own page.
    """
    if not access.actor.administrator or user == access.actor.id:
        raise NotPermitted
    log.warning("second factor reset", user=user, by=access.actor.id)
    return remove(user)


def _digest(code: str) -> str:
    return hmac.new(secret("backup code"), code.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _sealed(key: bytes, user: int) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(secret("second factor")).encrypt(nonce, key, str(user).encode())


def _opened(factor: SecondFactor) -> bytes:
    """Return the key of a factor; nothing, which no code fits, where it was sealed with another secret."""
    raw = bytes(factor.key)
    try:
        return AESGCM(secret("second factor")).decrypt(raw[:_NONCE], raw[_NONCE:], str(factor.user_id).encode())
    except InvalidTag:
        return b""
