"""The stages of convert_data.py --check and --fix: read, find, tell; and write a mended copy.

Knows nothing about what is checked or mended: the linter does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kgtune import config, lint, naming, ontology, runs, sources
from kgtune.errors import DataError
from kgtune.lint import mending
from kgtune.lint.report import Tally
from kgtune.settings import Config
from kgtune.sources import RawSet


def check(paths: Sequence[Path], raw_set: RawSet, cfg: Config) -> Tally:
    """Count everything that is wrong or suspicious in the inputs; nothing is written."""
    if missing := [problem for problem in raw_set.problems if problem.code == "E-NO-FILE"]:
        raise DataError(missing)
    seen = naming.seen(document.graph for document in raw_set.documents)
    chosen = ontology.choose(cfg.ontology, seen.labels, seen.types, seen.pairs)
    tally = Tally()
    for finding in lint.check(
        raw_set.documents,
        chosen,
        problems=raw_set.problems,
        repairs=raw_set.repairs,
        paths=sources.expand(paths),
    ):
        tally.add(finding)
    return tally


def write_report(target: Path, tally: Tally, paths: Sequence[Path], cfg: Config, *, strict: bool) -> None:
    """Write all findings for a machine, and what they were found in."""
    facts = {
        "config_sha256": config.config_hash(cfg),
        "inputs_sha256": {str(path): runs.file_hash(path) for path in sources.expand(paths)},
        **runs.provenance(),
    }
    runs.write_json_atomic(target, {**tally.as_object(strict=strict), **facts})


def fix(paths: Sequence[Path], cfg: Config) -> str:
    """Write a mended copy and a diff beside each input that has something to mend; say what was done."""
    files = sources.expand(paths)
    seen = mending.seen_in(files)
    chosen = ontology.choose(cfg.ontology, seen.labels, seen.types, seen.pairs)
    return "\n".join(_fixed(path, mending.mending(path, chosen)) for path in files)


def _fixed(path: Path, planned: mending.Mending | None) -> str:
    if planned is None:
        return f"{path}: left as it is. --fix mends JSON; this is none, or broken beyond a trailing comma: see --check."
    if not planned.findings:
        return f"{path}: nothing to mend, nothing written"
    target, difference = mending.write(planned)
    return f"{path} -> {target} ({difference.name}): {mending.summary(planned.findings)}"
