"""Which split each group went to in earlier conversions, kept beside the training data, so that old documents stay.

Knows nothing about how groups are found or assigned. Commit the file, not the data: it holds ids alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from kgtune.errors import DataError, Problem
from kgtune.examples import Split
from kgtune.runs import write_json_atomic

NAME = "splits.lock.json"
VERSION = 1
# Of a group that was in two splits: what a model may have learnt is never measured again, and what training was
# watched on is no test.
SAFEST_FIRST: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Lock:
    """Splits by group id; `documents` names the group of each document whose id is not its group's."""

    groups: Mapping[str, Split] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)

    def splits_of(self, members: Iterable[str]) -> list[Split]:
        """Return the splits that a group's members (document ids and given group ids) are in, the safest first."""
        groups = {self.documents.get(member, member) for member in members}
        found = {self.groups[group] for group in groups if group in self.groups}
        return [split for split in SAFEST_FIRST if split in found]

    def with_groups(self, splits: Mapping[str, Split], members: Mapping[str, Iterable[str]]) -> Lock:
        """Return the lock with these groups as well; those that have become part of one go, all others stay."""
        here = {member for found in members.values() for member in found}
        gone = {self.documents.get(member, member) for member in here}
        groups = {group: split for group, split in self.groups.items() if group not in gone}
        documents = {one: group for one, group in self.documents.items() if group not in gone}
        for group, split in splits.items():
            groups[group] = split
            documents |= {member: group for member in members[group] if member != group}
        return Lock(groups, documents)


def read(path: Path) -> Lock:
    """Read the lock; where there is no file, nothing is locked."""
    if not path.exists():
        return Lock()
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(path, f"can't be read: {error}.") from error
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise _unusable(path, f"is of another version than {VERSION}.")
    groups, documents = _strings(value.get("groups")), _strings(value.get("documents"))
    if groups is None or documents is None or not set(groups.values()) <= {*SAFEST_FIRST}:
        raise _unusable(path, f"does not map groups to {', '.join(SAFEST_FIRST)}.")
    return Lock(cast("Mapping[str, Split]", groups), documents)


def write(path: Path, lock: Lock) -> None:
    """Write the lock in the order of its ids, so that a version control shows what came."""
    write_json_atomic(
        path,
        {
            "version": VERSION,
            "groups": dict(sorted(lock.groups.items())),
            "documents": dict(sorted(lock.documents.items())),
        },
    )


def _strings(value: object) -> dict[str, str] | None:
    """Return the value where it is an object of strings."""
    is_one = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return cast("dict[str, str]", value) if is_one else None


def _unusable(path: Path, what: str) -> DataError:
    fix = "Restore it, or delete it: all documents are then split anew. data.splits_lock=false does without it once."
    return DataError([Problem("E-SPLITS-LOCK", str(path), what, fix)])
