"""What the readers found, as findings: their places read, their values and nearest candidates picked out.

Knows nothing about formats: a reader's sentence that the catalogue does not know is shown as it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from kgtune.errors import Problem
from kgtune.lint import catalogue, syntax
from kgtune.lint.catalogue import DETAIL, READERS_FIX
from kgtune.lint.files import SourceText, read_source
from kgtune.lint.findings import Finding, read_place

_NEAREST = re.compile(r'\s*Did you mean "?(?P<nearest>[^"]+?)"?\?$')
_BROKEN = ("E-JSON", "E-CUT-OFF")
EXCERPT, GUESS = "excerpt", "guess"


def finding(problem: Problem) -> Finding:
    """Make a finding of a reader's problem or repair."""
    what, nearest = problem.what, ""
    if match := _NEAREST.search(what):
        what, nearest = what[: match.start()], match["nearest"]
    elif match := _NEAREST.search(problem.fix):
        nearest = match["nearest"]
    facts: dict[str, object] = dict(catalogue.groups(problem.code, what) or {})
    value = str(facts.pop("value", ""))
    facts[DETAIL] = what
    if not problem.code.startswith("F-"):  # of a repair the catalogue says better what to do
        facts[READERS_FIX] = problem.fix
    return Finding(problem.code, read_place(problem.where), value, nearest, facts)


class Excerpts:
    """Adds to syntax errors what stands there and what it may have been meant to be, for the first of them."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._source: tuple[str, SourceText | None] = ("", None)

    def added(self, broken: Finding) -> Finding:
        """Return the finding with an excerpt, when it is a syntax error and its file can be read."""
        if broken.code not in _BROKEN or not broken.place.line or self._left == 0:
            return broken
        self._left -= 1
        if self._source[0] != broken.place.file:
            self._source = (broken.place.file, read_source(Path(broken.place.file)))
        source = self._source[1]
        shown = syntax.excerpt(source, broken.place.line) if source else None
        if shown is None:
            return broken
        return replace(broken, facts={**broken.facts, EXCERPT: shown.lines, GUESS: shown.guess})
