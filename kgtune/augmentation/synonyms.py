"""Context words in place of their synonyms: where one fits, and whether a text differs from another by nothing else.

Knows nothing about names beyond the spans a document protects; the words come from the closed tables.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kgtune.augmentation.editing import Document, Edit, Proposal
from kgtune.augmentation.tables import Tables

_SHARE = 0.6  # of the places where one fits; some stay, so that both words are seen in one document
_SMALLEST_CHANGE = 0.02  # of the text, by a rough count; below it every place is used
_WORD_MARKS = "_-'’"


@dataclass(frozen=True, slots=True)
class Fit:
    """text[start:end] is a word of the tables, free-standing, and `choices` may stand there, cased as it is."""

    start: int
    end: int
    choices: tuple[str, ...]


def swap(document: Document, lang: str, rng: random.Random, tables: Mapping[str, Tables]) -> Proposal | None:
    """Replace some words outside names, indicators, code and the edges of evidence; None where none stands."""
    edits = [
        Edit(fit.start, fit.end, rng.choice(fit.choices))
        for fit in fits(document.text, lang, tables)
        if not document.is_protected(fit.start, fit.end) and not document.cuts_evidence(fit.start, fit.end)
    ]
    if not edits:
        return None
    some = [edit for edit in edits if rng.random() < _SHARE] or [rng.choice(edits)]
    if sum(len(edit.new) for edit in some) < _SMALLEST_CHANGE * len(document.text):
        some = edits
    return Proposal(*document.edited(some))


def fits(text: str, lang: str, tables: Mapping[str, Tables]) -> list[Fit]:
    """Find the places of table words, longest first, in order and apart from each other."""
    lowered = _lower(text)
    found = [
        (start, start + len(word), word, table)
        for language, table in tables.items()
        if lang in (language, "mixed")
        for word in table.synonyms
        for start in _occurrences(lowered, word)
    ]
    result: list[Fit] = []
    at = 0
    for start, end, word, table in sorted(found, key=lambda item: (item[0], -item[1])):
        if start >= at and _stands_free(lowered, start, end, word, table):
            result.append(Fit(start, end, tuple(_cased(new, text[start:end]) for new in table.synonyms[word])))
            at = end
    return result


def differ_by_synonyms_only(document: Document, child: str, lang: str, tables: Mapping[str, Tables]) -> bool:
    """Tell whether the child's text is the parent's with whole table words replaced outside what is protected."""
    parent = document.text
    found = fits(parent, lang, tables)
    todo = [(0, 0)]
    seen = set(todo)
    while todo:
        here, there = todo.pop()
        # Up to the next word of the tables the two are the same, or this was a wrong turn.
        index = bisect_left(found, here, key=lambda fit: fit.start)
        stop = found[index].start if index < len(found) else len(parent)
        if parent[here:stop] != child[there : there + stop - here]:
            continue
        there += stop - here
        if stop == len(parent):
            if there == len(child):
                return True
            continue
        fit = found[index]
        allowed = () if document.is_protected(fit.start, fit.end) else fit.choices
        for word in (*allowed, parent[fit.start : fit.end]):
            state = (fit.end, there + len(word))
            if child.startswith(word, there) and state not in seen:
                seen.add(state)
                todo.append(state)
    return False


def _lower(text: str) -> str:
    lowered = text.lower()
    # "İ" is two characters in lower case, and every offset behind it would be off by one.
    return lowered if len(lowered) == len(text) else "".join(c.lower() if c.isascii() else c for c in text)


def _occurrences(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _stands_free(text: str, start: int, end: int, word: str, table: Tables) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    if word[0].isascii() and (_continues_word(before) or (word[-1].isalnum() and _continues_word(after))):
        return False
    if word in table.opening and not _opens_clause(text, start):
        return False
    next_to = text.startswith(table.not_before.get(word, ()), end)
    return not next_to and not text.endswith(table.not_after.get(word, ()), 0, start)


def _continues_word(character: str) -> bool:
    return bool(character) and (character in _WORD_MARKS or (character.isascii() and character.isalnum()))


def _opens_clause(text: str, start: int) -> bool:
    at = start - 1
    while at >= 0 and text[at] in " \t":
        at -= 1
    return at < 0 or not text[at].isalnum()


def _cased(new: str, old: str) -> str:
    if old.isupper() and len(old) > 1:
        return new.upper()
    return new[0].upper() + new[1:] if old[0].isupper() else new
