"""Strategies for documents as people have them: two scripts, defanged indicators, nested names, lists, code, accents.

All actors, tools and addresses are invented. Evidence is a sentence, half of one, two of them, a paraphrase, the
sentence in another spelling, the whole text, or nothing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from hypothesis import strategies as st

from kgtune.examples import Example, from_raw
from kgtune.graph import Entity, Graph, Relationship
from kgtune.sources import RawDocument

NAMES = [
    ("ThreatOrganization", "雾隼"),
    ("ThreatOrganization", "雾隼组织"),
    ("ThreatOrganization", "砂狐团伙"),
    ("ThreatOrganization", "霜鹿"),
    ("ThreatOrganization", "霧隼組織"),
    ("ThreatOrganization", "Vexa"),
    ("ThreatOrganization", "Vexa Group"),
    ("ThreatOrganization", "APT-Q-77"),
    ("ThreatOrganization", "APT-Q-99（霜鹿）"),
    ("ThreatOrganization", "Ｎｏｘｏｒ"),
    ("ThreatOrganization", "Zoë Ring"),
    ("ThreatOrganization", "O’Kestrel"),
    ("Tool", "Vexa"),
    ("Tool", "青灯木马"),
    ("Tool", "石榴后门"),
    ("Tool", "LanternRAT"),
    ("Tool", "Latch"),
    ("Tool", "loader.exe"),
    ("Tool", "CVE-2031-10452"),
    ("Tool", "ＣＶＥ－２０３１－１０４５３"),
    ("Asset", "evil[.]example"),
    ("Asset", "cdn.evil.example"),
    ("Asset", "192.0.2.7"),
    ("Asset", "198[.]51[.]100[.]9:443"),
    ("Asset", "１９２．０．２．８"),
    ("Asset", "hxxps://evil[.]example/vexa.php"),
    ("Asset", "C:\\Users\\Vexa\\run.exe"),
    ("Asset", "me[at]lantern.example"),
    ("Asset", "D41D8CD98F00B204E9800998ECF8427E"),
    ("Asset", "10.1.2.3"),
    ("Technique", "钓鱼邮件"),
    ("Technique", "spearphishing"),
    ("Technique", "Lateral Movement"),
    ("Technique", "dumping of credentials from 934 hosts"),
    ("Target", "Harbour Bank"),
    ("Target", "澜江电力"),
    ("Target", "近期工业"),
    ("Target", "However, Ltd"),
    ("Target", "北原大学"),
]
HELD_OUT_NAMES = ["Quill Fox", "Umbra", "潮狐团伙", "OrchidRAT", "amber-birch.example"]

FRAMES = {
    "zh": [
        "近期，{}使用了{}。", "此外，{}连接{}。", "据悉，{}与{}有关！", "但是，{}没有使用{}。", "目前尚未发现{}与{}的联系。",
        "该组织利用{}，攻击{}。", "研究人员表示，{}（又称潮汐狐）多次使用{}；", "{}位于附近日本料理店，立即使用{}。", "并非常见的{}和{}。",
        "其成员来自{}和{}。", "2031年5月，{}攻击{}。",
    ],
    "en": [
        "Recently, {} used {}.", "However, {} avoids {}.", "{} was observed with {}.", "Several hosts of {} ran {}!",
        "It met {} and {}.", "The enduring {} said that {} often runs.", "{} (also known as Tidal Fox) met {}.",
        "In May 2031 {} hit {}.", "This tool of {} almost hit {}.", "Moreover, {} and {} are done?", "Owls of {} saw {}.",
        "“{}” met ‘{}’.", "An {} hit the {}.",
    ],
}  # fmt: skip
PLAIN = ["近期，{}使用了{}。", "据悉，{}与{}有关！", "并非常见的{}和{}。", "Recently, {} used {}.", "{} was observed with {}.",
         "Several hosts of {} ran {}!", "Owls of {} saw {}.", "{} (also known as Tidal Fox) met {}."]  # fmt: skip
# What stands around sentences; {} takes one sentence, or a name.
BLOCKS = [
    "{}", "{}", "{}", "- {}", "* {}", "1. {}", "| {} | x |", "```\nrun {}\n```", "`{}`", "> {}", "# {}", "\U0001f600\U0001f600 {}",
    "see hxxp://{}[.]example/{} now", "C:\\Temp\\{}\\x.dll", "e\u0301a \u200b{}", "“{}”", "Tidal Fox, {}",
]  # fmt: skip
JOINTS = ["", " ", "\n", "\n\n", "\r\n", "\n\n\n"]


@dataclass(frozen=True)
class Corpus:
    """Train originals, names of the other splits, and a seed."""

    train: tuple[Example, ...]
    seed: int
    held_out: tuple[str, ...] = ()


@st.composite
def documents(draw: st.DrawFn, number: int = 0) -> Example:
    """Write one annotated document."""
    lang = draw(st.sampled_from(["zh", "en", "zh", "en", "mixed"]))
    chosen = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True))
    is_orderly = draw(st.sampled_from([False, False, True]))
    sentences = draw(_sentences(lang, [name for _, name in chosen], is_orderly=is_orderly))
    parts = []
    for sentence in sentences:
        block = draw(st.sampled_from(BLOCKS)) if not is_orderly and draw(st.integers(0, 3)) == 0 else "{}"
        filler = draw(st.sampled_from(chosen))[1] if block.count("{}") > 1 or "\\" in block or "`" in block else sentence
        parts.append(block.replace("{}", filler))
    text = draw(st.sampled_from([" ", "\n\n", "\n- "] if is_orderly else JOINTS)).join(parts)
    text = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFC", "NFD"])), text)
    edges = tuple(
        Relationship(
            draw(st.sampled_from(["USE", "HAS"])), f"x{one}", f"x{two}", draw(st.sampled_from([0.5, 0.95])),
            draw(_evidence(text, sentences)),
        )
        for one, two in draw(st.lists(st.permutations(range(len(chosen))).map(lambda p: p[:2]), max_size=5))
    )  # fmt: skip
    entities = tuple(Entity(label, f"x{i}", name, draw(_description(name))) for i, (label, name) in enumerate(chosen))
    raw = RawDocument(f"d{number}", f"d{number}", text, Graph(entities, edges), lang, "train", f"g{number}")
    return from_raw(raw, drop_descriptions=False)


@st.composite
def _sentences(draw: st.DrawFn, lang: str, names: list[str], *, is_orderly: bool) -> list[str]:
    """Write sentences; orderly ones have no dates and few words that lean back, so that some may change places."""
    frames = FRAMES["zh"] + FRAMES["en"] if lang == "mixed" else FRAMES[lang]
    if is_orderly:
        frames = [frame for frame in frames if frame in PLAIN] * 3 + frames[1:3]
    sentences = []
    for frame in draw(st.lists(st.sampled_from(frames), min_size=4 if is_orderly else 1, max_size=7)):
        one, two = draw(st.permutations(names))[:2]
        sentences.append(frame.format(one, two))
    return sentences


@st.composite
def _evidence(draw: st.DrawFn, text: str, sentences: list[str]) -> str:
    sentence = draw(st.sampled_from(sentences))
    at = text.find(sentence)
    return draw(
        st.sampled_from(
            [
                sentence, sentence, sentence[: len(sentence) // 2].strip(), sentence[3:-1].strip(), "", "其使用了某工具", "a paraphrase",
                text[max(0, at) : at + len(sentence) + 12].strip(), text.strip(), sentence.upper(), sentence.replace("’", "'"),
                f"{sentence} again",
            ]
        )
    )  # fmt: skip


def _description(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["", f"about {name}", f"{name}, also known as Tidal Fox or Nox.", "又称潮汐狐，活跃多年。", "old"])


@st.composite
def corpora(draw: st.DrawFn, most: int = 3) -> Corpus:
    """Write a few train documents."""
    train = tuple(draw(documents(number)) for number in range(draw(st.integers(1, most))))
    held_out = draw(st.lists(st.sampled_from([*HELD_OUT_NAMES, *(name for _, name in NAMES)]), max_size=3))
    return Corpus(train, draw(st.integers(0, 999)), tuple(held_out))
