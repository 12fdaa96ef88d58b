"""The form of an API key.

`ccb_`, 256 random bits in base 62 (43 characters) and a CRC-32 over what stands before (6 characters), so that a
mistyped key is recognised without asking the database and a leaked one by scanners
(https://github.blog/engineering/behind-githubs-new-authentication-token-formats/).
"""

from __future__ import annotations

import hashlib
import secrets
import zlib

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH, _CHECKSUM_LENGTH = 43, 6


def new_key() -> str:
    """Return a new key's plain text."""
    body = "ccb_" + _base62(secrets.randbits(256), _RANDOM_LENGTH)
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Say whether `key` has a key's form and its checksum fits: a mistyped one has not."""
    body, checksum = key[:-_CHECKSUM_LENGTH], key[-_CHECKSUM_LENGTH:]
    return (
        len(key) == len("ccb_") + _RANDOM_LENGTH + _CHECKSUM_LENGTH
        and body.startswith("ccb_")
        and all(digit in _DIGITS for digit in body[len("ccb_") :])
        and checksum == _checksum(body)
    )


def hash_of(plain: str) -> str:
    """Return what is stored of a key: its SHA-256, in hexadecimal."""
    # A header's bytes that are not UTF-8 reach us as surrogates.
    return hashlib.sha256(plain.encode(errors="surrogateescape")).hexdigest()


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode(errors="surrogateescape")), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
