"""Convert raw annotated graphs to training data: read, check, split by document, augment the train part.

Reads   fine_tune_input/raw_graph_custom.json, or the files and folders given (three shapes, found out by looking)
Writes  fine_tune_input/training_data.json, beside it training_data.report.json and .report.html (figures, and
        documents with coloured mentions: open it in a browser) and ontology.yaml

    python convert_data.py                           your own file, or the shipped example
    python convert_data.py reports/ --check          only say what is wrong with these
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from kgtune.errors import run_script


def main() -> int:
    """Read, then check, fix or convert."""
    args, rest = parse_arguments(sys.argv[1:])
    from kgtune import config, conversion  # heavy: pydantic, ruamel

    overrides, unknown = config.split_overrides(rest)
    resolved = config.load(args.config, args.profile, overrides)
    cfg = resolved.config
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    paths = conversion.inputs(unknown, cfg)
    if args.fix:
        print(conversion.fix(paths, cfg, args.source_format))
        return 0
    raw_set = conversion.read(paths, cfg, args.source_format)
    if args.check:
        text, has_errors = conversion.check(raw_set, cfg)
        print(text)
        return 3 if has_errors else 0
    print(config.explain(resolved), file=sys.stderr)
    output = Path(args.output or cfg.data.training_data)
    converted = conversion.convert(raw_set, resolved, output)
    print(converted.report_text)
    print(f"written: {output}")
    return 0


def parse_arguments(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the options; inputs and key=value overrides come back together."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="exit codes: 0 done, 1 bug, 2 user error, 3 --check found errors",
    )
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="files or folders of raw graphs; also key=value")
    parser.add_argument("-o", "--output", metavar="OUT", help="another place for training_data.json")
    parser.add_argument(
        "--from",
        dest="source_format",
        choices=("auto", "chunks", "texts", "rows"),
        default="auto",
        help="shape of the input (auto: found out by looking)",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="say what is wrong, write nothing; exit 3 on errors")
    mode.add_argument("--fix", action="store_true", help="write INPUT.fixed.jsonl with what can be mended losslessly")
    parser.add_argument("--config", metavar="PATH", help="another file in place of config.yaml")
    parser.add_argument("--profile", metavar="NAME", help="values for a machine or the demo, from the file's profiles")
    args = parser.parse_intermixed_args(argv)
    return args, args.inputs


if __name__ == "__main__":
    sys.exit(run_script(main))
