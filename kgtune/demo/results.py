"""The demo's results as they are committed and as the READMEs show them: one file, one table in two languages.

Knows nothing about how they were measured. A test holds the READMEs' tables against the committed file.

    python -m kgtune.demo.results fine_tune_output/demo            show the table
    python -m kgtune.demo.results fine_tune_output/demo --write    keep it, and put it into both READMEs
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from kgtune import runs
from kgtune.errors import UserError, run_script
from kgtune.evaluation import wording
from kgtune.evaluation.overview import headline_rows
from kgtune.evaluation.wording import Words

Lang = Literal["en", "zh"]
ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "benchmarks" / "results" / "demo.json"
READMES: dict[Lang, str] = {"en": "README.md", "zh": "README.zh-CN.md"}
BEGIN = "<!-- results of make demo; python -m kgtune.demo.results fine_tune_output/demo --write -->"
END = "<!-- end of results -->"
SCHEMA_VERSION = 1
_FACTS = (
    "base_model", "split", "max_new_tokens", "config_sha256", "data_sha256", "ontology_sha256", "seed",
    "num_rows_trained_on", "git_sha", "versions", "device", "date",
)  # fmt: skip
_COLUMNS = {
    "before": Words("before", "微调前"),
    "few_shot": Words("before, with examples in the prompt", "微调前（提示中带示例）"),
    "after": Words("after", "微调后"),
    "after_constrained": Words("after, held to the grammar", "微调后（受语法约束）"),
}


def main() -> int:
    """Read a demo's results, show the table, and keep both where that is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m kgtune.demo.results", description=(__doc__ or "").partition(":")[0]
    )
    parser.add_argument("folder", type=Path, help="what make demo wrote: fine_tune_output/demo")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/demo.json and both READMEs")
    args = parser.parse_args()
    kept = summary(_read(args.folder / "evaluation_results.json"))
    print(table(kept, "en"))
    if args.write:
        texts = {path: replaced(path.read_text(encoding="utf-8"), table(kept, lang), path.name)
                 for lang, path in ((lang, ROOT / name) for lang, name in READMES.items())}  # fmt: skip
        runs.write_json_atomic(KEPT, kept)
        for path, text in texts.items():
            runs.write_text_atomic(path, text)
    return 0


def _read(path: Path) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror or error}. Run make demo first.") from None
    if "probes" not in result:
        raise UserError(f"{path}: was made by an earlier version. Run make demo again.")
    return result


def summary(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is committed of an evaluation: the headline's numbers, their intervals, and where they are from."""
    rows = headline_rows(result)
    return {
        "schema_version": SCHEMA_VERSION,
        "name": "demo",
        "command": "make demo",
        "num_documents": next(iter(result["columns"].values()))["num_documents"],
        "columns": list(result["columns"]),
        "metrics": {row.name: dict(row.values) for row in rows},
        "changes": {row.name: row.change for row in rows if row.change is not None},
        "languages": {
            lang: {
                name: {
                    metric: column["slices"]["language"][lang]["metrics"][metric]
                    for metric in ("entity_f1", "relationship_f1")
                }
                for name, column in result["columns"].items()
            }
            for lang in next(iter(result["columns"].values()))["slices"]["language"]
        },
        "probes": result["probes"],
        "seconds": {key: value for key, value in result["run"].items() if key.startswith("seconds_")},
        **{key: result[key] for key in _FACTS},
    }


def table(kept: Mapping[str, Any], lang: Lang) -> str:
    """Write the whole table in one language: a number, and its 95 % interval in brackets."""
    names = [str(getattr(_COLUMNS[name], lang)) for name in kept["columns"]]
    head = Words(f"{kept['num_documents']} held-out documents", f"{kept['num_documents']} 篇留出文档")
    lines = [f"| {getattr(head, lang)} | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for name, values in kept["metrics"].items():
        lines.append(f"| {getattr(wording.metric(name), lang)} | {_cells(values, kept)} |")
    for language, columns in kept["languages"].items():
        for metric in ("entity_f1", "relationship_f1"):
            values = {name: numbers[metric] for name, numbers in columns.items()}
            lines.append(f"| {language}: {getattr(wording.metric(metric), lang)} | {_cells(values, kept)} |")
    return "\n".join(lines)


def _cells(values: Mapping[str, Mapping[str, Any]], kept: Mapping[str, Any]) -> str:
    return " | ".join(_shown(values[name]) for name in kept["columns"])


def _shown(one: Mapping[str, Any]) -> str:
    if one["value"] is None:
        return "-"
    return f"{one['value']:.2f}" + ("" if one["low"] is None else f" ({one['low']:.2f}-{one['high']:.2f})")


def shown_in(readme: str) -> str | None:
    """Return the table that stands between a README's marks; None without marks."""
    _, begin, rest = readme.partition(BEGIN)
    inside, end, _ = rest.partition(END)
    return inside.strip() if begin and end else None


def replaced(readme: str, new: str, name: str) -> str:
    """Put a table between a README's marks."""
    if shown_in(readme) is None:
        raise UserError(f"{name}: has no marks for the table. Put these two lines where it belongs:\n{BEGIN}\n{END}")
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{new}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    sys.exit(run_script(main))
