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
import functools
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kgtune import config, config_summary, next_step, options
from kgtune.errors import UserError, run_script

if TYPE_CHECKING:
    from kgtune.training.stages import Finished

# What would be ignored is refused: the first takes none of the others.
APART = {
    "--merge": ("--dry-run", "--preview", "--resume", "--evaluate-only"),
    "--dry-run": ("--resume", "--evaluate-only"),
    "--preview": ("--resume", "--evaluate-only"),
    "--evaluate-only": ("--resume",),
}
NEEDS = {"--vram-gib": ("--dry-run", "--preview")}


def main() -> int:
    """Do what the command line asks: fold, rehearse, or fine-tune and measure."""
    args, overrides = parse_arguments(sys.argv[1:])
    resolved = config.load(args.config, args.profile, overrides, card_gib=args.vram_gib)
    if args.show_config:
        print(config_summary.whole(resolved))
        return 0
    output_dir = Path(args.output or resolved.config.output.dir)
    logging.basicConfig(format="%(message)s")  # to stderr
    logging.getLogger("kgtune").setLevel(logging.INFO)
    print(config_summary.compact(resolved), file=sys.stderr)

    from kgtune import noise

    noise.hush()
    from kgtune.training import merging, processes, rehearsal, stages  # heavy: torch, transformers, trl

    if args.merge:
        print(f"merged model: {merging.merge(output_dir / 'final_model', resolved.config)}")
    elif args.dry_run:
        num_previews = 1 if args.preview is None else args.preview
        for part in rehearsal.rehearse(resolved.config, output_dir, vram_gib=args.vram_gib, num_previews=num_previews):
            print(part)
    else:
        if args.evaluate_only:
            finished = stages.measured(resolved, output_dir)
        else:
            finished = stages.run(resolved, output_dir, resume=args.resume)
        if processes.rank() == 0:
            tell(finished, output_dir, overrides, args)
        processes.leave()
    return 0


def tell(finished: Finished, output_dir: Path, overrides: list[str], args: argparse.Namespace) -> None:
    """Write the results, print them, and say what comes next; a gate that is not met ends the script."""
    from kgtune.evaluation import evaluation
    from kgtune.scoring import gate
    from kgtune.training import measuring

    if not finished.outcome.columns:
        num_steps = finished.outcome.run["num_steps"]
        print(f"stopped after update {num_steps} and saved; go on with --resume", file=sys.stderr)
        return
    result = measuring.keep_results(finished.outcome, finished.prepared, finished.cfg, output_dir)
    print(evaluation.table(result))
    print(json.dumps(evaluation.headline(result, output_dir), ensure_ascii=False))
    told = next_step.to_ask(output_dir / "final_model", overrides, config=args.config, profile=args.profile)
    print(told, file=sys.stderr)
    gate.enforce(result)


def parse_arguments(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the command line; key=value overrides come back on their own."""
    overrides, rest = config.split_overrides(argv)
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="exit codes: 0 done, 1 bug, 2 user error, 3 a gate failed"
    )
    flag = functools.partial(parser.add_argument, action="store_true")
    flag("--dry-run", help="memory by term, rows, prompt, disk: load no weights, train nothing")
    parser.add_argument(
        "--vram-gib", type=float, metavar="N", help="with --dry-run: a card of N GiB in place of this machine's"
    )
    parser.add_argument(
        "--preview",
        type=int,
        metavar="N",
        help="a dry run that shows N rendered rows, [[supervised]]; a real one shows one",
    )
    flag("--resume", help="go on from the last checkpoint of the same run")
    flag("--evaluate-only", help="measure an existing final_model, train nothing")
    flag("--merge", help="write merged_model/: base and adapter in one")
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
