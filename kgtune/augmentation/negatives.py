"""Texts that hold nothing to extract, put together from the closed tables.

Knows nothing about the examples beside them but their language. The group id of such a row says what it is:
``empties-hard-en-policy`` is a text in the words of security texts, ``empties-easy-zh-weather`` one of anything else.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import cast

from kgtune.augmentation.tables import Kind, Tables
from kgtune.examples import Example
from kgtune.graph import Graph

OPERATION = "empties"
_HARD_SHARE = 0.8  # a model that answers weather with [] has learnt little
# As long as reports are, or the model learns that short texts are the empty ones.
_NUM_SENTENCES = (1, 2, 3, 4, 6, 8, 12)


def compose(lang: str, rng: random.Random, tables: Mapping[str, Tables]) -> Example | None:
    """Write a text of one theme in the language (any, for a mixed document); None where no sentence is left."""
    language = lang if lang in tables else rng.choice(sorted(tables))
    table = tables[language]
    kind: Kind = "hard" if rng.random() < _HARD_SHARE else "easy"
    themes = table.hard if kind == "hard" else table.easy
    filled = sorted(theme for theme in themes if themes[theme])
    if not filled:
        return None
    theme = rng.choice(filled)
    chosen = rng.sample(themes[theme], min(rng.choice(_NUM_SENTENCES), len(themes[theme])))
    text = _laid_out(chosen, language, rng)
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
    identity = f"{OPERATION}-{language}-{digest}"
    group = f"{OPERATION}-{kind}-{language}-{theme}"
    return Example(identity, identity, group, "train", language, OPERATION, text, Graph())


def kind_of(group_id: str) -> Kind | None:
    """Tell a hard from an easy empty text by its row's group id; None for any other row."""
    operation, _, rest = group_id.partition("-")
    kind = rest.partition("-")[0]
    return cast("Kind", kind) if operation == OPERATION and kind in ("hard", "easy") else None


def _laid_out(sentences: list[str], language: str, rng: random.Random) -> str:
    layout = rng.choice(("prose", "prose", "lines", "list")) if len(sentences) > 1 else "prose"
    if layout == "prose":
        return ("" if language == "zh" else " ").join(sentences)
    return "\n".join(f"- {sentence}" if layout == "list" else sentence for sentence in sentences)
