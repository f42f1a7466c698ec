"""The user's own synonyms, added to the shipped lists or struck off them.

Knows nothing about a corpus; what its names and labels forbid is taken out later, see vetting. A file looks like this:

    zh:
      add: [[近来, 近期], [据称，, 据说，]]   # groups: each word may stand for every other of its group
      veto: [十分]                          # words that are left alone
    en:
      add: [[chiefly, above all]]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kgtune import yaml_file
from kgtune.augmentation.tables import Tables, tables
from kgtune.errors import ConfigError, Problem
from kgtune.spelling import nearest, suggestion
from kgtune.yaml_file import KeyPath, YamlDocument

_EN_WORD = re.compile("[a-z][a-z' -]*,?")
_ZH_WORD = re.compile("[\u3400-\u9fff]+，?")
_COMMAS = (",", "，")


def with_user_words(path: str | None) -> dict[str, Tables]:
    """Return the shipped lists with the file's changes; raise a ConfigError with all that is wrong with it."""
    shipped = tables()
    if path is None:
        return shipped
    reader = _Reader(yaml_file.read(Path(path)))
    changed = {language: reader.changed(language, table) for language, table in shipped.items()}
    reader.check_keys(shipped)
    if reader.problems:
        raise ConfigError("\n".join(map(str, reader.problems)))
    return changed


@dataclass
class _Reader:
    """Reads the file once and collects its problems."""

    document: YamlDocument
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problems += self.document.problems

    def check_keys(self, languages: Mapping[str, Tables]) -> None:
        """Refuse a key that nobody would read."""
        for language, section in self.document.values.items():
            if language not in languages:
                self._problem((language,), f'"{language}" is no language.', suggestion(language, languages))
            elif not isinstance(section, dict):
                self._problem((language,), f"{language} is no mapping.", "Write add: and veto: below it.")
            else:
                for key in set(section) - {"add", "veto"}:
                    self._problem((language, key), f'there is no key "{key}".', suggestion(key, ("add", "veto")))

    def changed(self, language: str, table: Tables) -> Tables:
        """Add the groups, each to the one it shares a word with, and strike off the vetoed words."""
        section = self.document.values.get(language)
        if not isinstance(section, dict):
            return table
        groups = [(group, True) for group in table.openers] + [(group, False) for group in table.groups]
        for group in self._groups(section, language):
            shared = [old for old in groups if set(old[0]) & set(group)]
            # A word with a comma opens a clause, unless it joins words that do not: 表示，指出，are verbs.
            opens = group[0].endswith(_COMMAS) and all(opens for _, opens in shared)
            united = tuple(dict.fromkeys(word for words, _ in (*shared, (group, opens)) for word in words))
            groups = [old for old in groups if old not in shared] + [(united, opens)]
        known = {word for group, _ in groups for word in group}
        vetoed = set(self._words(section.get("veto", []), language, ("veto",)))
        for word in sorted(vetoed - known):
            near = nearest(word, known)
            fix = f'Did you mean "{near}"?' if near else f"The words are in kgtune/tables/{language}.py."
            self._problem((language, "veto"), f'"{word}" is in no group.', fix)
        left = [(tuple(word for word in group if word not in vetoed), opens) for group, opens in groups]
        return replace(
            table,
            openers=tuple(group for group, opens in left if opens and len(group) > 1),
            groups=tuple(group for group, opens in left if not opens and len(group) > 1),
        )

    def _groups(self, section: Mapping[str, Any], language: str) -> Iterator[tuple[str, ...]]:
        added = section.get("add", [])
        for index, group in enumerate(added if isinstance(added, list) else [added]):
            words = tuple(self._words(group, language, ("add", index)))
            if len({word.endswith(_COMMAS) for word in words}) > 1:
                what = f"{list(words)}: some words have a comma and some have none."
                self._problem((language, "add", index), what, "A connective has its comma in every spelling.")
            elif len(set(words)) > 1:
                yield words
            elif not isinstance(group, list) or len(words) == len(group):  # else a word of it has been told of
                self._problem((language, "add", index), f"{group!r} is no group.", "Give two words or more: [a, b].")

    def _words(self, value: object, language: str, path: KeyPath) -> list[str]:
        words = value if isinstance(value, list) else [value]
        script = _ZH_WORD if language == "zh" else _EN_WORD
        good = [word for word in words if isinstance(word, str) and script.fullmatch(word)]
        for word in words:
            if word not in good:
                fix = "Give letters of that language, in lower case, with one comma at most at the end."
                self._problem((language, *path), f"{word!r} is no {language} word.", fix)
        return good

    def _problem(self, path: KeyPath, what: str, fix: str) -> None:
        self.problems.append(Problem("E-SYNONYMS", self.document.place(path), what, fix))
