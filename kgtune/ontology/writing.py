"""An ontology's records -> the YAML that reads back equal, with counts of the data as comments.

Knows nothing about reading, nor about which ontology a run uses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product

from kgtune.ontology.records import ANY, Label, Ontology, RelationType, Seen, StixVerb

_HEAD = """\
# Derived from the data by convert_data.py, most frequent first; the counts are what the data held.
# To change it: copy it to another place, edit it, and name it in config.yaml (ontology: mine.yaml).
# Worth adding: zh and en, a guideline for each name, and anchored: require where a name must stand in the text.
"""


def dump(ontology: Ontology, seen: Seen | None = None) -> str:
    """Write the ontology as YAML. `seen` adds, as comments, how often the data holds each name and pair."""
    counted = _Counted(ontology, seen)
    lines = [f"name: {_quoted(ontology.name)}", f"version: {ontology.version}", "labels:"]
    for label in ontology.labels:
        head = f"  {_quoted(label.name)}:{counted.of_label(label)}"
        lines += [head, *_words(label), f"    anchored: {_quoted(label.anchored)}"]
        lines += _list("aliases", label.aliases) + _list("stix", label.stix)
        lines += [f"    stix_property: {_quoted(label.stix_property)}"] if label.stix_property else []
    lines.append("types:" if ontology.types else "types: {}")
    for kind in ontology.types:
        lines += [f"  {_quoted(kind.name)}:{counted.of_type(kind)}", *_words(kind), *_list("aliases", kind.aliases)]
        lines += [f"    stix: [{', '.join(map(_verb, kind.stix))}]"] if kind.stix else []
        lines += _pair_lines(kind, ontology.label_names, counted)
    return (_HEAD if seen else "") + "\n".join(lines) + "\n"


class _Counted:
    """Writes the comments; without counts, none."""

    def __init__(self, ontology: Ontology, seen: Seen | None) -> None:
        self.ontology, self.seen = ontology, seen

    def of_label(self, label: Label) -> str:
        return self._of(label, self.seen.labels) if self.seen else ""

    def of_type(self, kind: RelationType) -> str:
        return self._of(kind, self.seen.types) if self.seen else ""

    def of_pairs(self, kind: str, source: str) -> str:
        if self.seen is None:
            return ""
        counts: dict[str, int] = {}
        for (seen_source, seen_kind, seen_target), number in self.seen.pairs.items():
            ends = (self.ontology.canonical_label(seen_source), self.ontology.canonical_type(seen_kind))
            if ends == (source, kind):
                target = self.ontology.canonical_label(seen_target) or seen_target
                counts[target] = counts.get(target, 0) + number
        return self._comment(", ".join(f"{target} {counts[target]}" for target in counts))

    def _of(self, item: Label | RelationType, counts: Mapping[str, int]) -> str:
        spelt = [f'"{alias}" {counts[alias]}' for alias in item.aliases if alias in counts]
        told = f"{counts.get(item.name, 0)}{', also written ' if spelt else ''}{', '.join(spelt)}"
        return self._comment(told)

    def _comment(self, text: str) -> str:
        return f"  # {text}" if text else ""


def _words(item: Label | RelationType) -> list[str]:
    keys = ("zh", "en", "guideline_zh", "guideline_en")
    return [f"    {key}: {_quoted(value)}" for key in keys if (value := getattr(item, key))]


def _list(key: str, names: tuple[str, ...]) -> list[str]:
    return [f"    {key}: [{', '.join(map(_quoted, names))}]"] if names else []


def _verb(verb: StixVerb) -> str:
    said = f"type: {_quoted(verb.type)}" if verb.type else f"property: {_quoted(verb.property)}"
    return f"{{{said}, reversed: true}}" if verb.reversed else f"{{{said}}}"


def _pair_lines(kind: RelationType, names: tuple[str, ...], counted: _Counted) -> list[str]:
    if set(kind.pairs) == set(product(names, names)):
        return [f"    pairs: {ANY}"]
    targets: dict[str, list[str]] = {}
    for source, target in kind.pairs:
        targets.setdefault(source, []).append(target)
    rows = [
        f"      {_quoted(source)}: [{', '.join(map(_quoted, ends))}]{counted.of_pairs(kind.name, source)}"
        for source, ends in targets.items()
    ]
    return ["    pairs:", *rows]


def _quoted(text: str) -> str:
    """JSON's quoting is YAML's, so that a label named "no" or "10" stays text."""
    return json.dumps(text, ensure_ascii=False)
