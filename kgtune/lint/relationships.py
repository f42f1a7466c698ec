"""Relationships of one document: type, ends, and whether the evidence bears them out.

Knows nothing about other documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kgtune import grounding
from kgtune.graph import Entity, Relationship
from kgtune.grounding import Haystack, Span, match_key
from kgtune.lint import names
from kgtune.lint.entities import absent
from kgtune.lint.findings import Finding, Place
from kgtune.lint.spans import Nearest, respelling
from kgtune.ontology import Ontology

_MOST_SENTENCES = 2
_HAN = re.compile("[\u3400-\u9fff]")
_INNER_END = re.compile(r"[.!?](?=\s)|[。！？\n](?=.)", re.DOTALL)
# What means a thing that was named before; "that" and "which" mostly join clauses, and count for nothing.
_ANAPHOR = re.compile(
    r"\b(?:[Ii]ts?|(?i:they|them|their|he|him|his|she|her|this|these|those|both))\b|^The\b"
    r"|[该此它这]|其(?![他它余中实次])|两者|二者|他们|后者|前者"
)
_AROUND = 400  # characters before and behind evidence, among which its sentence is looked for
_IN_BRACKETS = r"[(（]\s*(?:又名|别名|亦称|又称|也称|a\.?k\.?a\.?|also known as|alias)?\s*([^()（）]{2,60}?)\s*[)）]"
_BEFORE_SENTENCE = " \t\n\u3000。！？”』"


def findings(edge: Relationship, ends: tuple[Entity, Entity], place: Place, ontology: Ontology) -> Iterator[Finding]:
    """Yield what is wrong with one relationship's type and ends."""
    if edge.source == edge.target:
        yield Finding("W-SELF-LOOP", place, edge.source, facts={"type": edge.type})
    elif ontology.is_legal(ends[0].labels, edge.type, ends[1].labels):
        return
    kind = ontology.canonical_type(edge.type)
    if kind != edge.type:
        yield names.relation_type(edge.type, place.at(f"{place.path}.type"), ontology)
    if kind is None:
        return
    labels = [ontology.canonical_label(end.labels) for end in ends]
    if edge.source != edge.target and labels[0] and labels[1]:
        yield from _pair(kind, labels[0], labels[1], place, ontology)


def _pair(kind: str, source: str, target: str, place: Place, ontology: Ontology) -> Iterator[Finding]:
    if ontology.is_legal(source, kind, target):
        return
    facts = {"type": kind, "source": source, "target": target}
    if ontology.is_legal(target, kind, source):
        yield Finding("W-PAIR-REVERSED", place, f"{source} {kind} {target}", f"{target} {kind} {source}", facts)
        return
    others = ontology.types_between(source, target)
    yield Finding("W-PAIR", place, f"{source} {kind} {target}", " / ".join(others[:4]), facts)


def evidence_findings(
    edge: Relationship,
    ends: tuple[tuple[Entity, Span | None], tuple[Entity, Span | None]],
    place: Place,
    haystack: Haystack,
    lang: str,
    nearest: Nearest,
) -> Iterator[Finding]:
    """Yield what is wrong with a relationship's evidence. `ends`: both entities, each with its first mention."""
    place = place.at(f"{place.path}.evidence")
    evidence = edge.evidence
    if not evidence:
        yield Finding("N-NO-EVIDENCE", place, edge.type)
        return
    span = None if evidence in haystack.text else haystack.first(evidence)
    if span is None and evidence not in haystack.text:
        yield _absent_evidence(evidence, place, haystack, lang, nearest)
        return
    if span is not None:
        yield from _spelling(evidence, span, place, haystack)
    yield from _length(evidence, place, haystack.text)
    yield from _ends_in(evidence, ends, place, haystack.text)


def _absent_evidence(evidence: str, place: Place, haystack: Haystack, lang: str, nearest: Nearest) -> Finding:
    """Tell a translation from a paraphrase; the language is asked for only where the scripts differ."""
    if (_HAN.search(evidence) is None) == (lang == "zh"):
        languages = {"evidence": grounding.language_of(evidence), "text": lang}
        if set(languages.values()) == {"zh", "en"}:
            return Finding("W-EVIDENCE-LANGUAGE", place, evidence, facts=languages)
    return absent("W-EVIDENCE", evidence, place, haystack.text, nearest)


def _spelling(evidence: str, span: Span, place: Place, haystack: Haystack) -> Iterator[Finding]:
    spelt = haystack.text[span.start : span.end]
    where = {"start": span.start, "end": span.end}
    if (fixed := respelling(evidence, haystack, span)) is not None:
        yield Finding("W-EVIDENCE-SPELLING", place, evidence, fixed, where)
    elif spelt != evidence:
        code = "N-EVIDENCE-REFANGED" if span.level == "refanged" else "N-EVIDENCE-FOLDED"
        yield Finding(code, place, evidence, spelt, where)


def _length(evidence: str, place: Place, text: str) -> Iterator[Finding]:
    """Sentences are split only where there can be as many: most evidence has no stop inside."""
    num_ends = len(_INNER_END.findall(evidence))
    if num_ends >= _MOST_SENTENCES and (number := _num_sentences(evidence)) > _MOST_SENTENCES:
        yield Finding("W-EVIDENCE-LONG", place, evidence, facts={"number": number})
    elif num_ends and evidence == text.strip() and _num_sentences(evidence) > 1:
        yield Finding("W-EVIDENCE-WHOLE", place, evidence)


def _num_sentences(text: str) -> int:
    """Count sentences; a dot inside a name ("TEMP.Veles") ends none."""
    starts = [span.start for span in grounding.sentences(text)]
    return sum(start == 0 or text[start - 1] in _BEFORE_SENTENCE for start in starts)


def _ends_in(
    evidence: str, ends: tuple[tuple[Entity, Span | None], tuple[Entity, Span | None]], place: Place, text: str
) -> Iterator[Finding]:
    """A name that the text does not hold at all is another finding: only those that it holds can be asked for."""
    missing = {
        entity.id: entity.name
        for entity, span in ends
        if span is not None and entity.name not in evidence and not _names_it(evidence, entity.name)
    }
    if len(missing) > 1:
        yield Finding("W-EVIDENCE-ENDS", place, evidence, facts=_names(missing))
    elif missing and not _stands_for(evidence, next(iter(missing.values())), text):
        yield Finding("N-EVIDENCE-END", place, evidence, facts=_names(missing))


def _stands_for(evidence: str, name: str, text: str) -> bool:
    """Say whether something in or around the evidence means a name that it does not hold.

    That is a pronoun or "the group", another name that the text gives in brackets behind the name, or the name itself
    in the rest of the sentence that the evidence is cut from: a Chinese clause need not say its subject again.
    """
    if _ANAPHOR.search(evidence):
        return True
    others = [match[1] for match in re.finditer(rf"{re.escape(name)}\s?{_IN_BRACKETS}", text)]
    if any(other and _names_it(evidence, other) for other in others):
        return True
    at = text.find(evidence)
    before = max(0, at - _AROUND)
    around = text[before : at + len(evidence) + _AROUND]
    spans = [span for span in grounding.sentences(around) if span.start <= at - before < span.end]
    return at >= 0 and any(_names_it(around[span.start : span.end], name) for span in spans)


def _names_it(evidence: str, name: str) -> bool:
    """Look for a name in any spelling: folded, and with indicators refanged."""
    return grounding.refang(match_key(name)) in grounding.refang(match_key(evidence))


def _names(missing: Mapping[str, str]) -> dict[str, object]:
    return {"names": " / ".join(missing.values())}
