"""Annotated examples in a line, and the settings of one operation or of all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kgtune.examples import Example, from_raw
from kgtune.graph import Entity, Graph, Relationship
from kgtune.sources import RawDocument


@dataclass(frozen=True)
class Op:
    enabled: bool = True
    ratio: float = 0.0


@dataclass(frozen=True)
class Ops:
    synonyms: Op = field(default_factory=Op)
    order: Op = field(default_factory=Op)
    affixes: Op = field(default_factory=Op)
    empties: Op = field(default_factory=Op)
    entities: Op = field(default_factory=Op)


def only(name: str, ratio: float = 1.0) -> Ops:
    return replace(Ops(), **{name: Op(ratio=ratio)})


def every(ratio: float = 1.0) -> Ops:
    return Ops(*[Op(ratio=ratio)] * 5)


def make(text: str, *names: str, label: str = "Tool", lang: str = "en", evidence: str = "", name: str = "d") -> Example:
    entities = tuple(Entity(label, f"x{i}", n) for i, n in enumerate(names))
    edges = (Relationship("USE", "x0", "x1", 0.9, evidence),) if len(names) > 1 else ()
    raw = RawDocument(name, name, text, Graph(entities, edges), lang, "train", name)
    return from_raw(raw, drop_descriptions=False)


EN = make("Vexa is active. Recently, Vexa used Latch. However, Harbour Bank was safe.", "Vexa", "Latch", "Harbour Bank",
          evidence="Recently, Vexa used Latch.")  # fmt: skip
ZH = make(
    "雾隼近期活跃。此外，雾隼使用了青灯木马。",
    "雾隼",
    "青灯木马",
    lang="zh",
    evidence="此外，雾隼使用了青灯木马。",
    name="z",
)


def document(number: int, lang: str, text: str, names: list[tuple[str, str]], *evidence: str) -> Example:
    entities = tuple(Entity(label, f"x{i}", name, f"about {name}") for i, (label, name) in enumerate(names))
    edges = tuple(Relationship("USE", "x0", f"x{i % (len(names) - 1) + 1}", 0.9, e) for i, e in enumerate(evidence))
    raw = RawDocument(f"d{number}", f"d{number}", text, Graph(entities, edges), lang, "train", f"g{number}")
    return from_raw(raw, drop_descriptions=False)


TRAIN = (
    document(
        0,
        "en",
        "Recently, Vexa used LanternRAT. Owls saw evil[.]example and Often, Ltd was hit. However, Vexa often left. "
        "Enduring owls saw hxxp://evil[.]example/gate.php during the day.",
        [("ThreatOrganization", "Vexa"), ("Tool", "LanternRAT"), ("Target", "Often, Ltd"), ("Asset", "evil[.]example"),
         ("Technique", "dumping of credentials")],
        "Recently, Vexa used LanternRAT.", "However, Vexa often left.", "Vexa took LanternRAT", "However, Vexa often left.",
    ),
    document(
        1,
        "zh",
        "近期，雾隼使用了青灯木马。近期工业的主机连接192.0.2.7。但是，雾隼并非常见。雾隼非常活跃！",
        [("ThreatOrganization", "雾隼"), ("Tool", "青灯木马"), ("Target", "近期工业"), ("Asset", "192.0.2.7")],
        "近期，雾隼使用了青灯木马。", "雾隼非常活跃！", "其使用了工具",
    ),
    document(
        2,
        "en",
        "Umbra ran Hooky. Owls of North Mill slept. Umbra met Hooky at 10.1.2.3. Bats of North Mill flew. It was late.",
        [("ThreatOrganization", "Umbra"), ("Tool", "Hooky"), ("Target", "North Mill"), ("Asset", "10.1.2.3")],
        "Umbra ran Hooky. Owls of North Mill slept.",
    ),
    document(
        3,
        "zh",
        "砂狐团伙运行了石榴后门。澜江电力已报案。霜鹿运行了石榴后门。北原大学已报案。",
        [("ThreatOrganization", "砂狐团伙"), ("Tool", "石榴后门"), ("Target", "澜江电力"), ("Target", "北原大学")],
        "砂狐团伙运行了石榴后门。",
    ),
)  # fmt: skip
