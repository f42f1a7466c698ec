"""The word lists less all that a corpus annotates as a name: what is left can neither hit nor bring in a label.

Knows nothing about examples, only their names. Done once per corpus, so that nothing corpus-sized is searched later.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate

from kgtune.augmentation.tables import Tables
from kgtune.grounding import Haystack, match_key

_NUM_FIRST = 3  # characters of a name that are looked up before its whole is searched


@dataclass(frozen=True)
class Vetted:
    """The lists that may be used. `spanning`: names that could arise where two sentences meet; `left_out`: counts."""

    tables: Mapping[str, Tables]
    spanning: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


def vet(tables: Mapping[str, Tables], keys: Mapping[str, str], label_words: Iterable[str] = ()) -> Vetted:
    """Take out words that are part of a name or of an ontology's words, and sentences in which a name stands.

    `keys` holds every name with its match key.
    """
    joined = "\n".join(keys.values())
    words = {word for table in tables.values() for word in table.synonyms}
    labels = [match_key(word) for word in label_words]
    blocked = {word for word in words if _is_part_of_any(word, joined) or _touches_label(word.strip(",，"), labels)}
    named = _sentences_with_names(tables, keys)
    left_out = Counter(synonyms=len(blocked))
    for table in tables.values():
        left_out["affixes"] += sum(sentence in named for sentence in (*table.prefixes, *table.suffixes))
        left_out["empties"] += sum(sentence in named for theme in table.empties.values() for sentence in theme)
    kept = {language: _without(table, blocked, named) for language, table in tables.items()}
    spanning = tuple(sorted(name for name, key in keys.items() if ". " in key or "。" in key[:-1]))
    return Vetted(kept, spanning, +left_out)


def _is_part_of_any(word: str, joined_keys: str) -> bool:
    """Ask for whole words in English ("via" is no part of "aviation"), for any part in Chinese."""
    bare = word.strip(",，")
    if bare not in joined_keys:
        return False
    return not bare.isascii() or bool(re.search(rf"(?<![a-z0-9]){re.escape(bare)}(?![a-z0-9])", joined_keys))


def _touches_label(word: str, labels: Iterable[str]) -> bool:
    """Tell a word that an ontology uses, or that holds one it uses: "攻击者" holds the type 攻击."""
    return any(_is_part_of_any(word, label) or (label and _is_part_of_any(label, word)) for label in labels)


@dataclass(frozen=True)
class _Sheet:
    """Sentences one below the other, searched as one text: where each starts, and what a name in it can start with."""

    sentences: tuple[str, ...]
    haystack: Haystack
    starts: tuple[int, ...]
    first: frozenset[str]


@lru_cache(maxsize=8)
def _sheet(sentences: tuple[str, ...]) -> _Sheet:
    haystack = Haystack("\n".join(sentences))
    key = haystack.folded.key
    starts = accumulate((len(sentence) + 1 for sentence in sentences), initial=0)
    return _Sheet(sentences, haystack, tuple(starts), frozenset(key[at : at + _NUM_FIRST] for at in range(len(key))))


def _sentences_with_names(tables: Mapping[str, Tables], keys: Mapping[str, str]) -> set[str]:
    sheet = _sheet(tuple(sorted({sentence for table in tables.values() for sentence in table.sentences()})))
    found: set[str] = set()
    for name, key in keys.items():
        if len(key) >= _NUM_FIRST and key[:_NUM_FIRST] not in sheet.first:
            continue
        for span in sheet.haystack.all(name):
            one, last = (bisect_right(sheet.starts, at) - 1 for at in (span.start, span.end - 1))
            found.update(sheet.sentences[one : last + 1])
    return found


def _without(table: Tables, words: Collection[str], sentences: Collection[str]) -> Tables:
    def groups(groups: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
        left = (tuple(word for word in group if word not in words) for group in groups)
        return tuple(group for group in left if len(group) > 1)

    def free(lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(line for line in lines if line not in sentences)

    return replace(
        table,
        openers=groups(table.openers),
        groups=groups(table.groups),
        prefixes=free(table.prefixes),
        suffixes=free(table.suffixes),
        hard={theme: free(lines) for theme, lines in table.hard.items()},
        easy={theme: free(lines) for theme, lines in table.easy.items()},
    )
