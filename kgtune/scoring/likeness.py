"""How like two names are: the same, the same indicator, an alias, one inside the other, or a few letters apart.

Knows nothing about graphs. 0 is unlike; any other value makes a pair for the relaxed scores, and the closest pair is
preferred. Numbers tell names apart: APT28 is not APT29, and an indicator is like nothing but itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from kgtune.errors import DataError, Problem
from kgtune.grounding import iocs, match_key, refang

SAME = 1000
SAME_INDICATOR = 990
ALIAS = 980
CONTAINED = 600  # to 900, by how much of the longer name the shorter one is
NEAR_LEAST = 0.85  # of 1: one wrong letter in a name of seven
NEAR_SHORTEST = 5

_DIGITS = re.compile(r"\d+")
_CJK = re.compile("[\u3400-\u9fff]")


class Aliases:
    """Names that mean the same thing: one group, many spellings."""

    def __init__(self, groups: Mapping[str, Iterable[str]] | None = None) -> None:
        """Take canonical name -> further names. A name that stands in two groups is a DataError."""
        self._group_of: dict[str, str] = {}
        problems = []
        for canonical, names in (groups or {}).items():
            for name in (canonical, *names):
                first = self._group_of.setdefault(match_key(name), canonical)
                if first != canonical:
                    what = f'"{name}" is an alias of "{canonical}" and of "{first}".'
                    problems.append(Problem("E-ALIAS", "aliases", what, "Keep it in one group."))
        if problems:
            raise DataError(problems)

    def are_one(self, one: str, other: str) -> bool:
        """Say whether two folded names are in one group."""
        group = self._group_of.get(one)
        return group is not None and group == self._group_of.get(other)


NO_ALIASES = Aliases()


def likeness(one: str, other: str, aliases: Aliases = NO_ALIASES) -> int:
    """Compare two folded names (`grounding.match_key`): 1000 for the same, 0 for unlike."""
    if one == other:
        return SAME
    if aliases.are_one(one, other):
        return ALIAS
    return _plain(one, other) if one < other else _plain(other, one)


@lru_cache(maxsize=262_144)
def _plain(one: str, other: str) -> int:
    if refang(one) == refang(other):
        return SAME_INDICATOR
    short, long = sorted((one, other), key=len)
    contained = _is_contained(short, long)
    near = 0.0
    if not contained and len(short) >= NEAR_SHORTEST and _DIGITS.findall(one) == _DIGITS.findall(other):
        near = Levenshtein.normalized_similarity(one, other, score_cutoff=NEAR_LEAST)
    if not (contained or near) or _is_indicator(one) or _is_indicator(other):
        return 0
    return CONTAINED + 300 * len(short) // len(long) if contained else round(CONTAINED * near)


def _is_contained(short: str, long: str) -> bool:
    """Find the shorter name in the longer one as whole words; Chinese has no word edges."""
    if len(short) < (2 if _CJK.search(short) else 3):
        return False
    at = long.find(short)
    while at >= 0:
        stop = at + len(short)
        glued = (at > 0 and _is_word(long[at - 1]) and _is_word(short[0])) or (
            stop < len(long) and _is_word(long[stop]) and _is_word(short[-1])
        )
        if not glued:
            return True
        at = long.find(short, at + 1)
    return False


def _is_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


@lru_cache(maxsize=65_536)
def _is_indicator(name: str) -> bool:
    """Folding has made all letters small; the ids of ATT&CK are told by their capital."""
    return any((ioc.start, ioc.end) == (0, len(name)) for spelling in (name, name.upper()) for ioc in iocs(spelling))
