"""Raw items of invented actors, and what the linter finds in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kgtune import lint, ontology
from kgtune.lint.findings import Finding
from kgtune.ontology import Ontology
from kgtune.sources import read_raw

Check = Callable[..., list[Finding]]


def sound_item(**changes: Any) -> dict[str, Any]:
    """An item without any finding."""
    return {
        "id": "r1",
        "text": "Vexa used Latch.",
        "entities": [
            {"labels": "ThreatOrganization", "id": "o", "name": "Vexa", "description": ""},
            {"labels": "Tool", "id": "t", "name": "Latch", "description": ""},
        ],
        "relationships": [
            {"type": "USE", "source": "o", "target": "t", "confidence": 0.9, "evidence": "Vexa used Latch."}
        ],
        "keep": {"me": 1},
    } | changes


@pytest.fixture
def item() -> Callable[..., dict[str, Any]]:
    return sound_item


@pytest.fixture
def edge() -> dict[str, Any]:
    return sound_item()["relationships"][0]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Check items, or the content of a file, as `convert_data.py --check` does."""

    def run(
        *items: Any, content: str | bytes | None = None, name: str = "raw.json", by: Ontology | None = None
    ) -> list[Finding]:
        path = tmp_path / name
        written = json.dumps(items, ensure_ascii=False, indent=1) if content is None else content
        path.write_bytes(written if isinstance(written, bytes) else written.encode())
        raw_set = read_raw([path])
        found = lint.check(
            raw_set.documents,
            by or ontology.load("threat_event"),
            problems=raw_set.problems,
            paths=[path],
        )
        return list(found)

    return run
