"""Scores of predicted graphs against gold ones: by name, never by id.

Knows nothing about models, prompts or files. Rates are in [0, 1]; a rate over nothing is None.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kgtune import grounding
from kgtune.graph import Graph, reference_problems
from kgtune.ontology import Ontology
from kgtune.parsing import Parsed, parse_answer

Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Judged:
    """One document: its gold graph, the raw answer, and what could be read from it."""

    id: str
    lang: str
    gold: Graph
    answer: str
    graph: Graph | None
    reason: str | None
    is_truncated: bool = False


def judge(document_id: str, lang: str, gold: Graph, answer: str, *, is_truncated: bool = False) -> Judged:
    """Read an answer strictly and pair it with its gold graph."""
    parsed = parse_answer(answer)
    if isinstance(parsed, Parsed):
        return Judged(document_id, lang, gold, answer, parsed.graph, None, is_truncated)
    reason = "json_but_no_graph:" + parsed.reason if parsed.is_json else parsed.reason
    return Judged(document_id, lang, gold, answer, None, reason, is_truncated)


def score(judged: Sequence[Judged], ontology: Ontology) -> dict[str, Any]:
    """Score a set of answers. Every rate comes with its counts and a 95 % Wilson interval."""
    parsed = [j for j in judged if j.graph is not None]
    empties = [j for j in judged if j.gold.is_empty]
    is_json = [j for j in judged if j.graph is not None or (j.reason or "").startswith("json_but_no_graph")]
    return {
        "num_documents": len(judged),
        "strict_parse_rate": rate(len(is_json), len(judged)),
        "contract_shape_rate": rate(len(parsed), len(judged)),
        "failure_reasons": dict(sorted(Counter(j.reason for j in judged if j.reason).items())),
        "schema_valid_rate": rate(
            sum(is_schema_valid(j.graph, ontology) for j in parsed if j.graph),
            len(judged),
        ),
        "referential_integrity_rate": rate(
            sum(not reference_problems(j.graph) for j in parsed if j.graph is not None),
            len(judged),
        ),
        "entities": f1(judged, entity_keys),
        "relationships": f1(judged, relationship_keys),
        "empty_text_accuracy": rate(sum(j.graph is not None and j.graph.is_empty for j in empties), len(empties)),
        "truncation_rate": rate(sum(j.is_truncated for j in judged), len(judged)),
        "num_gold_entities": sum(len(j.gold.entities) for j in judged),
        "num_predicted_entities": sum(len(j.graph.entities) for j in parsed if j.graph),
        "num_gold_relationships": sum(len(j.gold.relationships) for j in judged),
        "num_predicted_relationships": sum(len(j.graph.relationships) for j in parsed if j.graph),
    }


def score_by_language(judged: Sequence[Judged], ontology: Ontology) -> dict[str, dict[str, Any]]:
    """Score each language's documents on their own."""
    languages = sorted({j.lang for j in judged})
    return {lang: score([j for j in judged if j.lang == lang], ontology) for lang in languages}


def is_schema_valid(graph: Graph, ontology: Ontology) -> bool:
    """True when every label and type is the ontology's."""
    labels, types = (
        {label.name for label in ontology.labels},
        {kind.name for kind in ontology.types},
    )
    return all(e.labels in labels for e in graph.entities) and all(r.type in types for r in graph.relationships)


def entity_keys(graph: Graph) -> Counter[tuple[str, ...]]:
    """Entities as (label, folded name)."""
    return Counter((entity.labels, folded(entity.name)) for entity in graph.entities)


def relationship_keys(graph: Graph) -> Counter[tuple[str, ...]]:
    """Relationships as (type, source label and name, target label and name); a dangling end is its bare id."""
    ends = {entity.id: (entity.labels, folded(entity.name)) for entity in graph.entities}
    return Counter(
        (
            r.type,
            *ends.get(r.source, ("?", r.source)),
            *ends.get(r.target, ("?", r.target)),
        )
        for r in graph.relationships
    )


def folded(name: str) -> str:
    """The form in which names are compared: width, case, quotes and white space folded away."""
    return grounding.fold(name).key


def f1(judged: Sequence[Judged], keys: Callable[[Graph], Counter[tuple[str, ...]]]) -> dict[str, Any]:
    """Micro precision, recall and F1 over all documents. An unreadable answer predicts nothing."""
    hits = num_gold = num_predicted = 0
    for j in judged:
        gold, predicted = (
            keys(j.gold),
            keys(j.graph) if j.graph is not None else Counter(),
        )
        hits += (gold & predicted).total()
        num_gold += gold.total()
        num_predicted += predicted.total()
    precision = hits / num_predicted if num_predicted else None
    recall = hits / num_gold if num_gold else None
    value = 2 * hits / (num_gold + num_predicted) if num_gold + num_predicted else None
    return {
        "precision": _round(precision),
        "recall": _round(recall),
        "f1": _round(value),
        "num_hits": hits,
        "num_gold": num_gold,
        "num_predicted": num_predicted,
    }


def rate(count: int, total: int) -> dict[str, Any]:
    """A share with its counts and its 95 % Wilson interval."""
    if not total:
        return {"rate": None, "count": 0, "of": 0, "low": None, "high": None}
    p = count / total
    centre = (p + Z95**2 / (2 * total)) / (1 + Z95**2 / total)
    half = Z95 * math.sqrt(p * (1 - p) / total + Z95**2 / (4 * total**2)) / (1 + Z95**2 / total)
    return {
        "rate": _round(p),
        "count": count,
        "of": total,
        "low": _round(max(0.0, centre - half)),
        "high": _round(min(1.0, centre + half)),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
