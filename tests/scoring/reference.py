"""A second scorer, slow and straight from the definitions: lists, loops, every pairing tried. For the tests alone.

Shares no line with kgtune.scoring: names are folded, compared and looked for by its own code, which knows the kinds of
names in cases and no others.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata

from kgtune.graph import Graph
from tests.scoring.cases import Case

LEGAL = {
    ("ThreatOrganization", "USE", "Tool"), ("ThreatOrganization", "ATTACK", "Target"),
    ("ThreatOrganization", "LAUNCH", "Target"),
}  # fmt: skip
KNOWN_LABELS = {"ThreatOrganization", "Tool", "Target"}
KNOWN_TYPES = {"USE", "ATTACK", "LAUNCH"}
ALIASES = {"kit": "Tool", "STRIKE": "ATTACK"}


def spelt(name):
    return ALIASES.get(name, name)


def fold(name):
    return " ".join(unicodedata.normalize("NFKC", name).lower().split())


def edits(one, other):
    """Levenshtein's distance, the whole table."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            change = table[i - 1][j - 1] + (one[i - 1] != other[j - 1])
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, change)
    return table[-1][-1]


def is_indicator(name):
    return re.fullmatch(r"\d+\.\d+\.\d+\.\d+|velka(\.|\[\.\])invalid", name) is not None


def alike(one, other):
    """Names that make a relaxed match."""
    one, other = fold(one), fold(other)
    if one == other or one.replace("[.]", ".") == other.replace("[.]", "."):
        return True
    if is_indicator(one) or is_indicator(other):
        return False
    short, long = sorted((one, other), key=len)
    least = 2 if re.search("[\u4e00-\u9fff]", short) else 3
    if len(short) >= least and re.search(rf"(?<![a-z0-9]){re.escape(short)}(?![a-z0-9])", long):
        return True
    if len(short) >= least and re.search("[\u4e00-\u9fff]", short) and short in long:
        return True
    same_numbers = re.findall(r"\d+", one) == re.findall(r"\d+", other)
    return len(short) >= 5 and same_numbers and 1 - edits(one, other) / len(long) >= 0.85


def most_pairs(gold, predicted, fits):
    """The greatest number of one-to-one pairs, by trying every order of the longer side."""
    if len(gold) > len(predicted):
        return most_pairs(predicted, gold, lambda p, g: fits(g, p))
    orders = itertools.permutations(predicted, len(gold))
    return max(sum(fits(g, p) for g, p in zip(gold, order, strict=True)) for order in orders)


def taken_off(gold, predicted):
    """Predicted items that equal a gold one, each gold one used once: their places."""
    left, places = list(gold), []
    for place, item in enumerate(predicted):
        if item in left:
            left.remove(item)
            places.append(place)
    return places


def ends(graph: Graph):
    """Relationships as (type, (label, name) or None, (label, name) or None); the first entity of an id has it."""

    def find(identity):
        return next(((e.labels, fold(e.name)) for e in graph.entities if e.id == identity), None)

    return [(r.type, find(r.source), find(r.target)) for r in graph.relationships]


def stands(name, text):
    """Where a name stands: exact, folded, refanged or none."""

    def found(needle, haystack):
        before = r"(?<![A-Za-z0-9])" if needle[0].isascii() and needle[0].isalnum() else ""
        behind = r"(?![A-Za-z0-9])" if needle[-1].isascii() and needle[-1].isalnum() else ""
        return re.search(before + re.escape(needle) + behind, haystack) is not None

    name = name.strip()
    if len(fold(name)) < 2:
        return "none"
    if found(name, text):
        return "exact"
    if len(fold(name)) < 4 and name.isascii():
        return "none"
    if found(fold(name), fold(text)):
        return "folded"
    refanged = fold(text).replace("[.]", ".")
    if re.search("[.:@]", fold(name)) and found(fold(name).replace("[.]", "."), refanged):
        return "refanged"
    return "none"


def share(up, down):
    return up / down if down else None


def prf(hits, gold, predicted):
    return share(hits, predicted), share(hits, gold), share(2 * hits, gold + predicted)


def items(case: Case, mode: str, thing: str):
    """(hits, gold, predicted) of one case."""
    predicted = case.seen if mode == "after_repair" else case.strict
    gold, predicted = case.gold, predicted or Graph()
    if thing == "entity":
        mine, theirs = ([(e.labels, fold(e.name)) for e in g.entities] for g in (gold, predicted))
        if mode == "relaxed":
            hits = most_pairs(mine, theirs, lambda g, p: spelt(g[0]) == spelt(p[0]) and alike(g[1], p[1]))
        elif mode == "type_agnostic":
            hits = len(taken_off([e[1] for e in mine], [e[1] for e in theirs]))
        else:
            hits = len(taken_off(mine, theirs))
        return hits, len(mine), len(theirs)
    mine, theirs = ends(gold), ends(predicted)
    if mode == "relaxed":
        hits = most_pairs(mine, theirs, relationships_alike)
    elif mode == "type_agnostic":
        bare = [[(s and s[1], t and t[1]) for _, s, t in side if s and t] for side in (mine, theirs)]
        hits = len(taken_off(*bare))
    else:
        hits = len(taken_off(mine, [r if r[1] and r[2] else None for r in theirs]))
    return hits, len(mine), len(theirs)


def relationships_alike(g, p):
    if not (p[1] and p[2]) or spelt(g[0]) != spelt(p[0]):
        return False
    if (spelt(g[1][0]), spelt(g[2][0])) != (spelt(p[1][0]), spelt(p[2][0])):
        return False
    return alike(g[1][1], p[1][1]) and alike(g[2][1], p[2][1])


def hallucinated(case: Case) -> tuple[int, int]:
    """Predicted entities and relationships that no gold one is like and the text does not name."""
    graph = case.strict or Graph()
    invented = [
        e.id
        for e in graph.entities
        if stands(e.name, case.text) == "none"
        and not any(spelt(g.labels) == spelt(e.labels) and alike(g.name, e.name) for g in case.gold.entities)
    ]
    floating = 0
    for edge, resolved in zip(graph.relationships, ends(graph), strict=True):
        points_nowhere = not (resolved[1] and resolved[2])
        if not any(relationships_alike(g, resolved) for g in ends(case.gold)):
            floating += points_nowhere or edge.source in invented or edge.target in invented
    return len(invented), floating


def score(cases: list[Case]) -> dict[str, float | None]:
    """Every metric of a set."""
    n = len(cases)
    graphs = [c.strict for c in cases]
    found: dict[str, float | None] = {
        "strict_parse_rate": share(sum(c.is_json for c in cases), n),
        "parse_after_repair_rate": share(sum(c.seen is not None for c in cases), n),
        "contract_shape_rate": share(sum(g is not None for g in graphs), n),
        "schema_valid_rate": share(sum(g is not None and _valid(g) for g in graphs), n),
        "referential_integrity_rate": share(sum(g is not None and _closed(g) for g in graphs), n),
        "exact_graph_rate": share(sum(_exact(c) for c in cases), n),
        "truncation_rate": share(sum(c.is_truncated for c in cases), n),
    }
    edges = [edge for g in graphs if g for edge in ends(g)]
    found["endpoint_legality_rate"] = share(
        sum(bool(s and t) and (s[0], kind, t[0]) in LEGAL for kind, s, t in edges), len(edges)
    )
    for name, kinds in (("", None), ("_easy", "easy_negative"), ("_hard", "hard_negative")):
        empties = [c for c in cases if c.gold.is_empty and kinds in (None, c.kind)]
        right = sum(c.strict is not None and c.strict.is_empty for c in empties)
        found[f"empty_text_accuracy{name}"] = share(right, len(empties))
    together = [0, 0, 0]
    for thing in ("entity", "relationship"):
        for mode in ("strict", "relaxed", "type_agnostic", "after_repair"):
            sums = [sum(column) for column in zip(*(items(c, mode, thing) for c in cases), strict=True)]
            prefix = f"{thing}_" if mode == "strict" else f"{thing}_{mode}_"
            for name, value in zip(("precision", "recall", "f1"), prf(*sums), strict=True):
                found[prefix + name] = value
            if mode == "relaxed":
                found[f"{thing}_omission_rate"] = share(sums[1] - sums[0], sums[1])
            if mode == "strict":
                together = [a + b for a, b in zip(together, sums, strict=True)]
                found[f"{thing}_production_ratio"] = share(sums[2], sums[1])
                found[f"{thing}_repetition_rate"] = share(sum(_repeats(c.strict, thing) for c in cases), sums[2])
    found |= dict(zip(("precision", "recall", "f1"), prf(*together), strict=True))
    counts = [hallucinated(c) for c in cases]
    for place, (thing, total) in enumerate((("entity", "entities"), ("relationship", "relationships"))):
        num_predicted = sum(len(getattr(g, total)) for g in graphs if g)
        found[f"{thing}_hallucination_rate"] = share(sum(count[place] for count in counts), num_predicted)
    return found | _grounding(cases) | _calibration(cases)


def _valid(graph):
    return {e.labels for e in graph.entities} <= KNOWN_LABELS and {r.type for r in graph.relationships} <= KNOWN_TYPES


def _closed(graph):
    ids = [e.id for e in graph.entities]
    return len(ids) == len(set(ids)) and all(r.source in ids and r.target in ids for r in graph.relationships)


def _exact(case):
    return case.strict is not None and all(
        hits == gold == predicted
        for hits, gold, predicted in (items(case, "strict", t) for t in ("entity", "relationship"))
    )


def _repeats(graph, thing):
    if graph is None:
        return 0
    if thing == "entity":
        keys = [(e.labels, fold(e.name)) for e in graph.entities]
    else:
        resolved = ends(graph)
        # two ends that point nowhere are the same when their ids are
        keys = [(k, s or r.source, t or r.target) for (k, s, t), r in zip(resolved, graph.relationships, strict=True)]
    return len(keys) - len(set(keys))


def _grounding(cases):
    names = [stands(e.name, c.text) for c in cases if c.strict for e in c.strict.entities]
    evidence, both = [], 0
    for case in cases:
        for edge, (_, source, target) in (
            zip(case.strict.relationships, ends(case.strict), strict=True) if case.strict else ()
        ):
            quoted = edge.evidence.strip()
            evidence.append(
                "missing" if not quoted else "exact" if edge.evidence in case.text else stands(quoted, case.text)
            )
            entities = {e.id: e for e in reversed(case.strict.entities)}
            both += bool(source and target) and all(
                quoted and stands(entities[end].name, edge.evidence) != "none" for end in (edge.source, edge.target)
            )
    return {
        "name_grounding_rate": share(sum(level != "none" for level in names), len(names)),
        "evidence_grounding_rate": share(sum(level not in ("none", "missing") for level in evidence), len(evidence)),
        "evidence_names_both_ends_rate": share(both, len(evidence)),
    }


def probabilities(case):
    """Make up the probability of each relationship."""
    edges = case.strict.relationships if case.strict else ()
    return tuple((len(edge.evidence) + 3 * place) % 8 / 8 for place, edge in enumerate(edges))


def _calibration(cases):
    stated, given = [], []
    for case in cases:
        if case.strict:
            predicted = [r if r[1] and r[2] else None for r in ends(case.strict)]
            right = taken_off(ends(case.gold), predicted)
            stated += [(edge.confidence, place in right) for place, edge in enumerate(case.strict.relationships)]
            given += [(one**2, place in right) for place, one in enumerate(probabilities(case))]
    return _surety("", stated) | _surety("given_", given)


def _surety(prefix, pairs):
    bins: dict[int, list] = {}
    for confidence, right in pairs:
        bins.setdefault(min(math.floor(confidence * 10 + 1e-12), 9), []).append((confidence, right))
    gaps = sum(abs(sum(right for _, right in one) - sum(c for c, _ in one)) for one in bins.values())
    return {
        f"{prefix}brier_score": share(sum((c - right) ** 2 for c, right in pairs), len(pairs)),
        f"{prefix}calibration_error": share(gaps, len(pairs)),
    }
