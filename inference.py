"""Extract knowledge graphs: a text, files or a folder in, one graph per text out.

    python inference.py --text "GlassViper used NightLoom against Northwind Bank."
    python inference.py reports/ -o graphs/

Inputs: the texts, a model folder that fine_tune.py wrote (default: <output.dir>/final_model), config.yaml.
Outputs, on stdout or where -o says: for one text its graph as JSON; for several JSON Lines
{"source", "graph"}, or one <name>.json each when -o is a folder. Progress goes to stderr. A text whose
answer can't be read becomes {"source", "graph": null, "error"} and is counted on stderr; where it is the
only text, the exit code is 2.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kgtune import config, errors
from kgtune.errors import ModelError, UserError

if TYPE_CHECKING:
    from kgtune.extraction.extractor import Extractor


def main() -> int:
    """Run the command line; see the module's docstring."""
    from kgtune.extraction import answers
    from kgtune.extraction.texts import SourceText, read_texts

    overrides, rest = config.split_overrides(sys.argv[1:])
    args = arguments(rest)
    resolved = config.load(args.config, args.profile, overrides)
    texts = [SourceText("--text", args.text)] if args.text is not None else read_texts(args.places, sys.stdin.buffer)
    target = answers.target(args.out, args.format, [text.source for text in texts])
    print(f"configuration: {resolved.path}, profile {resolved.profile}", *overrides, file=sys.stderr)
    extractor = loader(args.model, resolved)()
    rows = []
    for row in answers.extract(extractor, texts, resolved.config):
        if row.error and len(texts) == 1:
            raise UserError(f"{row.source}: {row.error}")
        target.write(row)
        rows.append(row)
        print(f"{len(rows)}/{len(texts)} {row.source}: {row.summary}", file=sys.stderr)
    target.close()
    print(answers.report(rows), file=sys.stderr)
    return 0


def loader(model_dir: str | None, resolved: config.Resolved) -> Callable[[], Extractor]:
    """Return the function that loads the extractor; serve.py calls it on its worker thread."""
    folder = Path(model_dir or Path(resolved.config.output.dir) / "final_model")
    if not folder.is_dir():
        raise ModelError(
            f"{folder}: no such folder. Run fine_tune.py first, give a model folder with --model, or name the "
            f"profile it was trained with (now: --profile {resolved.profile})."
        )

    def load() -> Extractor:
        from kgtune import model  # torch: seconds
        from kgtune.extraction import loading

        model.require_card(resolved.profile)
        return loading.load(folder, resolved.config)

    return load


def arguments(argv: list[str]) -> argparse.Namespace:
    """Parse what is left of the command line without its key=value overrides."""
    description, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("places", nargs="*", metavar="FILE|FOLDER|-", help="UTF-8 texts; a folder's .txt and .md files")
    parser.add_argument("--text", metavar="T", help="the text itself")
    parser.add_argument("--model", metavar="DIR", help="default: <output.dir>/final_model")
    parser.add_argument("-o", "--out", metavar="OUT", help="file or folder; default: stdout")
    parser.add_argument("--format", choices=("json", "jsonl"), help="default: json for one text, else jsonl")
    config.add_arguments(parser)
    args = parser.parse_args(argv)
    if (args.text is None) == (not args.places):
        parser.error("give either --text or files, folders or - (standard input)")
    if args.text is not None and not args.text.strip():
        parser.error("--text: is empty; give the text of a report")
    return args


if __name__ == "__main__":
    sys.exit(errors.run_script(main))
