"""Names that are one entity, by a table: the examples' own, a user's, or a MISP-galaxy cluster that a user has.

Knows nothing about texts, graphs or labels. That two names are one is never guessed from their letters.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kgtune import yaml_file
from kgtune.errors import ConfigError, DataError, Problem
from kgtune.folding import match_key

log = logging.getLogger(__name__)

FOLDER = Path(__file__).resolve().parent.parent / "ontologies" / "aliases"
SHIPPED = ("examples",)
_SHORTEST = 2  # of a folded name; one letter names nothing
_FIX = 'Write a name and its others, as in {"OceanLotus": ["APT32", "海莲花"]}, or give a MISP-galaxy cluster.'


class Aliases:
    """Groups of names. `ambiguous` are those that stand in several groups: they are told apart in no text, so not used.

    Where two tables name a group alike, it is one group.
    """

    def __init__(self, groups: Iterable[Sequence[str]] = ()) -> None:
        owners: dict[str, set[str]] = {}
        firsts: dict[str, str] = {}
        for names in groups:
            canonical = firsts.setdefault(match_key(names[0]), names[0])
            for name in names:
                if len(key := match_key(name)) >= _SHORTEST:
                    owners.setdefault(key, set()).add(canonical)
        self.ambiguous = frozenset(key for key, known in owners.items() if len(known) > 1)
        self._group_of = {key: min(known) for key, known in owners.items() if len(known) == 1}

    def __len__(self) -> int:
        return len(self._group_of)

    def group(self, name: str) -> str | None:
        """Return the name of the group that a name belongs to, None where it belongs to none or to several."""
        return self._group_of.get(match_key(name))


def load(tables: Sequence[str]) -> Aliases:
    """Read tables: shipped ones by name, others by path. Says which names can't be used."""
    groups = [group for table in tables for group in _groups(table)]
    aliases = Aliases(groups)
    if aliases.ambiguous:
        few = ", ".join(sorted(aliases.ambiguous)[:5])
        log.warning("aliases: %d names stand in several groups and are not used: %s", len(aliases.ambiguous), few)
    return aliases


def _groups(table: str) -> list[tuple[str, ...]]:
    path = FOLDER / f"{table}.yaml" if table in SHIPPED else Path(table)
    if not path.is_file():
        known = ", ".join(SHIPPED)
        raise ConfigError(f'output.aliases: there is no table "{table}". Known: {known}. Or give the path of a file.')
    problems: list[Problem] = []
    value = _read_json(path) if path.suffix == ".json" else _read_yaml(path, problems)
    is_cluster = isinstance(value, Mapping) and isinstance(value.get("values"), list)
    groups = list(_of_cluster(value["values"], path, problems) if is_cluster else _of_table(value, path, problems))
    if problems:
        raise DataError(problems)
    return groups


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError([Problem("E-JSON", str(path), f"is no JSON: {error}.", _FIX)]) from None


def _read_yaml(path: Path, problems: list[Problem]) -> Any:
    document = yaml_file.read(path)
    problems += document.problems
    return document.values


def _of_table(value: Any, path: Path, problems: list[Problem]) -> Iterator[tuple[str, ...]]:
    if not isinstance(value, Mapping):
        problems.append(Problem("E-ALIASES", str(path), "is no table of names.", _FIX))
        return
    for canonical, others in value.items():
        if isinstance(canonical, str) and isinstance(others, list) and all(isinstance(name, str) for name in others):
            yield (canonical, *others)
        else:
            what = f"{canonical!r:.60} has no list of names."
            problems.append(Problem("E-ALIASES", f"{path}: {canonical}", what, _FIX))


def _of_cluster(values: list[Any], path: Path, problems: list[Problem]) -> Iterator[tuple[str, ...]]:
    """Read a MISP-galaxy cluster: each value's own name, and the synonyms in its `meta`, if it has any."""
    for number, item in enumerate(values):
        name = item.get("value") if isinstance(item, Mapping) else None
        meta = item.get("meta", {}) if isinstance(item, Mapping) else {}
        synonyms = meta.get("synonyms", []) if isinstance(meta, Mapping) else []
        if not isinstance(name, str) or not isinstance(synonyms, list):
            what = "has no value, or synonyms that are no list."
            problems.append(Problem("E-ALIASES", f"{path}: values[{number}]", what, _FIX))
            continue
        yield (name, *(synonym for synonym in synonyms if isinstance(synonym, str)))
