"""The nearest known name to one that nobody knows, and when two spellings are one name.

Knows nothing about what the names stand for.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping

_SEPARATORS = re.compile(r"[\s_\-‐‑–]+")


def spelling_key(name: str) -> str:
    """Return the key that two spellings of one name share: case, width and separators aside.

    ``threat-actor``, ``Threat Actor`` and ``THREAT_ACTOR`` are one name, and so is ``ThreatActor``.
    """
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", name).casefold())


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was most likely meant to be, or None when none is near."""
    by_fold = {candidate.casefold(): candidate for candidate in sorted(known)}
    found = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def nearest_spelling(name: str, spellings: Mapping[str, str]) -> str | None:
    """Return what the spelling nearest to `name` stands for; `spellings` maps keys of `spelling_key` to names."""
    found = nearest(spelling_key(name), spellings)
    return spellings[found] if found else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Write the fix of an unknown name: the nearest known one, else all that are known."""
    names = sorted(known)
    close = nearest(name, names)
    if close is not None:
        return f'Did you mean "{close}"?'
    return f"Known: {', '.join(names) or 'none'}."
