"""Graphs to export: one of everything that must be escaped, and random ones. All actors are invented."""

from __future__ import annotations

from hypothesis import strategies as st

from kgtune import ontology
from kgtune.graph import Entity, Graph, Relationship

HOSTILE = (
    "O'Neil \"quoted\"", "'}) DETACH DELETE n //", "`) DELETE n //", "\\", "C:\\users\\u0027 OR 1", "a\\'b", "</script><script>alert(1)</script>",
    "]]>", "<!-- -->", "&amp; &lt;", "line\none", "tab\there", "car\r\nriage", "\x00\x01\x08\x0b\x0c\x1f\x7f", "next\x85\u2028\u2029line", "\ufffe\uffff",
    "=cmd|' /C calc'!A0", "+1", "-enc AAAA", "@sum(1)", "海莲花 “木马” 。", "😀👩\u200d💻", "e\u0301", "\u202e txt.exe", "{{ 7*7 }}", "{% raw %}", "$0", "%s",
    "evil[.]example", "hxxps://evil[.]example/a?b='c'&d", "198[.]51[.]100[.]7", "CVE-2031-10452", "T1566.001", "0" * 64, "a" * 3000,
)  # fmt: skip
HOSTILE_TEXT = "\n".join(HOSTILE)
HOSTILE_GRAPH = Graph(
    tuple(Entity(HOSTILE[n % 7] if n % 2 else "Tool", f"e{n}", name, name) for n, name in enumerate(HOSTILE)),
    tuple(
        Relationship(HOSTILE[n % 5] if n % 2 else "USE", f"e{n}", f"e{(n * 7 + 1) % len(HOSTILE)}", 0.25, evidence)
        for n, evidence in enumerate(HOSTILE)
    ),
)

_LETTERS = st.characters(exclude_categories=["Cs"])
_NAMES = st.one_of(
    st.sampled_from(HOSTILE), st.sampled_from(["GlassViper", "NightLoom", "中国", "Initial Access", "初始访问", "evil.example", "10.0.0.1", "2001:db8::1",
    "me@lantern.example", "AS64500", "HKLM\\Software\\Run", "C:\\Temp\\run.exe", "loader.exe", "00:11:22:33:44:55", "d41d8cd98f00b204e9800998ecf8427e"]),
    st.text(_LETTERS, min_size=1, max_size=20).filter(str.strip),
)  # fmt: skip
_TEXTS = st.one_of(st.just(""), st.sampled_from(HOSTILE), st.text(_LETTERS, max_size=20))


@st.composite
def graphs(draw: st.DrawFn, name: str | None = None) -> Graph:
    """Draw a closed graph over the names of a shipped ontology, of both, or of its own."""
    names = draw(st.sampled_from(["threat_event", "stix21"])) if name is None else name
    known = ontology.load(names)
    labels, types = st.sampled_from(known.label_names), st.sampled_from(known.type_names)
    entities = tuple(
        Entity(draw(labels), f"e{number}", draw(_NAMES), draw(_TEXTS)) for number in range(draw(st.integers(0, 6)))
    )
    ends = st.sampled_from([entity.id for entity in entities] or ["none"])
    confidence = st.floats(0, 1, allow_nan=False)
    number = draw(st.integers(0, 6)) if entities else 0
    edges = tuple(
        Relationship(draw(types), draw(ends), draw(ends), draw(confidence), draw(_TEXTS)) for _ in range(number)
    )
    return Graph(entities, edges)
