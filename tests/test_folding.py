from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kgtune.folding import fold, match_key, refanged
from kgtune.iocs import refang

COMBINING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f"
ZERO_WIDTH = "\u200b-\u200f\u2060\ufeff\u00ad"
CJK = re.compile("[\u2e80-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
SAME = str.maketrans(
    {**dict.fromkeys("‘’‚‛′´ʼ", "'"), **dict.fromkeys("“”„‟″«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-")}
)
TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from("aZ9 \n\t\u3000\xa0\x1c éßİıſ\u212aﬁⅢ１．：，。（）－—‘“\u200b\u00ad\ufeff\u0301\u0302\u3099かﾞ海莲花\U0001f600\U00020000¨…\ufffe[.]()hxp"),
        st.characters(),
    ),
    max_size=40,
)  # fmt: skip


def plainly(text: str) -> tuple[str, list[int], list[int]]:
    """Fold piece by piece, as the definition says."""
    key, starts, ends = "", [], []
    for match in re.finditer(rf"(?P<space>[\s{ZERO_WIDTH}]+)|.[{COMBINING}]*", text, re.DOTALL):
        begin, stop = match.span()
        if match["space"] is None:
            folded = unicodedata.normalize("NFKC", match[0].translate(SAME)).casefold()
            piece = unicodedata.normalize("NFKC", folded).translate(SAME).replace(" ", "")
        else:
            beside = CJK.match(text[max(0, begin - 1) : begin]) or CJK.match(text[stop : stop + 1])
            piece = "" if beside or not any(c.isspace() for c in match[0]) else " "
        key += piece
        starts += [begin] * len(piece)
        ends += [stop] * len(piece)
    return key, starts, ends


@pytest.mark.property
@given(TEXTS)
@example("x 中")
@example("中 x")
@example("中 e\u0301 x")
@example("a  b\n")
@example("a\u200bb\u200b c")
@example(" \u0301\u0302a\u0301")
@example("ﬁ\ufffe…x")
@example("\u3000a\xa0b\x1cc")
def test_the_quick_way_gives_what_the_definition_gives(text: str) -> None:
    folded = fold(text)
    assert (folded.key, list(folded.starts), list(folded.ends)) == plainly(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Cobalt  Strike\n", "cobalt strike "),
        ("海 莲\n花 X", "海莲花x"),
        ("ﬁle Ⅲ ß İ", "file iii ss i\u0307"),
        ("CVE－２０２１", "cve-2021"),
        ("e\u0301vil\u200b", "évil"),
        ("“a” — ‘b’", "\"a\" - 'b'"),
        ("", ""),
    ],
)
def test_width_case_quotes_and_white_space_are_folded_away(text: str, key: str) -> None:
    assert fold(text).key == key


def test_a_name_s_key_has_no_white_space_around_it() -> None:
    assert match_key("  Cobalt\tStrike ") == "cobalt strike"


@pytest.mark.property
@given(st.lists(st.sampled_from("hxxp https fxp h**p : // [:] [://] \\\\ [//] evil . [.] (.) {.} [dot] (DOT) \\. ． [at] (at) [@] @ a 1 中 ß".split()), max_size=14))  # fmt: skip
def test_a_refanged_key_is_the_key_refanged_and_maps_back(parts: list[str]) -> None:
    folded = fold("".join(parts))
    plain = refanged(folded)
    assert plain.key == refang(folded.key)
    assert len(plain.key) == len(plain.starts) == len(plain.ends)
    assert list(plain.starts) == sorted(plain.starts)
    assert all(start < end for start, end in zip(plain.starts, plain.ends, strict=True))
