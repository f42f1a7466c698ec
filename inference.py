"""Extract knowledge graphs: texts of any length in, one graph per text out.

    python inference.py --text "GlassViper used NightLoom against Northwind Bank."
    python inference.py reports/ -o graphs/
    python inference.py reports.jsonl -o graphs.jsonl

Inputs: the texts (.txt, .md, .jsonl; .pdf, .docx and .html where markitdown is installed), a model folder that
fine_tune.py wrote (default: <output.dir>/final_model), config.yaml. A line of .jsonl is {"text", "id", "title",
"url", "published", "tlp"}, all but the text optional; the last four are checked as the API checks them, and stix
and html carry them on. A key that is none of these is named on stderr, and so is what a folder holds of other kinds.
A file or line that can't be read stops the run before anything is extracted, with all such problems listed;
data.on_error=drop leaves them out, named and counted on stderr.
Outputs, on stdout or where -o says: for one text its graph as JSON; for several JSON Lines
{"source", "graph"}, or one <name>.json each when -o is a folder. --format stix, cypher, csv (a ZIP of nodes.csv and
relationships.csv), graphml or html writes one file for one text; --format raw writes lines that a person corrects and
convert_data.py reads back; what a format has no place for is counted. Progress goes to stderr. A run with -o over
several texts that was killed goes on behind the last text that was done when it is started again; a text that was
being worked on, and so a single text however long, begins anew. A text whose answer can't be read becomes {"source",
"graph": null, "error"} and is counted on stderr; where it is the only text, the exit code is 2.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kgtune import config, config_summary, errors, options
from kgtune.errors import UserError
from kgtune.extraction import backends

if TYPE_CHECKING:
    from kgtune.extraction.extractor import Extractor
    from kgtune.extraction.texts import Texts
    from kgtune.ontology import Ontology

# The other formats have no place for it.
NEEDS = {"--offsets": ("--format=json", "--format=jsonl")}


def main() -> int:
    """Run the command line; see the module's docstring."""
    from kgtune.extraction import answers, journal
    from kgtune.extraction.progress import Progress

    overrides, rest = config.split_overrides(sys.argv[1:])
    args = arguments(rest)
    overrides += backends.overrides(args)
    resolved = config.load(args.config, args.profile, overrides)
    if args.show_config:
        print(config_summary.whole(resolved))
        return 0
    logging.basicConfig(format="%(message)s")  # to stderr
    logging.getLogger("kgtune").setLevel(logging.INFO)
    read = texts_of(args, resolved)
    texts = read.texts
    target = answers.target(args.out, args.format, [text.source for text in texts])
    print(config_summary.short(resolved), file=sys.stderr)
    kept = journal.begin(args.out, texts, marks(args, resolved))
    left = kept.left(texts)
    if len(left) < len(texts):
        print(f"going on with an earlier run: {len(texts) - len(left)} texts are done", file=sys.stderr)
    extractor = backends.loader(args.model, resolved)() if left else None
    target.texts = {text.source: text for text in texts}
    target.ontology = ontology_of(extractor, backends.folder_of(args.model, resolved))
    wishes = {"offsets": args.offsets, "min_confidence": args.min_confidence}
    fresh = answers.extract(extractor, left, resolved.config, **wishes) if extractor else iter(())
    sizes = {text.source: len(text.text) for text in left}
    progress = Progress(sum(sizes.values()))
    rows = []
    for row in kept.rows(texts, fresh):
        if row.error and len(texts) == 1:
            raise UserError(f"{row.source}: {row.error}")
        target.write(row)
        rows.append(row)
        told = [row.summary, *filter(None, [progress.add(sizes.get(row.source, 0))])]
        print(f"{len(rows)}/{len(texts)} {row.source}: {', '.join(told)}", file=sys.stderr)
    target.close()
    kept.remove()
    print(*filter(None, [answers.report(rows), read.report]), sep=", ", file=sys.stderr)
    return 0


def texts_of(args: argparse.Namespace, resolved: config.Resolved) -> Texts:
    """Return the text that was given, or read the places."""
    from kgtune.extraction import texts

    if args.text is not None:
        return texts.Texts([texts.SourceText("--text", args.text)])
    return texts.read_texts(args.places, sys.stdin.buffer, resolved.config.data.on_error)


def marks(args: argparse.Namespace, resolved: config.Resolved) -> dict[str, str]:
    """Return what must be the same for a killed run to go on: model, configuration, and what is asked for."""
    folder = backends.folder_of(args.model, resolved)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return {
        "model": " ".join(f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files),
        "configuration": config.config_hash(resolved.config),
        "options": f"offsets={args.offsets} min_confidence={args.min_confidence} format={args.format}",
    }


def ontology_of(extractor: Extractor | None, folder: Path) -> Ontology | None:
    """Return the ontology of the model that answers, or its folder's where every text was answered before."""
    from kgtune import model_folder

    return model_folder.ontology_of(folder) if extractor is None else getattr(extractor, "ontology", None)


def arguments(argv: list[str]) -> argparse.Namespace:
    """Parse what is left of the command line without its key=value overrides."""
    from kgtune.export import FORMATS

    description, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("places", nargs="*", metavar="FILE|FOLDER|-", help="texts, or folders of them; - is stdin")
    parser.add_argument("--text", metavar="T", help="the text itself")
    parser.add_argument("--model", metavar="DIR", help="default: <output.dir>/final_model")
    backends.add_arguments(parser)
    parser.add_argument("-o", "--out", metavar="OUT", help="file or folder; default: stdout")
    parser.add_argument("--format", choices=tuple(FORMATS), help="default: json for one text, else jsonl")
    parser.add_argument("--offsets", action="store_true", help="add where names and evidence stand, and of windows")
    parser.add_argument("--min-confidence", type=share, default=0.0, metavar="C", help="leave out what is less sure")
    config.add_arguments(parser)
    args = parser.parse_args(argv)
    if args.format is not None:
        options.check(parser, args, needs=NEEDS)
    if args.format == "csv" and args.out is None and sys.stdout.isatty() and not args.show_config:
        parser.error("--format csv: is a ZIP file, and standard output is a terminal; give -o FILE.csv.zip")
    if (args.text is None) == (not args.places) and not args.show_config:
        parser.error("give either --text or files, folders or - (standard input)")
    if args.text is not None and not args.text.strip():
        parser.error("--text: is empty; give the text of a report")
    return args


def share(value: str) -> float:
    """Read a number from 0 to 1."""
    if not 0 <= (number := float(value)) <= 1:
        raise argparse.ArgumentTypeError(f"{value}: give a number from 0 to 1")
    return number


if __name__ == "__main__":
    sys.exit(errors.run_script(main))
