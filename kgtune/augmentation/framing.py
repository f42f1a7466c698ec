"""A neutral sentence before or behind a text, in its language, and whether a text is another one framed like that.

Knows nothing about names or graphs; the sentences come from the closed tables.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from kgtune.augmentation.editing import Document, Edit, Proposal
from kgtune.augmentation.tables import Tables


def frame(document: Document, lang: str, rng: random.Random, tables: Mapping[str, Tables]) -> Proposal | None:
    """Put a sentence before or behind the text; None in a text of two languages, where neither fits."""
    if lang not in tables:
        return None
    table, text = tables[lang], document.text
    at_start = rng.random() < 0.5
    sentences = table.prefixes if at_start else table.suffixes
    if not sentences:
        return None
    sentence = rng.choice(sentences)
    if at_start:
        edit = Edit(0, 0, sentence + _between(text, lang))
    else:
        end = len(text.rstrip())
        edit = Edit(end, end, (_between(text, lang) if _ends_sentence(text[:end]) else "\n") + sentence)
    return Proposal(*document.edited([edit]))


def is_framed(parent: str, child: str, lang: str, tables: Mapping[str, Tables]) -> bool:
    """Tell whether the child is the parent with one table sentence of its language before or behind it."""
    table = tables.get(lang)
    if table is None or len(child) <= len(parent):
        return False
    if child.endswith(parent):
        added = child[: -len(parent)]
        if any(added == sentence + _between(parent, lang) for sentence in table.prefixes):
            return True
    head = parent.rstrip()
    tail = parent[len(head) :]
    if not (child.startswith(head) and child.endswith(tail)):
        return False
    added = child[len(head) : len(child) - len(tail)]
    space = _between(parent, lang) if _ends_sentence(head) else "\n"
    return any(added == space + sentence for sentence in table.suffixes)


def _between(text: str, lang: str) -> str:
    """A text of lines gets a line; within one, Chinese sentences follow each other without a space."""
    return "\n" if "\n" in text.strip() else "" if lang == "zh" else " "


def _ends_sentence(text: str) -> bool:
    return text.endswith((".", "!", "?", "。", "！", "？", "…"))
