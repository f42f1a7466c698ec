"""API keys: where they come from, and whether what a request shows is one of them.

Knows nothing about HTTP. Keys are kept as hashes and compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kgtune.errors import ConfigError

VARIABLE = "KGTUNE_API_KEYS"
MIN_CHARS = 16  # of a key: a shorter one is guessed
_KEY = re.compile(r"[!-+\--~]+")  # printable ASCII, without the comma that separates keys


@dataclass(frozen=True, slots=True)
class Keys:
    """Several keys, so that one can be exchanged while the other still holds. None at all: everybody may come."""

    digests: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.digests)

    def accept(self, shown: str) -> bool:
        """Say whether this is a key. Every key is compared, and a digest says nothing about where it differs."""
        digest = _digest(shown)
        return any([hmac.compare_digest(digest, known) for known in self.digests])  # noqa: C419 - any() of a generator stops early


def load(environ: Mapping[str, str], path: str | None) -> Keys:
    """Read the keys of the environment variable (separated by commas) and of the file (one a line, # remarks)."""
    places = [(VARIABLE, environ.get(VARIABLE, "").split(","))]
    if path is not None:
        places.append((path, _lines(Path(path))))
    keys = [(where, key.strip()) for where, listed in places for key in listed if key.strip()]
    for number, (where, key) in enumerate(keys, start=1):
        if len(key) < MIN_CHARS or not _KEY.fullmatch(key):
            what = f"key {number} has {len(key)} characters" if _KEY.fullmatch(key) else f"key {number} is not ASCII"
            fix = f"Give {MIN_CHARS} printable ASCII characters or more, without spaces: openssl rand -hex 24."
            raise ConfigError(f"{where}: {what}. {fix}")
    if path is not None and not any(where == path for where, _ in keys):
        raise ConfigError(f"service.api_keys_file={path}: has no key. Write one a line, or unset the key.")
    return Keys(tuple(_digest(key) for _, key in keys))


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"service.api_keys_file={path}: can't be read ({error}). Give a UTF-8 file.") from error
    return [line for line in text.splitlines() if not line.lstrip().startswith("#")]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
