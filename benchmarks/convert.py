"""How fast convert_data.py is, in how much memory, and what it keeps that a naive converter loses.

Writes invented reports (seeded; median at least 800 characters and 6 entities, Chinese and English) and converts them
in turn: plain, with all five augmentations, by a naive converter (naive.py), and through json.loads + json.dumps alone.

    python benchmarks/convert.py              1,000 documents, three runs: two minutes
    python benchmarks/convert.py --full       1,000, 10,000 and 100,000 documents: half an hour
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import invented
from harness import Measured, measure, median, result

SEED = 20_261
RUNS = {1_000: 3, 10_000: 3, 100_000: 1}
OPERATIONS = ("synonyms", "order", "affixes", "empties", "entities")
PLAIN = tuple(f"augmentation.{name}.enabled=false" for name in OPERATIONS)
GOALS = {"peak_mib": 1024, "times_of_10000": 11, "plain_per_s": 1500, "augmented_per_s": 400}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="10,000 and 100,000 documents as well")
    parser.add_argument("--sizes", type=int, nargs="+", help="other numbers of documents")
    parser.add_argument("--json-alone", nargs=2, metavar=("IN", "OUT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.json_alone:
        return json_alone(*map(Path, args.json_alone))
    sizes = args.sizes or (list(RUNS) if args.full else [1_000])
    results: list[dict[str, Any]] = []
    seconds: dict[tuple[int, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            results += compare(size, Path(folder), seconds)
    goals = against_goals(seconds, results) if {10_000, 100_000} <= set(sizes) else {}
    harness.finish("convert", results, max(RUNS.get(size, 1) for size in sizes), goals=goals)
    return 0


def compare(size: int, folder: Path, seconds: dict[tuple[int, str], float]) -> list[dict[str, Any]]:
    """Convert the same documents each way, in turn, as often as RUNS says."""
    source = folder / f"reports-{size}.jsonl"
    invented.write(source, SEED, size)
    told = describe(source)
    print(f"\n{size:,} documents, {told}; load {os.getloadavg()[0]:.1f}", flush=True)
    found: dict[str, list[Measured]] = {}
    for _ in range(RUNS.get(size, 1)):
        for name, command in commands(source, folder).items():
            found.setdefault(name, []).append(measure(command))
    rows = []
    for name, measured in found.items():
        seconds[size, name] = median(one.wall_s for one in measured)
        peak = median(one.peak_mib for one in measured)
        cpu = median(one.cpu_s for one in measured)
        slower = seconds[size, name] / seconds[size, "json"]
        rows.append(
            [
                name,
                f"{size / seconds[size, name]:,.0f}",
                f"{seconds[size, name]:.2f}",
                f"{cpu:.2f}",
                f"{peak:,.0f}",
                f"{slower:.1f}",
            ]
        )
    harness.print_table(["", "documents/s", "wall s", "CPU s", "peak MiB", "x json"], rows)
    results = [*speeds(size, found), *kept_names(size, source, folder)]
    source.unlink()
    return results


def commands(source: Path, folder: Path) -> dict[str, list[str]]:
    """Return what is run, by name; json comes first, since the others are told in multiples of it."""
    python, here = sys.executable, Path(__file__).resolve()
    ours = [python, str(harness.ROOT / "convert_data.py"), str(source), "-o"]
    return {
        "json": [python, str(here), "--json-alone", str(source), str(folder / "json.jsonl")],
        "naive": [python, str(here.with_name("naive.py")), str(source), str(folder / "naive.json")],
        "plain": [*ours, str(folder / "plain.json"), *PLAIN],
        "augmented": [*ours, str(folder / "augmented.json")],
    }


def json_alone(source: Path, target: Path) -> int:
    """Read and write the documents, and nothing else."""
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps(json.loads(line), ensure_ascii=False) + "\n")
    return 0


def describe(source: Path) -> str:
    """Say what the documents are like, and hold them to what the benchmark promises."""
    characters: dict[str, list[int]] = {"en": [], "zh": []}
    entities: dict[str, list[int]] = {"en": [], "zh": []}
    with source.open(encoding="utf-8") as lines:
        for item in map(json.loads, lines):
            characters[item["lang"]].append(len(item["text"]))
            entities[item["lang"]].append(len(item["entities"]))
    told = []
    for lang, found in characters.items():
        median_chars, median_entities = statistics.median(found), statistics.median(entities[lang])
        assert median_chars >= 800, (lang, median_chars)
        assert median_entities >= 6, (lang, median_entities)
        told.append(f"{lang} {len(found):,} (median {median_chars:.0f} characters, {median_entities:.0f} entities)")
    return ", ".join(told)


def speeds(size: int, found: dict[str, list[Measured]]) -> Iterator[dict[str, Any]]:
    for ours in ("plain", "augmented"):
        for peer in ("json", "naive"):
            one, other = ([size / measured.wall_s for measured in found[name]] for name in (ours, peer))
            yield result(peer, f"documents per second, {ours}, {size}", one, other, more_is_better=True)
        one, other = ([measured.peak_mib for measured in found[name]] for name in (ours, "naive"))
        yield result("naive", f"peak MiB, {ours}, {size}", one, other, more_is_better=False)


def kept_names(size: int, source: Path, folder: Path) -> list[dict[str, Any]]:
    """Count what variants lost: names of their graphs that stood in the document and do not stand in the variant."""
    files = [folder / "augmented.json", folder / "naive.json"]
    lost = [lost_names(source, file) for file in files]
    leaked = [leak_rate(file) for file in files]
    for told, part, whole in (
        ("names lost in variants", "lost", "names"),
        ("variants that lost one", "hit", "variants"),
    ):
        ours, naive = (f"{found[part]:,} of {found[whole]:,}" for found in lost)
        print(f"  {told}: ours {ours}, naive {naive}")
    print(f"  test rows whose document is in train as well: ours {leaked[0]:.1%}, naive {leaked[1]:.1%}")
    kept = {
        "share of names kept in variants": [1 - found["lost"] / found["names"] for found in lost],
        "share of variants that kept every name": [1 - found["hit"] / found["variants"] for found in lost],
        "share of test rows whose document is not in train": [1 - rate for rate in leaked],
    }
    return [
        result("naive", f"{metric}, {size}", [ours], [theirs], more_is_better=True)
        for metric, (ours, theirs) in kept.items()
    ]


def lost_names(source: Path, target: Path) -> dict[str, int]:
    """Look for each name as it is written, without any help of our own code."""
    with source.open(encoding="utf-8") as lines:
        texts = {item["id"]: item["text"] for item in map(json.loads, lines)}
    counts = {"names": 0, "lost": 0, "variants": 0, "hit": 0}
    for row in rows_of(target):
        if not row["aug"] or row["aug"] == "empties":
            continue
        names = [entity["name"] for entity in json.loads(row["output"])["entities"]]
        before, after = texts[row["doc_id"]].casefold(), row["input"].casefold()
        # A renamed entity has another name than its document's: it must stand in the variant all the same.
        asked = [name for name in names if row["aug"] == "entities" or name.casefold() in before]
        lost = sum(not stands(name, after) for name in asked)
        counts["names"] += len(asked)
        counts["lost"] += lost
        counts["variants"] += 1
        counts["hit"] += lost > 0
    return counts


def stands(name: str, text: str) -> bool:
    return name.casefold() in text


def leak_rate(target: Path) -> float:
    """Return the share of test rows whose document has a train row as well."""
    splits: dict[str, set[str]] = {}
    test: list[str] = []
    for row in rows_of(target):
        splits.setdefault(row["doc_id"], set()).add(row["split"])
        test += [row["doc_id"]] if row["split"] == "test" and row["aug"] != "empties" else []
    return sum("train" in splits[doc_id] for doc_id in test) / max(1, len(test))


def rows_of(target: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file that has one a line, or of any JSON array."""
    with target.open(encoding="utf-8") as lines:
        if next(lines).strip() == "[" and (first := next(lines)).startswith('{"input"'):
            yield json.loads(first.rstrip(",\n"))
            yield from (json.loads(line.rstrip(",\n")) for line in lines if line.startswith("{"))
            return
    yield from json.loads(target.read_text(encoding="utf-8"))


def against_goals(seconds: dict[tuple[int, str], float], results: list[dict[str, Any]]) -> dict[str, Any]:
    """Set what was measured at 100,000 documents beside what was asked."""
    peaks = [one["ours"] for one in results if one["metric"].startswith("peak") and one["metric"].endswith("100000")]
    measured = {
        "peak_mib": max(peaks),
        "times_of_10000": max(seconds[100_000, name] / seconds[10_000, name] for name in ("plain", "augmented")),
        "plain_per_s": 100_000 / seconds[100_000, "plain"],
        "augmented_per_s": 100_000 / seconds[100_000, "augmented"],
    }
    print()
    harness.print_table(
        ["at 100,000 documents", "goal", "measured"],
        [[key, GOALS[key], f"{value:,.1f}"] for key, value in measured.items()],
    )
    return {key: {"goal": GOALS[key], "measured": round(value, 1)} for key, value in measured.items()}


if __name__ == "__main__":
    sys.exit(main())
