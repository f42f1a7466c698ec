"""What a model's answers are held to: by its contract, its ontology and the configuration, wherever it runs.

Knows nothing about models, grammars at work or torch.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from kgtune import graph as graphs
from kgtune.decoding.grammar import Rules
from kgtune.graph import Entity, Graph, Relationship
from kgtune.ontology import Ontology
from kgtune.prompt import Contract
from kgtune.settings import DecodingSettings

log = logging.getLogger(__name__)

ANSWER_MARGIN = 1.25  # an unseen text may need a longer answer than the longest one seen
# No entity takes fewer tokens: its keys alone are more. So many fit under the cap at most.
_TOKENS_PER_ENTITY = 8
_MOST_ENTITIES = 999


def answer_cap(decoding: DecodingSettings, max_answer_tokens: int) -> int:
    """The token cap of an answer: as configured, or from the longest answer of the training data."""
    if decoding.max_new_tokens == "auto":
        return int(max_answer_tokens * ANSWER_MARGIN) + 16
    return int(decoding.max_new_tokens)


def rules_for(contract: Contract, ontology: Ontology, decoding: DecodingSettings, max_tokens: int) -> Rules | None:
    """What a model's answers are held to; None where nothing is. Says what stays free, and why."""
    if decoding.constraint == "none":
        return None
    floor = decoding.grounded_floor
    is_full = decoding.constraint == "full"
    shares = {
        label.name: contract.verbatim_names.get(label.name) for label in ontology.labels if label.anchored != "allow"
    }
    grounded = {name for name, share in shares.items() if is_full and share is not None and share >= floor}
    is_evidence_grounded = is_full and contract.verbatim_evidence is not None and contract.verbatim_evidence >= floor
    if is_full:
        named = {f"names of {name}": share for name, share in shares.items()}
        _say_what_is_free({**named, "evidence": contract.verbatim_evidence}, floor)
    return Rules(
        labels=ontology.label_names,
        types=ontology.type_names,
        is_closed=is_full,
        verbatim_labels=frozenset(grounded),
        is_evidence_verbatim=is_evidence_grounded,
        has_descriptions=contract.has_descriptions or not is_full,
        max_entities=min(_MOST_ENTITIES, max(1, max_tokens // _TOKENS_PER_ENTITY)),
        max_name_chars=decoding.max_name_chars,
        max_evidence_chars=decoding.max_evidence_chars,
    )


def _say_what_is_free(shares: Mapping[str, float | None], floor: float) -> None:
    free = [
        f"{name} ({'not recorded' if share is None else f'{share:.1%}'})"
        for name, share in shares.items()
        if share is None or share < floor
    ]
    if free:
        log.warning(
            "not held to the text, since less than decoding.grounded_floor=%.0f%% of what the model was trained on "
            "stands in it word for word: %s",
            100 * floor,
            ", ".join(free),
        )


def kept(graph: Graph, text: str, rules: Rules) -> tuple[Graph, Counter[str]]:
    """Return what of a graph keeps to the rules, and count by reason what does not.

    A model that writes under our own grammar can't break them. A server may know less of them, or none.
    """
    broken = Counter[str]()
    entities = [entity for entity in graph.entities if not _breaks(_of_entity(entity, text, rules), broken)]
    edges = [edge for edge in graph.relationships if not _breaks(_of_relationship(edge, rules), broken)]
    if rules.is_evidence_verbatim:
        away = [edge.evidence not in text for edge in edges]
        broken["evidence is not in the text"] += sum(away)
        edges = [replace(edge, evidence="") if is_away else edge for edge, is_away in zip(edges, away, strict=True)]
    found = Graph(tuple(entities), tuple(edges))
    if rules.is_closed:
        found, faults = graphs.closed(found)
        broken += faults
    return found, +broken


def _breaks(reason: str, broken: Counter[str]) -> bool:
    broken[reason] += bool(reason)
    return bool(reason)


def _of_entity(entity: Entity, text: str, rules: Rules) -> str:
    if entity.labels not in rules.labels:
        return "unknown label"
    return "name is not in the text" if entity.labels in rules.verbatim_labels and entity.name not in text else ""


def _of_relationship(edge: Relationship, rules: Rules) -> str:
    return "" if edge.type in rules.types else "unknown type"
