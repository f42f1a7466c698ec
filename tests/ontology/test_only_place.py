"""Nobody writes a label anywhere else: the ontologies' files are the only place, and all code asks them."""

from __future__ import annotations

import ast
from pathlib import Path

from kgtune import ontology
from kgtune.extraction.extractor import CANNED_ANSWER

PACKAGE = Path(__file__).resolve().parents[2] / "kgtune"
# Words that a room uses in a sense of its own: kinds of indicators, a key of a raw format, a level of a finding.
OWN_SENSE = {
    ("iocs", "url"),
    ("iocs", "file"),
    ("replacement", "url"),
    ("replacement", "file"),
    ("sources", "url"),
    ("evaluation", "report"),
    ("lint", "file"),
    ("lint", "note"),
    ("made_up", "url"),
    ("made_up", "file"),
}


def names(*which):
    return {name for found in map(ontology.load, which) for name in (*found.label_names, *found.type_names)}


ALL_NAMES = names(*ontology.SHIPPED)
# A reader or writer of STIX may name the object types of its format; what they become is the ontology's matter.
FORMAT_NAMES = {"sources": names("stix21"), "export": names("stix21")}


def written_names(source):
    """Find names in string constants: as the whole string, or in quotes within one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for name in ALL_NAMES:
                if node.value == name or f'"{name}"' in node.value or f"'{name}'" in node.value:
                    yield node.value, name


def test_no_label_or_type_stands_in_the_code():
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if "demo" not in path.relative_to(PACKAGE).parts]
    assert len(files) > 50
    strangers = set()
    for path in files:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        room = parts[0] if parts[0] in {"sources", "lint", "export"} else parts[-1]
        for text, name in written_names(path.read_text(encoding="utf-8")):
            if room == "extractor" and text == CANNED_ANSWER:  # what `serve.py --scripted` answers
                continue
            if (room, name) not in OWN_SENSE and name not in FORMAT_NAMES.get(room, ()):
                strangers.add((str(path.relative_to(PACKAGE)), name, text[:60]))
    assert strangers == set()


def test_the_finder_sees_a_name_alone_and_a_name_in_json():
    source = 'a = "Tool"\nb = \'{"labels":"malware"}\'\n# Tool\nc = "The Tool of a report"\n'
    assert sorted(name for _, name in written_names(source)) == ["Tool", "malware"]
