"""Secrets at rest: encrypted with Fernet (AES-128-CBC and HMAC-SHA256, https://github.com/fernet/spec)."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core.config import Settings
from core.errors import CcbError, Invalid
from core.texts import T

SETTING = "CCB_SECRET_KEY"
FILE = "secret.key"


class SecretBox:
    """Encrypts with its first key and decrypts with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: 32 bytes each in URL-safe base64; raises `ValueError` for another form."""
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.fingerprints = tuple(fingerprint(key) for key in keys)
        """By which its keys are known again, the one that encrypts first."""

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Return the box with the keys of CCB_SECRET_KEY, else with that of the data folder, made if it is not there.

        Raises `Invalid` when the file is damaged, or readable by others than its owner.
        """
        if settings.secret_key is not None:
            return cls(_split(settings.secret_key.get_secret_value()))
        path = settings.data_dir / FILE
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            _create(path)
        try:
            return cls(_split(_read(path)))
        except ValueError:
            raise Invalid(
                T(
                    "{path} does not hold a key. Put it back from a backup; without it the stored secrets are lost, "
                    "and once the file is deleted a new key is made.",
                    path=str(path),
                ),
                error="Secret key",
                path=str(path),
            ) from None

    def encrypt(self, text: str) -> str:
        """Return `text` as a token for `decrypt`."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Return the text in `token`; raise `CcbError` when no key fits."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise _no_key_fits() from None

    def rotate(self, token: str) -> str:
        """Return `token` encrypted with the first key; raise `CcbError` when no key fits."""
        try:
            return self._fernet.rotate(token.encode()).decode()
        except InvalidToken:
            raise _no_key_fits() from None


def fingerprint(key: str) -> str:
    """Return what a key is known by and cannot be found from: its 256 random bits are not to be guessed."""
    return hashlib.sha256(b"ccb secret key\0" + base64.urlsafe_b64decode(key)).hexdigest()[:16]


def fingerprints_of(settings: Settings) -> tuple[str, ...]:
    """Return the fingerprints of the keys that are there, without making one; none where there is none.

    Raises as `SecretBox.open` does.
    """
    if settings.secret_key is None and not (settings.data_dir / FILE).exists():
        return ()
    return SecretBox.open(settings).fingerprints


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",")]


def _create(path: Path) -> None:
    """Write a new key, for its owner alone from the first moment, and see that it reaches the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> str:
    with path.open(encoding="ascii", errors="replace") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Invalid(
                T(
                    "{path} holds the key of all stored secrets, and others may read it (mode {mode}). "
                    "Type: chmod 600 {path}",
                    path=str(path),
                    mode=f"{mode:03o}",
                ),
                error="Secret key",
                path=str(path),
            )
        return file.read()


def _no_key_fits() -> CcbError:
    return CcbError(
        T(
            "A stored secret cannot be decrypted: {setting} has changed. "
            "Add the former key to the list, after a comma.",
            setting=SETTING,
        ),
        error="Secret key changed",
    )
