"""The ontology: entity labels, relationship types, and which label may stand at which end; and which a run uses.

Knows nothing about graphs, prompts or grammars; they ask it. Nobody writes a label anywhere else.

    records   Label, RelationType, Ontology       reading, writing   YAML -> records -> YAML
    choosing  how well a shipped one fits the data, and why a run uses the one it uses
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache
from itertools import product
from pathlib import Path

from kgtune import yaml_file
from kgtune.errors import ConfigError
from kgtune.ontology.choosing import Choice, fit
from kgtune.ontology.reading import built
from kgtune.ontology.records import Label, Ontology, RelationType, Seen, StixVerb
from kgtune.ontology.writing import dump
from kgtune.spelling import spelling_key, suggestion

__all__ = [
    "Choice", "Label", "Ontology", "RelationType", "Seen", "StixVerb", "choice", "choose", "derive", "dump", "fit",
    "lacks", "load", "parse", "reason",
]  # fmt: skip

FOLDER = Path(__file__).resolve().parent.parent / "ontologies"
# In this order "auto" tries them.
SHIPPED = ("threat_event", "stix21")
DERIVED = "derived"
MOST_LACKING = 0.2  # share of all labels and types that a shipped ontology may lack and still be meant


def load(name_or_path: str) -> Ontology:
    """Read a shipped ontology by name, or the user's own file."""
    if name_or_path in SHIPPED:
        return _shipped(name_or_path)
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return built(yaml_file.read(path))
    fix = f"{suggestion(name_or_path, SHIPPED)} Or give the path of a .yaml file."
    raise ConfigError(f'ontology: there is no ontology "{name_or_path}". {fix}')


@cache
def _shipped(name: str) -> Ontology:
    return built(yaml_file.read(FOLDER / f"{name}.yaml"))


def parse(text: str, *, where: str) -> Ontology:
    """Read an ontology from YAML text, for example from a model's folder."""
    return built(yaml_file.parse(text, where=where))


def choose(
    setting: str,
    labels: Mapping[str, int],
    types: Mapping[str, int],
    pairs: Collection[tuple[str, str, str]] = (),
) -> Ontology:
    """Follow the `ontology` key of the configuration; `choice` says why as well."""
    return choice(setting, labels, types, pairs).ontology


def choice(
    setting: str,
    labels: Mapping[str, int],
    types: Mapping[str, int],
    pairs: Collection[tuple[str, str, str]] = (),
) -> Choice:
    """Follow the `ontology` key of the configuration, and say why.

    "auto" takes the shipped ontology that knows all labels and types seen in the data but for near misses (of two,
    the one with fewer of these, then the one whose own spellings the data uses more), else derives one. `labels` and
    `types` count what was seen; `pairs` are the (source label, type, target label) seen.
    """
    if setting != "auto":
        return Choice(load(setting))
    fits = [fit(load(name), labels, types) for name in SHIPPED]
    if meant := [one for one in fits if one.is_meant]:
        # of equals, the first
        best = min(meant, key=lambda one: (one.num_near, -one.ontology.num_exact(labels, types)))
        return Choice(best.ontology, best)
    nearest = min(fits, key=lambda one: (one.num_strange, one.num_near))
    return Choice(derive(labels, types, pairs), nearest)


def reason(chosen: Choice) -> str:
    """Say in one line which ontology was chosen and why."""
    if chosen.fit is None:
        return f"ontology: {chosen.ontology.name}, as set"
    name = chosen.fit.ontology.name
    near, own = chosen.told(near=True), chosen.told(near=False)
    if not chosen.is_derived:
        but = f" but for near misses, whose items are left out and which --check points at: {near}" if near else ""
        return f"ontology: {name} (auto: it has all labels and types of the data{but})"
    lacking = "; ".join(filter(None, (own, f"near misses: {near}" if near else "")))
    return (
        f"ontology: derived from the data, with its labels and types alone, since no shipped one has them; {name} came "
        f"nearest and does not have {lacking}. Write these as {name} does (kgtune/ontologies/{name}.yaml lists its "
        f"names), or give ontology=PATH."
    )


def lacks(ontology: Ontology, labels: Mapping[str, int], types: Mapping[str, int]) -> Counter[str]:
    """Count the uses of labels and types that an ontology does not have in any spelling."""
    strange = Counter({name: number for name, number in labels.items() if not ontology.canonical_label(name)})
    strange.update({name: number for name, number in types.items() if not ontology.canonical_type(name)})
    return strange


def derive(
    labels: Mapping[str, int], types: Mapping[str, int], pairs: Collection[tuple[str, str, str]] = ()
) -> Ontology:
    """Make an ontology of what the data holds, most frequent first; a type whose pairs were not seen joins any.

    Names that differ only in case, width or separators are one: the most frequent spelling, the others its aliases.
    """
    label_names, type_names = _by_count(labels), _by_count(types)
    own_label = {spelling: name for name, spellings in label_names.items() for spelling in spellings}
    everything = tuple(product(label_names, label_names))
    kinds = []
    for kind, spellings in type_names.items():
        seen = {(own_label[source], own_label[target]) for source, name, target in pairs if name in spellings}
        kinds.append(RelationType(kind, pairs=tuple(sorted(seen)) or everything, aliases=tuple(spellings[1:])))
    found = tuple(Label(name, anchored="warn", aliases=tuple(names[1:])) for name, names in label_names.items())
    # Read back at once: a name that no file can hold is told now, not when the file is used.
    return parse(dump(Ontology(DERIVED, 1, found, tuple(kinds))), where="ontology derived from the data")


def _by_count(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Group the spellings of each name, the most frequent first, and order the names by their counts together."""
    groups: dict[str, list[str]] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        groups.setdefault(spelling_key(name) or name, []).append(name)
    ordered = sorted(groups.values(), key=lambda names: (-sum(counts[name] for name in names), names[0]))
    return {names[0]: names for names in ordered}
