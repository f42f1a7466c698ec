"""The ontology: entity labels, relationship types, and which label may stand at which end.

Knows nothing about graphs, prompts or grammars; they ask it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal, cast

from kgtune import yaml_file
from kgtune.errors import ConfigError, Problem
from kgtune.spelling import suggestion
from kgtune.yaml_file import KeyPath, YamlDocument

FOLDER = Path(__file__).resolve().parent / "ontologies"
# In this order "auto" tries them.
SHIPPED = ("threat_event", "stix21")
ANY = "any"
ANCHORED = ("require", "warn", "allow")

Anchored = Literal["require", "warn", "allow"]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Label:
    """A kind of entity. `anchored`: whether its names must stand in the text; "allow" asks nothing."""

    name: str
    zh: str = ""
    en: str = ""
    guideline_zh: str = ""
    guideline_en: str = ""
    anchored: Anchored = "require"


@dataclass(frozen=True, slots=True)
class RelationType:
    """A kind of relationship, and the (source label, target label) pairs that it may join."""

    name: str
    zh: str = ""
    en: str = ""
    guideline_zh: str = ""
    guideline_en: str = ""
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class Ontology:
    """Labels and types in the order of the file; both names are unique."""

    name: str
    version: int
    labels: tuple[Label, ...]
    types: tuple[RelationType, ...]

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def type_names(self) -> tuple[str, ...]:
        return tuple(kind.name for kind in self.types)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content; a comment or the layout of the file does not change it."""
        text = json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    @cached_property
    def _by_label(self) -> dict[str, Label]:
        return {label.name: label for label in self.labels}

    @cached_property
    def _legal(self) -> frozenset[tuple[str, str, str]]:
        return frozenset((source, kind.name, target) for kind in self.types for source, target in kind.pairs)

    def label(self, name: str) -> Label | None:
        """Return the label of that name, None when there is none."""
        return self._by_label.get(name)

    def is_legal(self, source_label: str, relation_type: str, target_label: str) -> bool:
        """Say whether the type may lead from the one label to the other; an unknown name is not legal."""
        return (source_label, relation_type, target_label) in self._legal

    def covers(self, labels: Iterable[str], types: Iterable[str]) -> bool:
        """Say whether every one of these names is known."""
        return set(labels) <= set(self.label_names) and set(types) <= set(self.type_names)


def load(name_or_path: str) -> Ontology:
    """Read a shipped ontology by name, or the user's own file."""
    if name_or_path in SHIPPED:
        return _shipped(name_or_path)
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return _built(yaml_file.read(path))
    fix = f"{suggestion(name_or_path, SHIPPED)} Or give the path of a .yaml file."
    raise ConfigError(f'ontology: there is no ontology "{name_or_path}". {fix}')


@cache
def _shipped(name: str) -> Ontology:
    return _built(yaml_file.read(FOLDER / f"{name}.yaml"))


def parse(text: str, *, where: str) -> Ontology:
    """Read an ontology from YAML text, for example from a model's folder."""
    return _built(yaml_file.parse(text, where=where))


def choose(
    setting: str,
    labels: Mapping[str, int],
    types: Mapping[str, int],
    pairs: Collection[tuple[str, str, str]] = (),
) -> Ontology:
    """Follow the `ontology` key of the configuration.

    "auto" takes the first shipped ontology that knows all labels and types seen in the data, else
    derives one from them. `labels` and `types` count what was seen; `pairs` are the (source label,
    type, target label) seen.
    """
    if setting != "auto":
        return load(setting)
    for name in SHIPPED:
        shipped = load(name)
        if shipped.covers(labels, types):
            return shipped
    return derive(labels, types, pairs)


def derive(
    labels: Mapping[str, int], types: Mapping[str, int], pairs: Collection[tuple[str, str, str]] = ()
) -> Ontology:
    """Make an ontology of what the data holds, most frequent first; a type whose pairs were not seen joins any."""
    names = _by_count(labels)
    everything = tuple(product(names, names))
    kinds = []
    for kind in _by_count(types):
        seen = sorted({(source, target) for source, name, target in pairs if name == kind})
        kinds.append(RelationType(kind, pairs=tuple(seen) or everything))
    return Ontology("derived", 1, tuple(Label(name, anchored="warn") for name in names), tuple(kinds))


def dump(ontology: Ontology) -> str:
    """Write the ontology as the YAML that `parse` reads back equal."""
    lines = [f"name: {_quoted(ontology.name)}", f"version: {ontology.version}", "labels:"]
    for label in ontology.labels:
        lines += _entry(label.name, {**_words(label), "anchored": label.anchored})
    lines.append("types:")
    for kind in ontology.types:
        lines += _entry(kind.name, _words(kind))
        lines += _pair_lines(kind, ontology.label_names)
    return "\n".join(lines) + "\n"


def _by_count(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda name: (-counts[name], name))


def _words(item: Label | RelationType) -> dict[str, str]:
    return {key: value for key in ("zh", "en", "guideline_zh", "guideline_en") if (value := getattr(item, key))}


def _entry(name: str, values: Mapping[str, str]) -> list[str]:
    return [f"  {_quoted(name)}:", *(f"    {key}: {_quoted(value)}" for key, value in values.items())]


def _pair_lines(kind: RelationType, names: tuple[str, ...]) -> list[str]:
    if set(kind.pairs) == set(product(names, names)):
        return [f"    pairs: {ANY}"]
    targets: dict[str, list[str]] = {}
    for source, target in kind.pairs:
        targets.setdefault(source, []).append(target)
    rows = [f"      {_quoted(source)}: [{', '.join(map(_quoted, ends))}]" for source, ends in targets.items()]
    return ["    pairs:", *rows]


def _quoted(text: str) -> str:
    """JSON's quoting is YAML's, so that a label named "no" or "10" stays text."""
    return json.dumps(text, ensure_ascii=False)


def _built(document: YamlDocument) -> Ontology:
    builder = _Builder(document, list(document.problems))
    ontology = builder.ontology()
    if builder.problems:
        raise ConfigError("\n".join(map(str, builder.problems)))
    return ontology


@dataclass
class _Builder:
    """Turns a file's values into an Ontology and lists all that is wrong with them."""

    document: YamlDocument
    problems: list[Problem] = field(default_factory=list)

    def ontology(self) -> Ontology:
        values = self.document.values
        self._known_keys(values, ("name", "version", "labels", "types"), ())
        name = self._text(values, "name", (), default=Path(self.document.where).stem)
        version = values.get("version", 1)
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            self._problem(("version",), f"version is {version!r}.", "Give a whole number of at least 1.")
        labels = tuple(self._label(key, item) for key, item in self._section("labels"))
        names = [label.name for label in labels]
        types = tuple(self._type(key, item, names) for key, item in self._section("types"))
        return Ontology(name, version, labels, types)

    def _section(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the named mappings below labels or types; an empty one is allowed: the name says all."""
        section = self.document.values.get(key)
        if not isinstance(section, dict) or not section:
            self._problem((key,), f"{key} is missing or empty.", f"Write {key}: and one name per line below it.")
            return []
        self._one_spelling(key, section)
        items = []
        for name, item in section.items():
            if not name.strip() or not name.isprintable():
                self._problem((key, name), f"{name!r} is no name.", "Give a name of printable characters.")
            if name == ANY:
                self._problem((key, name), f'"{ANY}" stands for every label.', "Give it another name.")
            if item is not None and not isinstance(item, dict):
                self._problem((key, name), f"{key}.{name} is no mapping.", "Write its keys below it, or nothing.")
            items.append((name, item if isinstance(item, dict) else {}))
        return items

    def _one_spelling(self, key: str, names: Iterable[str]) -> None:
        seen: dict[str, str] = {}
        for name in names:
            first = seen.setdefault(name.casefold(), name)
            if first != name:
                what = f'"{name}" and "{first}" differ only in case.'
                self._problem((key, name), what, "Keep one: a model can't tell them apart.")

    def _label(self, name: str, item: dict[str, Any]) -> Label:
        path: KeyPath = ("labels", name)
        self._known_keys(item, ("zh", "en", "guideline_zh", "guideline_en", "anchored"), path)
        anchored = item.get("anchored", "require")
        if anchored not in ANCHORED:
            fix = suggestion(str(anchored), ANCHORED)
            self._problem((*path, "anchored"), f'there is no anchored: "{anchored}".', fix)
        return Label(name, *self._four_texts(item, path), cast("Anchored", anchored))

    def _type(self, name: str, item: dict[str, Any], labels: list[str]) -> RelationType:
        path: KeyPath = ("types", name)
        self._known_keys(item, ("zh", "en", "guideline_zh", "guideline_en", "pairs"), path)
        return RelationType(name, *self._four_texts(item, path), self._pairs(item.get("pairs", ANY), path, labels))

    def _pairs(self, value: object, path: KeyPath, labels: list[str]) -> tuple[Pair, ...]:
        """Read ``any`` or ``{source: [target, ...]}``, where a source or target may be ``any``."""
        if value == ANY:
            return tuple(product(labels, labels))
        here = (*path, "pairs")
        if not isinstance(value, dict) or not value:
            self._problem(here, f"the pairs of {path[-1]} are no mapping.", "Write source: [target, ...], or any.")
            return ()
        pairs: dict[Pair, None] = {}
        for source, targets in value.items():
            place = (*here, source)
            sources = self._ends(source, place, labels)
            ends = targets if isinstance(targets, list) else [targets]
            known = [label for end in ends for label in self._ends(end, place, labels)]
            pairs |= dict.fromkeys(product(sources, known))
            if not ends:
                self._problem(place, f"{path[-1]} joins {source} to nothing.", "List a target, or any.")
        return tuple(pairs)

    def _ends(self, name: object, path: KeyPath, labels: list[str]) -> list[str]:
        if name == ANY:
            return labels
        if name in labels:
            return [name]
        what = f'"{name}" in the pairs of {path[1]} is no label.'
        self._problem(path, what, suggestion(str(name), labels))
        return []

    def _four_texts(self, item: dict[str, Any], path: KeyPath) -> tuple[str, str, str, str]:
        zh, en = self._text(item, "zh", path), self._text(item, "en", path)
        return zh, en, self._text(item, "guideline_zh", path), self._text(item, "guideline_en", path)

    def _text(self, item: dict[str, Any], key: str, path: KeyPath, *, default: str = "") -> str:
        value = item.get(key, default)
        if not isinstance(value, str) or "\n" in value:
            self._problem((*path, key), f"{key} is {value!r}.", "Give one line of text, in quotes if need be.")
            return default
        return value

    def _known_keys(self, item: Mapping[str, Any], known: tuple[str, ...], path: KeyPath) -> None:
        for key in item:
            if key not in known:
                dotted = ".".join(map(str, (*path, key)))
                self._problem((*path, key), f'there is no key "{dotted}".', suggestion(key, known))

    def _problem(self, path: KeyPath, what: str, fix: str) -> None:
        self.problems.append(Problem("E-ONTOLOGY", self.document.place(path), what, fix))
