"""The nearest known name to one that nobody knows.

Knows nothing about what the names stand for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was most likely meant to be, or None when none is near."""
    by_fold = {candidate.casefold(): candidate for candidate in sorted(known)}
    found = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Write the fix of an unknown name: the nearest known one, else all that are known."""
    names = sorted(known)
    close = nearest(name, names)
    if close is not None:
        return f'Did you mean "{close}"?'
    return f"Known: {', '.join(names) or 'none'}."
