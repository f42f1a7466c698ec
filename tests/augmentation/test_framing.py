from __future__ import annotations

import random
from dataclasses import replace

import pytest

from kgtune.augmentation.editing import Document
from kgtune.augmentation.framing import frame, is_framed
from kgtune.augmentation.tables import tables
from kgtune.graph import Graph

T = tables()
TEXTS = [
    ("en", "Vexa ran. "), ("en", "Vexa ran"), ("en", "Tools:\n- Latch\n"), ("zh", "雾隼来过。"), ("zh", "雾隼来过"), ("zh", "工具：\n- 青灯\n\n"),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "text"), TEXTS)
def test_what_frame_makes_is_framed(lang: str, text: str) -> None:
    made = set()
    for seed in range(40):
        proposal = frame(Document(text, Graph()), lang, random.Random(seed), T)
        assert proposal is not None
        assert is_framed(text, proposal.text, lang, T)
        assert not is_framed(text, proposal.text, "zh" if lang == "en" else "en", T)
        made.add(proposal.text)
    assert len(made) > 20


@pytest.mark.parametrize(
    "child",
    [
        "Vexa ran.", "Thank you for reading. Vexa ran.", "Vexa ran. Thank you for reading. ", "Vexa ran.Thank you for reading.",
        "Vexa ran.  Thank you for reading.", "Vexa ran.\nThank you for reading.", "Vexa ran. Thanks.", "This is a draft.Vexa ran.",
        "This is a draft. Vexa ran. Thank you for reading.", "This is a draft. Vexa slept.", "以下为正文。 Vexa ran.",
    ],
)  # fmt: skip
def test_any_other_change_is_seen(child: str) -> None:
    assert is_framed("Vexa ran.", "Vexa ran. Thank you for reading.", "en", T)
    assert is_framed("Vexa ran.", "This is a draft. Vexa ran.", "en", T)
    assert not is_framed("Vexa ran.", child, "en", T)


def test_a_text_of_two_languages_or_without_a_sentence_left_has_no_frame() -> None:
    assert frame(Document("x", Graph()), "mixed", random.Random(1), T) is None
    bare = {"en": replace(T["en"], prefixes=(), suffixes=())}
    assert frame(Document("x", Graph()), "en", random.Random(1), bare) is None
