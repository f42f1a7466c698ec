"""The linter: everything that is wrong or suspicious in raw graphs, where, and what to do; and what it can mend.

Knows nothing about training. Errors make an item unusable; warnings are worth a look; notes are there to be known.

    document    checks of one document: `check_document` yields its findings
    names       labels and types that the ontology lacks  strangers  these alone, as a conversion refuses them
    corpus      contradictions between documents          mentions   what was likely missed
    leaks       near duplicates in two splits             rawchecks  keys, ids and scales in the raw items
    remainder   the rest of an item that has an error
    readers     what the readers found                    syntax     broken JSON, shown
    mending     lossless edits of the user's own text     places     the very line of a finding
    catalogue   the words of every code, in two languages (messages.toml, CODES.md)
    report      findings as text and as plain values
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from kgtune.errors import Problem
from kgtune.graph import Graph
from kgtune.lint import leaks, mending, rawchecks, remainder
from kgtune.lint.catalogue import language
from kgtune.lint.corpus import Corpus
from kgtune.lint.document import LengthLimit, check_document
from kgtune.lint.findings import Finding, Once, Place, key_of, read_place
from kgtune.lint.mentions import MissedMentions
from kgtune.lint.places import Locator
from kgtune.lint.readers import Excerpts
from kgtune.lint.readers import finding as from_problem
from kgtune.lint.spans import Nearest
from kgtune.ontology import Ontology
from kgtune.sources import Partial, RawDocument

__all__ = ["Finding", "LengthLimit", "Place", "at_own_lines", "check", "check_document", "from_problem", "language"]

_MOST_EXCERPTS = 20


def check(  # noqa: PLR0913 - documents, and what reading them has left
    documents: Iterable[RawDocument],
    ontology: Ontology,
    *,
    problems: Iterable[Problem] = (),
    repairs: Iterable[Problem] = (),
    partials: Iterable[Partial] = (),
    paths: Iterable[Path] = (),
    length_limit: LengthLimit | None = None,
) -> Iterator[Finding]:
    """Yield everything found, file by file. `documents` is gone through three times and never held.

    `problems` are the readers', `partials` what they could read of the items that have these, and `repairs` those of
    files that are no JSON; `paths` are the files, looked at again for what a reader does not keep.
    """
    excerpts = Excerpts(_MOST_EXCERPTS)
    locator = Locator()
    told: set[tuple[str, int, str]] = set()
    for problem in problems:
        found = from_problem(problem)
        told.add((found.place.file, found.place.record, found.place.path))
        yield excerpts.added(replace(found, place=locator.as_read(found.place)))
    yield from remainder.findings(partials, ontology, told)
    fixable: set[tuple[str, str, int, str]] = set()
    for path in paths:
        planned = mending.mending(path, ontology)
        of_file = [*(planned.findings if planned else ()), *rawchecks.findings(path)]
        fixable |= {key_of(finding) for finding in of_file if finding.is_fixable}
        of_file = [f for f in of_file if f.code != "W-KEY" or (f.place.file, f.place.record, f.place.path) not in told]
        yield from (finding for finding in of_file if finding.code not in _SAID_BY_DOCUMENTS)
    yield from (from_problem(repair) for repair in repairs)
    for finding in _of_documents(documents, ontology, length_limit):
        yield replace(finding, is_fixable=True) if key_of(finding) in fixable else finding


def at_own_lines(problems: Iterable[Problem]) -> list[Problem]:
    """Give the readers' problems the lines of their values, where they have those of whole items."""
    locator = Locator()
    found = []
    for problem in problems:
        place = read_place(problem.where)
        head, line = f"{place.file}:{place.line}:", locator.as_read(place).line
        where = f"{place.file}:{line}:{problem.where[len(head) :]}" if problem.where.startswith(head) else problem.where
        found.append(replace(problem, where=where))
    return found


# Found in every format by the documents' own checks; that --fix can mend them here is all that the plan adds.
_SAID_BY_DOCUMENTS = frozenset({"W-LABEL-SPELLING", "W-TYPE-SPELLING", "W-NAME-SPELLING", "W-EVIDENCE-SPELLING"})


def _of_documents(
    documents: Iterable[RawDocument], ontology: Ontology, length_limit: LengthLimit | None
) -> Iterator[Finding]:
    corpus, mentions = Corpus(ontology), MissedMentions(ontology)
    for document in documents:
        corpus.add(document)
        mentions.learn(document)
    by_document: dict[int, list[Finding]] = {}
    for number, finding in corpus.findings():
        by_document.setdefault(number, []).append(finding)
    locator, nearest, once = Locator(), Nearest(), Once()
    for number, document in enumerate(documents):
        mentions.scan(document)
        found = [*check_document(document, ontology, length_limit=length_limit, nearest=nearest)]
        found += by_document.get(number, ())
        yield from once.each(_located(finding, locator, document.graph) for finding in found)
    yield from by_document.get(corpus.NOWHERE, ())
    for finding in (*mentions.findings(), *leaks.findings(documents)):
        yield _located(finding, locator, None)


def _located(finding: Finding, locator: Locator, graph: Graph | None) -> Finding:
    return replace(finding, place=locator.located(finding.place, graph))
