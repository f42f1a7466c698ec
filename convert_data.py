"""Convert raw annotated graphs to training data: read, check, split by document, augment the train part.

Reads   fine_tune_input/raw_graph_custom.json, or the files and folders given (nine formats, found out by looking)
Writes  fine_tune_input/training_data.json, beside it training_data.report.json and .report.html (figures, and
        documents with coloured mentions: open it in a browser), ontology.yaml and splits.lock.json

    python convert_data.py                           your own file, or the shipped example
    python convert_data.py reports/ --check          only say what is wrong with these
    python convert_data.py reports/ --fix            write copies with all that can be mended without loss
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from kgtune import options
from kgtune.errors import run_script

# As in kgtune.sources, which would double the time of --help; a test holds the two equal.
FORMATS = ("auto", "texts", "rows", "chunks", "triples", "doccano", "labelstudio", "brat", "stix", "misp")

# What would be ignored is refused: the first takes none of the others.
APART = {
    "--check": ("--output", "--pairs"),
    "--fix": ("--output", "--pairs", "--from"),
}
NEEDS = dict.fromkeys(("--strict", "--lang", "--max-per-code", "--report"), ("--check",))


def main() -> int:
    """Read, then check, fix or convert."""
    args, rest = parse_arguments(sys.argv[1:])
    from kgtune import config, config_summary, lint  # heavy: pydantic, ruamel
    from kgtune.conversion import checking, conversion, intake, sample_pairs
    from kgtune.examples import read_examples

    overrides, unknown = config.split_overrides(rest)
    resolved = config.load(args.config, args.profile, overrides)
    if args.show_config:
        print(config_summary.whole(resolved))
        return 0
    cfg = resolved.config
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    paths = intake.inputs(unknown, cfg)
    if args.fix:
        print(checking.fix(paths, cfg))
        return 0
    if args.check:
        tally = checking.check(paths, cfg, args.from_)
        if args.report:
            checking.write_report(Path(args.report), tally, paths, cfg, strict=args.strict)
        lang = lint.language(args.lang, os.environ)
        print(tally.as_text(lang, most_per_code=args.max_per_code, strict=args.strict))
        return 3 if tally.has_findings(strict=args.strict) else 0
    output = Path(args.output or cfg.data.training_data)
    print(config_summary.short(resolved, output.with_suffix(".report.json")), file=sys.stderr)
    converted = conversion.convert(paths, resolved, output, args.from_)
    print(converted.report_text)
    for path, purpose in converted.files:
        print(f"written: {path} ({purpose})")
    if args.pairs:
        print(sample_pairs.as_text(read_examples(output), cfg.data.seed, args.pairs), end="")
    return 0


def parse_arguments(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the options; inputs and key=value overrides come back together."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="exit codes: 0 done; of --check: no errors, so that a conversion goes through, whatever warnings and "
        "notes there are; 1 bug; 2 user error: input, options or configuration refused, nothing written; "
        "3 --check found errors, or with --strict warnings; notes never count",
    )
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="files or folders of raw graphs; also key=value")
    parser.add_argument("-o", "--output", metavar="OUT", help="another place for training_data.json")
    parser.add_argument(
        "--from",
        dest="from_",
        choices=FORMATS,
        default="auto",
        help="format of the input (auto: found out by looking)",
    )
    parser.add_argument(
        "--pairs", type=int, default=0, metavar="N", help="show N originals beside their variants (0: none)"
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="say what is wrong or suspicious, write nothing")
    mode.add_argument(
        "--fix", action="store_true", help="write a copy of each file, mended where nothing is lost, and a diff"
    )
    told = parser.add_argument_group("with --check")
    told.add_argument("--strict", action="store_true", help="count warnings as findings, as errors always are")
    told.add_argument("--lang", choices=("auto", "en", "zh"), default="auto", help="language (auto: the locale's)")
    told.add_argument(
        "--max-per-code", type=int, metavar="N", help="findings of a code shown (errors and warnings 5, notes 0)"
    )
    told.add_argument("--report", metavar="FILE", help="write all findings to FILE as JSON")
    parser.add_argument("--config", metavar="PATH", help="another file in place of config.yaml")
    parser.add_argument("--profile", metavar="NAME", help="values for a machine or the demo, from the file's profiles")
    parser.add_argument("--show-config", action="store_true", help="print every value and its origin, and stop")
    args = parser.parse_intermixed_args(argv)
    options.check(parser, args, apart=APART, needs=NEEDS)
    return args, args.inputs


if __name__ == "__main__":
    sys.exit(run_script(main))
