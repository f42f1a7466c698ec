"""Fine-tune the base model on training_data.json, and measure it before and after on held-out documents.

Reads   fine_tune_input/training_data.json (convert_data.py writes it; bare {input, output} rows do too)
Writes  fine_tune_output/: checkpoint-*/, final_model/, training_samples.json, evaluation_results.json,
        evaluation_report.html and .md, run.json

    python fine_tune.py                              one 24 GB card
    python fine_tune.py --profile demo               the small embedded model, minutes on a CPU
    torchrun --standalone --nproc_per_node 2 fine_tune.py        two cards
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from kgtune import config, options
from kgtune.errors import UserError, run_script

# What would be ignored is refused: the first takes none of the others.
APART = {
    "--merge": ("--dry-run", "--preview", "--resume", "--evaluate-only"),
    "--dry-run": ("--resume", "--evaluate-only"),
    "--preview": ("--resume", "--evaluate-only"),
    "--evaluate-only": ("--resume",),
}
NEEDS = {"--vram-gib": ("--dry-run", "--preview")}


def main() -> int:
    """Prepare, measure, train, measure again, keep."""
    args, overrides = parse_arguments(sys.argv[1:])
    resolved = config.load(args.config, args.profile, overrides, card_gib=args.vram_gib)
    cfg = resolved.config
    output_dir = Path(args.output or cfg.output.dir)
    logging.basicConfig(format="%(message)s")  # to stderr
    logging.getLogger("kgtune").setLevel(logging.INFO)
    print(config.explain(resolved), file=sys.stderr)

    from kgtune import model, noise

    noise.hush()
    from kgtune.evaluation import evaluation
    from kgtune.scoring import gate
    from kgtune.training import (  # heavy: torch, transformers, trl
        kept,
        measuring,
        merging,
        processes,
        rehearsal,
        stages,
    )

    if args.merge:
        print(f"merged model: {merging.merge(output_dir / 'final_model', cfg)}")
        return 0
    if args.dry_run:
        num_previews = 1 if args.preview is None else args.preview
        for part in rehearsal.rehearse(cfg, output_dir, vram_gib=args.vram_gib, num_previews=num_previews):
            print(part)
        return 0
    processes.join(cfg.training.num_processes)
    if args.evaluate_only:
        cfg = kept.settings(resolved, output_dir)
        prepared = kept.prepare(cfg, output_dir)
        outcome = measuring.measure_kept(prepared, cfg, output_dir)
    else:
        model.require_card(resolved.profile)
        prepared = rehearsal.prepare(cfg, output_dir, trains=True)
        outcome = stages.run(prepared, resolved, output_dir, resume=args.resume)
    if not outcome.columns:
        print(f"stopped after update {outcome.run['num_steps']} and saved; go on with --resume", file=sys.stderr)
    elif processes.rank() == 0:
        result = measuring.keep_results(outcome, prepared, cfg, output_dir)
        print(evaluation.table(result))
        print(json.dumps(evaluation.headline(result, output_dir), ensure_ascii=False))
        gate.enforce(result)
    processes.leave()
    return 0


def parse_arguments(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the command line; key=value overrides come back on their own."""
    overrides, rest = config.split_overrides(argv)
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="exit codes: 0 done, 1 bug, 2 user error, 3 a gate failed",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="memory by term, rows, prompt, disk: load no weights, train nothing",
    )
    parser.add_argument(
        "--vram-gib",
        type=float,
        metavar="N",
        help="with --dry-run: a card of N GiB in place of this machine's",
    )
    parser.add_argument(
        "--preview",
        type=int,
        metavar="N",
        help="a dry run that shows N rendered rows, [[supervised]]; a real one shows one",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the last checkpoint of the same run",
    )
    parser.add_argument(
        "--evaluate-only",
        action="store_true",
        help="measure an existing final_model, train nothing",
    )
    parser.add_argument(
        "--merge",
        action="store_true",
        help="write merged_model/: base and adapter in one",
    )
    parser.add_argument("-o", "--output", metavar="DIR", help="another output folder (output.dir)")
    config.add_arguments(parser)
    args = parser.parse_args(rest)
    options.check(parser, args, apart=APART, needs=NEEDS)
    if args.preview is not None:
        if args.preview < 0:
            raise UserError(f"--preview {args.preview}: can't be negative. Give the number of rows to show.")
        args.dry_run = True
    if args.vram_gib is not None and args.vram_gib <= 0:
        raise UserError(f"--vram-gib {args.vram_gib:g}: give the GiB of a card, above 0.")
    return args, overrides


if __name__ == "__main__":
    sys.exit(run_script(main))
