"""Score answers against gold graphs: ours, CTINexus-like triples, OneKE and DeepKE rows. No torch, no model.

    python -m kgtune.scoring --gold fine_tune_input/training_data.json --pred answers.jsonl
    python -m kgtune.scoring --gold gold.jsonl --pred base=base.jsonl --pred tuned=tuned.jsonl --require "f1_gain=>0"
    python -m kgtune.scoring --gold r.json --pred r.json:after       a column of an evaluation_results.json
    python -m kgtune.scoring --schema                                every key of the results

A table goes to stdout; the last line is one JSON object. -o FILE keeps everything.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from kgtune.errors import run_script


def main() -> int:
    """Read, score, print, keep."""
    args = _arguments(sys.argv[1:])

    from kgtune.scoring import description, gate, schema, session, tables  # numpy: not for --help

    if args.schema:
        print(description.table(schema.SCORER if args.schema == "scorer" else schema.EVALUATION))
        return 0
    task = session.Task.of(args)
    result = session.score(task)
    if args.output:
        session.keep(result, Path(args.output))
    print(tables.table(result))
    print("\n".join(["", *tables.notes(result)]))
    last = {name: tables.headline(column) for name, column in result["columns"].items()}
    print(json.dumps({**last, "results": args.output}, ensure_ascii=False))
    gate.enforce(result)
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m kgtune.scoring",
        description=(__doc__ or "").partition("\n")[0],
        epilog="exit codes: 0 done, 1 bug, 2 user error, 3 a required condition failed. Formats, found out by looking: "
        "rows {input, output}; {id, answer | graph, text?}; {text, entities, relationships}; evaluation_results.json; "
        "{text, explicit_triplets | triplets} or a folder of such files; {text, entity?, relation?}; "
        "{instruction, output}. Files of one order are read in step, so that memory stays flat.",
    )
    given = parser.add_argument
    given("--gold", metavar="FILE", help="gold graphs: a JSON or JSON Lines file, or a folder")
    given("--pred", metavar="[NAME=]FILE[:COLUMN]", action="append", default=[],
          help="answers of a system; several are compared with the first")  # fmt: skip
    given("--again", metavar="NAME=FILE", action="append", default=[],
          help="further answers of a named system to the same texts: how far it agrees with itself")  # fmt: skip
    given("--train", metavar="FILE", help="train rows: names are told seen from unseen, and a measured one is refused")
    given("--split", default="test", metavar="NAME", help="which rows of a gold file with splits (default: test)")
    given("--ontology", default="auto", metavar="NAME",
          help="auto: the shipped one that covers the gold graphs, else theirs; or a name, or a path")  # fmt: skip
    given("--aliases", metavar="FILE", help="JSON object: a name -> list of names that mean the same")
    given("--require", metavar="METRIC=CONDITION", action="append", default=[],
          help='condition on the last system, for example "entity_f1=>=0.8" or "f1_gain=>0"')  # fmt: skip
    given("--compare-to", metavar="FILE[:COLUMN]", help="an earlier result: its answers are scored again beside these")
    given("--documents", action="store_true", help="keep every text and answer in the results, too")
    given("--resamples", type=int, default=2000, metavar="N", help="bootstrap resamples (default: 2000)")
    given("--seed", type=int, default=20_240, metavar="N", help="seed of the resampling")
    given(
        "--schema", nargs="?", const="scorer", choices=("scorer", "evaluation"), help="print every key of the results"
    )
    given("-o", "--output", metavar="FILE", help="write the results as JSON")
    args = parser.parse_args(argv)
    if not args.schema and (not args.gold or not args.pred):
        parser.error("--gold and --pred are needed")
    return args


if __name__ == "__main__":
    sys.exit(run_script(main))
