"""What each part of the demo is worth: augmentation, 4 bits, rank, and the number of annotated documents.

    python benchmarks/ablations.py                         all arms, three seeds each; goes on where it was stopped
    python benchmarks/ablations.py --arm "r 4" --seed 1    one run
    python benchmarks/ablations.py --short                 fewer steps and documents: shows that it works, says little
    python benchmarks/ablations.py --table                 the table of what has been run so far

Each run converts and fine-tunes as `--profile demo` does, and measures the tuned model's free answers on the held-out
documents. It is a process of its own; what it answered is kept under fine_tune_output/ablations/ and is not made again.
Prints a table for people and, last, one JSON object, which benchmarks/results/ablations.json keeps, too.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ablation_table
import harness
from ablation_arms import ARMS, BASELINE, Arm, fingerprint, overrides

from kgtune import config, graph, ontology, runs
from kgtune.scoring.documents import Judged

CORPUS = harness.ROOT / "kgtune" / "demo" / "corpus.jsonl"
KEPT = harness.ROOT / "fine_tune_output" / "ablations"
RESULTS = harness.ROOT / "benchmarks" / "results"
SEEDS = (1, 2, 3)


def main() -> int:
    args = _arguments()
    if args.make:
        _make(ARMS[args.arm[0]], args.seed[0], short=args.short)
        return 0
    wanted = [] if args.table else [(ARMS[name], seed) for seed in args.seed for name in args.arm]
    for number, (arm, seed) in enumerate(wanted):
        done = _run(arm, seed, short=args.short)
        print(f"{number + 1}/{len(wanted)} {arm.name}, seed {seed}: {done}", file=sys.stderr, flush=True)
    _print(short=args.short)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--arm", action="append", choices=list(ARMS), help="only this arm; may be given several times")
    parser.add_argument("--seed", action="append", type=int, help="only this seed; default: 1, 2 and 3")
    parser.add_argument("--short", action="store_true", help="80 steps, 40 documents; kept apart from the full runs")
    parser.add_argument("--table", action="store_true", help="run nothing, print the table of what is kept")
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)  # what a run's own process is told
    args = parser.parse_args()
    args.arm, args.seed = args.arm or list(ARMS), args.seed or list(SEEDS)
    return args


def _path(arm: Arm, seed: int, *, short: bool) -> Path:
    return KEPT / ("short" if short else "full") / f"{arm.slug}.seed{seed}.json"


def _run(arm: Arm, seed: int, *, short: bool) -> str:
    """Make one run in a process of its own, unless it is kept; say what was done."""
    if _kept(arm, seed, short=short) is not None:
        return "kept"
    form = ["--short"] if short else []
    command = [sys.executable, __file__, "--make", "--arm", arm.name, "--seed", str(seed), *form]
    started = time.monotonic()
    done = subprocess.run(command, cwd=harness.ROOT, check=False)
    if done.returncode != 0:
        sys.exit(f"{arm.name}, seed {seed}: exit {done.returncode}; its messages stand above. Start again to go on.")
    return f"made in {time.monotonic() - started:.0f} s"


def _kept(arm: Arm, seed: int, *, short: bool) -> dict[str, Any] | None:
    """Read a kept run; None where there is none, or one of other settings or documents."""
    path = _path(arm, seed, short=short)
    if not path.exists():
        return None
    run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return run if run["fingerprint"] == fingerprint(arm, seed, runs.file_hash(CORPUS), short=short) else None


def _make(arm: Arm, seed: int, *, short: bool) -> None:
    """Convert, fine-tune, answer, and keep the answers."""
    from kgtune.training import measuring, preparing, training, tuning

    logging.basicConfig(format="%(message)s")  # a run takes minutes: its steps are told on stderr
    logging.getLogger("kgtune").setLevel(logging.INFO)
    folder = _path(arm, seed, short=short).with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    words = [
        *overrides(arm, seed, short=short),
        f"data.input={_documents(arm, seed, folder)}",
        f"data.training_data={folder / 'training_data.json'}",
        f"output.dir={folder}",
    ]
    harness.measure([sys.executable, "convert_data.py", "--profile", "demo", *words])
    started = time.monotonic()
    cfg = config.load(None, "demo", words).config
    prepared = preparing.prepare(cfg)
    trainer = tuning.make_trainer(prepared, cfg, folder)
    trained = training.train(trainer, None)
    after = measuring.measure(trainer.model, prepared, cfg, "after")
    facts = {
        "arm": arm.name,
        "seed": seed,
        "short": short,
        "fingerprint": fingerprint(arm, seed, runs.file_hash(CORPUS), short=short),
        "num_rows_trained_on": len(prepared.supervision.samples),
        "num_documents_trained_on": len({sample.example.doc_id for sample in prepared.supervision.samples}),
        "num_steps": trained.num_steps,
        "last_loss": trained.losses[-1][1],
        "seconds": round(time.monotonic() - started, 1),
        "hardware": harness.hardware(),
        **runs.provenance(),
    }
    answers = [_answer(one) for one in after.judged]
    runs.write_json_atomic(_path(arm, seed, short=short), {**facts, "documents": answers})
    shutil.rmtree(folder)


def _answer(judged: Judged) -> dict[str, Any]:
    """Return what the table needs to score an answer again."""
    document = judged.document
    return {
        "id": document.id,
        "doc_id": document.doc_id,
        "lang": document.lang,
        "kind": document.kind,
        "text": document.text,
        "gold": graph.dumps(document.gold),
        "answer": judged.answer,
        "is_truncated": judged.is_truncated,
    }


def _documents(arm: Arm, seed: int, folder: Path) -> Path:
    """Write the arm's documents: all that are held out, and its share of the train ones, the smaller in the larger."""
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    train = [row["id"] for row in rows if row["split"] == "train"]
    random.Random(f"documents:{seed}").shuffle(train)
    chosen = set(train[: round(arm.share * len(train))])
    kept = [row for row in rows if row["split"] != "train" or row["id"] in chosen]
    path = folder / "documents.jsonl"
    runs.write_text_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept))
    return path


def _print(*, short: bool) -> None:
    """Score what is kept, print it and, where the baseline is there, write the results file."""
    kept = {
        arm: [run for seed in _seeds(arm, short=short) if (run := _kept(arm, seed, short=short))]
        for arm in ARMS.values()
    }
    made = {arm.name: found for arm, found in kept.items() if found}
    if BASELINE not in made:
        print(f'no table yet: all arms are compared with "{BASELINE}", and no run of it is kept.', file=sys.stderr)
        return
    own = ontology.load("threat_event")
    scored = {name: {run["seed"]: ablation_table.counts(run, own) for run in found} for name, found in made.items()}
    found = ablation_table.table(scored, BASELINE)
    steps = made[BASELINE][0]["num_steps"]
    form = f"SHORT FORM, {steps} steps: it works, and it says little about the arms. " if short else ""
    documents = len(made[BASELINE][0]["documents"])
    print(f"{form}{documents} held-out documents; mean over the seeds, 95 % interval over documents and seeds.")
    ablation_table.show(found)
    record = harness.finish(
        "ablations", _results(found), sum(map(len, made.values())), short=short, arms=found, made=_facts(made)
    )
    runs.write_json_atomic(RESULTS / f"ablations{'.short' if short else ''}.json", record)


def _seeds(arm: Arm, *, short: bool) -> list[int]:
    found = _path(arm, 0, short=short).parent.glob(f"{arm.slug}.seed*.json")
    return sorted(int(path.stem.rpartition("seed")[2]) for path in found)


def _results(found: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Set the demo profile beside each arm, as all benchmarks do: above 1, the profile's choice is better."""
    mine = found[BASELINE]["metrics"]
    lines = []
    for arm, one in found.items():
        for name in ("entity_f1", "relationship_f1"):
            theirs = one["metrics"][name]["by_seed"]
            ours = mine[name]["by_seed"][: len(theirs)]
            if arm != BASELINE and len(ours) == len(theirs) and all(theirs):
                lines.append(harness.result(arm, name, ours, theirs, more_is_better=True))
    return lines


def _facts(made: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    wanted = ("seed", "num_rows_trained_on", "num_documents_trained_on", "num_steps", "last_loss", "seconds", "git_sha")
    return {name: [{key: run[key] for key in wanted} for run in found] for name, found in made.items()}


if __name__ == "__main__":
    sys.exit(main())
