"""An ontology's YAML -> records, with everything that is wrong with it, line by line.

Knows nothing about what ships or which ontology a run uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, cast

from kgtune.errors import ConfigError, Problem
from kgtune.ontology.records import ANCHORED, ANY, Anchored, Label, Ontology, Pair, RelationType, StixVerb
from kgtune.spelling import spelling_key, suggestion
from kgtune.yaml_file import KeyPath, YamlDocument

_TEXT_KEYS = ("zh", "en", "guideline_zh", "guideline_en")
_LABEL_KEYS = (*_TEXT_KEYS, "anchored", "aliases", "stix", "stix_property")
_TYPE_KEYS = (*_TEXT_KEYS, "pairs", "aliases", "stix")
_VERB_KEYS = ("type", "property", "reversed")


def built(document: YamlDocument) -> Ontology:
    """Make the ontology that a file describes, or raise a ConfigError with all its mistakes."""
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
        self._one_owner("labels", labels)
        self._one_owner("types", types)
        return Ontology(name, version, labels, types)

    def _section(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the named mappings below labels or types; an empty one is allowed: the name says all."""
        section = self.document.values.get(key)
        if section == {} and key == "types":  # said in so many words: the data holds no relationships
            return []
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

    def _one_owner(self, section: str, items: Iterable[Label | RelationType]) -> None:
        """Refuse an alias that two items claim, or that is another item's name: it would say nothing."""
        items = tuple(items)
        owners = {spelling_key(item.name): item.name for item in items}
        for item in items:
            for alias in item.aliases:
                owner = owners.setdefault(spelling_key(alias), item.name)
                if owner != item.name:
                    what = f'"{alias}" is an alias of {item.name}, and already stands for {owner}.'
                    self._problem((section, item.name, "aliases"), what, "Keep it at one of the two.")

    def _label(self, name: str, item: dict[str, Any]) -> Label:
        path: KeyPath = ("labels", name)
        self._known_keys(item, _LABEL_KEYS, path)
        anchored = item.get("anchored", "require")
        if anchored not in ANCHORED:
            fix = suggestion(str(anchored), ANCHORED)
            self._problem((*path, "anchored"), f'there is no anchored: "{anchored}".', fix)
        return Label(
            name,
            *self._four_texts(item, path),
            cast("Anchored", anchored),
            self._names(item, "aliases", path),
            self._names(item, "stix", path),
            self._text(item, "stix_property", path),
        )

    def _type(self, name: str, item: dict[str, Any], labels: list[str]) -> RelationType:
        path: KeyPath = ("types", name)
        self._known_keys(item, _TYPE_KEYS, path)
        pairs = self._pairs(item.get("pairs", ANY), path, labels)
        aliases = self._names(item, "aliases", path)
        return RelationType(name, *self._four_texts(item, path), pairs, aliases, self._verbs(item, path))

    def _names(self, item: dict[str, Any], key: str, path: KeyPath) -> tuple[str, ...]:
        value = item.get(key)
        if value is None:
            return ()
        names = value if isinstance(value, list) else [value]
        for name in names:
            if not isinstance(name, str) or not name.strip() or not name.isprintable():
                what = f"{name!r} in {key} of {path[-1]} is no name."
                self._problem((*path, key), what, f"Write {key}: [name, ...], in quotes if need be.")
        return tuple(name for name in names if isinstance(name, str))

    def _verbs(self, item: dict[str, Any], path: KeyPath) -> tuple[StixVerb, ...]:
        value = item.get("stix")
        entries = value if isinstance(value, list) else [] if value is None else [value]
        return tuple(verb for entry in entries if (verb := self._verb(entry, (*path, "stix"))))

    def _verb(self, entry: object, path: KeyPath) -> StixVerb | None:
        """Read ``{type: uses}`` or ``{property: object_refs}``, either with ``reversed: true``."""
        fix = "Write {type: uses}, {type: uses, reversed: true} or {property: object_refs}."
        if not isinstance(entry, dict):
            self._problem(path, f"{entry!r} is no STIX relationship.", fix)
            return None
        self._known_keys(entry, _VERB_KEYS, path)
        verb = StixVerb(entry.get("type", ""), entry.get("reversed", False), entry.get("property", ""))
        texts = [text for text in (verb.type, verb.property) if text]
        if len(texts) != 1 or not isinstance(texts[0], str) or not isinstance(verb.reversed, bool):
            self._problem(path, f"{entry!r} is no STIX relationship.", fix)
            return None
        return verb

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
