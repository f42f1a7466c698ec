"""brat's standoff pairs: a .txt file with the text, and an .ann file beside it with what is marked in it.

Knows nothing about other formats. brat counts code points, and CRLF as one character; each mark repeats the
text it covers, and is believed only where the two agree. Every line of an .ann file is read or counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kgtune import grounding
from kgtune.errors import Problem
from kgtune.sources import mentions
from kgtune.sources.decoding import read_text
from kgtune.sources.findings import Findings, RawDocument, UnreadableError
from kgtune.sources.head import Head
from kgtune.sources.mentions import Annotation, Link, Mention
from kgtune.sources.passage import Passage, Place
from kgtune.sources.reader import Options
from kgtune.sources.texts import identity_of

_TEXT_BOUND = re.compile(r"(?P<label>\S+) (?P<spans>\d+ \d+(?:;\d+ \d+)*)")
_IGNORED = {"A": "attribute", "M": "attribute", "N": "link to a database", "#": "note"}
_NEGATIONS = frozenset({"negation", "negated", "speculation", "speculated"})


@dataclass(slots=True)
class _Lines:
    """The lines of an .ann file by what they are; `triggers`: the mention that an event stands for."""

    annotation: Annotation = field(default_factory=Annotation)
    triggers: dict[str, str] = field(default_factory=dict)
    event_links: list[tuple[str, Link]] = field(default_factory=list)
    relation_links: list[tuple[str, Link]] = field(default_factory=list)
    negated: set[str] = field(default_factory=set)
    notes: dict[str, list[str]] = field(default_factory=dict)


def recognises(head: Head) -> bool:
    """Tell an annotation file by its ending."""
    return head.suffix == ".ann"


def documents(path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
    """Read the pair that `path`, an .ann file, is a part of: one document."""
    text_path = path.with_suffix(".txt")
    if not text_path.is_file():
        what = f"has no text: {text_path} does not exist."
        raise UnreadableError(Problem("E-NO-FILE", str(path), what, "Put the .txt file beside it."))
    lines = read_text(path, findings).split("\n")
    raw = read_text(text_path, findings, keep_line_ends=True)
    findings.counts["read"] += 1
    if not any(lines):
        # brat makes an empty .ann for every text that is opened for the first time.
        findings.dropped("brat: empty .ann file: the text may not have been annotated")
        return
    passage = Passage(raw)
    before = len(findings.problems)
    annotation = _annotation(path, lines, passage, findings)
    graph = None
    if len(findings.problems) == before:
        graph = mentions.graph(passage, annotation, options.default_confidence, findings)
    if graph is None:
        findings.dropped(findings.problems[before].code)
    elif not graph.entities:
        findings.dropped("brat: .ann file without a mark in the text")
    else:
        identity = identity_of(path, passage.text)
        language = grounding.language_of(passage.text)
        yield RawDocument(identity, identity, passage.text, graph, language, where=f"{path} (id={identity})")


def _annotation(path: Path, lines: list[str], passage: Passage, findings: Findings) -> Annotation:
    read = _Lines()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            _read_line(line, f"{path}:{number}", passage, read, findings)
    annotation = read.annotation
    for identity, link in (*read.relation_links, *read.event_links):
        if identity in read.negated:
            findings.note("relationship left out: negated or speculative")
            continue
        source, target = (read.triggers.get(end, end) for end in (link.source, link.target))
        annotation.links.append(Link(link.type, source, target, link.where))
    annotation.mentions = [_with_notes(mention, read.notes) for mention in annotation.mentions]
    return annotation


def _with_notes(mention: Mention, notes: dict[str, list[str]]) -> Mention:
    told = " ".join(notes.get(mention.key, ()))
    return Mention(mention.key, mention.label, mention.where, mention.parts, description=told)


def _read_line(line: str, where: str, passage: Passage, read: _Lines, findings: Findings) -> None:
    identity, _, rest = line.partition("\t")
    kind = identity[:1]
    if kind == "T":
        mention = _mention(identity, rest, where, passage, findings)
        if mention is not None:
            read.annotation.mentions.append(mention)
    elif kind == "R":
        _read_relation(identity, rest, where, read, findings)
    elif kind == "E":
        _read_event(identity, rest, where, read, findings)
    elif kind == "*":
        read.annotation.same.append(rest.split()[1:])
        findings.note("brat line read: equivalence")
    elif kind == "#" and rest.startswith("AnnotatorNotes T"):
        target, _, text = rest.removeprefix("AnnotatorNotes ").partition("\t")
        read.notes.setdefault(target.strip(), []).append(text.strip())
        findings.note("brat line read: note, as a description")
    elif kind in _IGNORED:
        _read_aside(kind, rest, read, findings)
    else:
        findings.problem(
            "E-ANN", where, f'"{line[:60]}" is no line of brat.', "Give lines of T, R, E, A, M, N, * or #."
        )


def _mention(identity: str, rest: str, where: str, passage: Passage, findings: Findings) -> Mention | None:
    head, _, surface = rest.partition("\t")
    match = _TEXT_BOUND.fullmatch(head.strip())
    if match is None:
        findings.problem("E-ANN", where, f'"{head}" is no label with its span.', "Write `T1<tab>Label 0 4<tab>text`.")
        return None
    spans = [tuple(map(int, span.split())) for span in match["spans"].split(";")]
    parts = _parts(passage, [(start, end) for start, end in spans], surface, findings)
    if parts is None:
        there = " ".join(passage.raw[start:end] for start, end in spans)
        what = f'{identity} should read "{surface}"; the text there reads "{there[:60]}", and has it nowhere.'
        findings.problem("E-SPAN", where, what, "Mark it again, or correct its span.")
        return None
    findings.note("brat line read: mark")
    return Mention(identity, match["label"], where, parts)


def _parts(
    passage: Passage, spans: list[tuple[int, int]], surface: str, findings: Findings
) -> tuple[Place, ...] | None:
    """Return where the spans stand; of several, each is checked against its share of the surface."""
    rest = surface if surface.strip() else None
    places = []
    for number, (start, end) in enumerate(spans):
        if rest is None:
            place = passage.place(start, end)
            how = ""
        else:
            share = rest if number == len(spans) - 1 else rest[: end - start]
            rest = rest[end - start :].removeprefix(" ")
            found = passage.find(start, end, share)
            place, how = (found.place, found.how) if found else (None, "")
        if place is None:
            return None
        if how:
            findings.note(f"span read by {how}")
        places.append(place)
    return tuple(sorted(places))


def _read_relation(identity: str, rest: str, where: str, read: _Lines, findings: Findings) -> None:
    kind, *arguments = rest.split() or [""]
    ends = [argument.partition(":")[2] for argument in arguments]
    if len(ends) != 2 or not all(ends):
        findings.problem("E-ANN", where, f'"{rest}" is no relation.', "Write `R1<tab>Type Arg1:T1 Arg2:T2`.")
        return
    findings.note("brat line read: relation")
    read.relation_links.append((identity, Link(kind, ends[0], ends[1], where)))


def _read_event(identity: str, rest: str, where: str, read: _Lines, findings: Findings) -> None:
    """Read an event: its trigger is an entity, and each of its roles a relationship from there."""
    (_, _, trigger), *roles = (part.partition(":") for part in rest.split() or [""])
    if not trigger or not all(target for _, _, target in roles):
        findings.problem("E-ANN", where, f'"{rest}" is no event.', "Write `E1<tab>Type:T1 Role:T2`.")
        return
    findings.note("brat line read: event")
    read.triggers[identity] = trigger
    for role, _, target in roles:  # a second argument of one role is written Role2
        read.event_links.append((identity, Link(role.rstrip("0123456789") or role, identity, target, where)))


def _read_aside(kind: str, rest: str, read: _Lines, findings: Findings) -> None:
    name, *targets = rest.partition("\t")[0].split()[:2] or [""]
    if kind in ("A", "M") and name.casefold() in _NEGATIONS:
        read.negated.update(targets)
    findings.note(f"brat line ignored: {_IGNORED[kind]}" + (f" {name}" if kind in ("A", "M") else ""))
