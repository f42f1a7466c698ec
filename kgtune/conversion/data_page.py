"""The data report as one HTML page: figures, lengths, findings, and a sample of the rows to look at.

Knows nothing about how the figures were made. No request leaves the page, and nothing in a report's text is live.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kgtune import grounding, highlighting, page
from kgtune.conversion.lengths import OUTCOME
from kgtune.conversion.sampling import Family, sample
from kgtune.examples import Example
from kgtune.graph import Graph
from kgtune.lint import Finding, catalogue
from kgtune.lint.findings import LEVELS
from kgtune.ontology import Ontology

MOST_FAMILIES = 40
"""Documents shown with their variants: more than there are labels, languages, splits and operations to show."""
MOST_CHARACTERS = 2000
"""Characters shown of a text."""
MOST_ITEMS = 100
"""Entities and relationships listed of a document. All three keep the page below 4 MB: a mail carries it."""
_MOST_PER_CODE = 20
_OUTCOME_ZH = {"refuse": "会因这些行而拒绝整个文件。", "drop": "会丢弃这些行。", "window": "会把这些行的文本切成窗口。"}
_CHART = {"width": 720, "height": 180, "left": 44, "bottom": 22, "top": 14}
_KNOWN = (
    "schema_version documents notes ontology languages empty_documents labels types anchored groups rows "
    "answer_chars text_chars lengths"
).split()


def render(
    report: Mapping[str, Any],
    findings: Sequence[Finding],
    rows: Iterable[Example],
    ontology: Ontology,
    *,
    title: str,
    num_checked: int,
) -> str:
    """Write the page. `report` holds the figures of data_report, `lengths` and the run's facts.

    `rows` are read once, variants behind their parent. `num_checked` documents were looked at for findings.
    """
    families = sample(rows, MOST_FAMILIES)
    colours = highlighting.colours_of([*(label.name for label in ontology.labels), *report["labels"]])
    filters = _filters(families)
    cards = [{**_card(family, colours), "marks": _marks(family, filters)} for family in families]
    return page.render(
        "data_page.html.j2",
        styles=["data_page.css"],
        scripts=["data_page.js"],
        title=title,
        report=report,
        lengths=report["lengths"],
        chart=_chart(report["lengths"]),
        further={key: report[key] for key in report if key not in _KNOWN},
        findings=_by_code(findings),
        num_checked=num_checked,
        cards=cards,
        filters=filters,
        colours=colours,
        outcome=OUTCOME[report["lengths"]["overlength"]].replace(":", "."),
        outcome_zh=_OUTCOME_ZH[report["lengths"]["overlength"]],
    )


# --- one document


def _card(family: Family, colours: Mapping[str, int]) -> dict[str, Any]:
    row = family.row
    text, hidden = _shown(row.text)
    pieces = highlighting.segments(text, row.graph)
    return {
        "row": row,
        "html": highlighting.html(pieces, row.graph, colours),
        "hidden": hidden,
        **_items(row.text, row.graph),
        "variants": [_pair(text, row.graph, variant, colours) for variant in family.variants],
    }


def _shown(text: str) -> tuple[str, int]:
    """Return the beginning of a text, to the end of a sentence where there is one, and how much that leaves out."""
    if len(text) <= MOST_CHARACTERS:
        return text, 0
    ends = [span.end for span in grounding.sentences(text[: MOST_CHARACTERS + 1])[:-1]]
    end = ends[-1] if ends else MOST_CHARACTERS
    return text[:end], len(text) - end


def _items(text: str, graph: Graph) -> dict[str, Any]:
    """List entities and relationships, each with whether its name or evidence stands in the text."""
    haystack = grounding.Haystack(text)
    names = graph.names()
    entities = graph.entities[:MOST_ITEMS]
    edges = graph.relationships[:MOST_ITEMS]
    return {
        "entities": [(entity, haystack.first(entity.name) is not None) for entity in entities],
        "edges": [
            (edge, names[edge.source], names[edge.target], haystack.first(edge.evidence) is not None) for edge in edges
        ],
        "more_entities": len(graph.entities) - len(entities),
        "more_edges": len(graph.relationships) - len(edges),
    }


def _pair(text: str, graph: Graph, variant: Example, colours: Mapping[str, int]) -> dict[str, Any]:
    new, hidden = _shown(variant.text)
    gone, added = highlighting.changes(text, new)
    before = highlighting.segments(text, graph, gone=gone)
    after = highlighting.segments(new, variant.graph, added=added)
    return {
        "row": variant,
        "before": highlighting.html(before, graph, colours),
        "after": highlighting.html(after, variant.graph, colours),
        "hidden": hidden,
    }


# --- figures


def _filters(families: Sequence[Family]) -> dict[str, list[str]]:
    """Give the values of each filter, by falling count; the page knows them by their numbers."""
    counts = Counter(feature for family in families for feature in family.features())
    kinds: dict[str, list[str]] = {"label": [], "lang": [], "split": [], "aug": []}
    for (kind, value), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        kinds[kind].append(value)
    return kinds


def _marks(family: Family, filters: Mapping[str, list[str]]) -> dict[str, str]:
    """Say by which values of each filter a family is found, as numbers: values are the data's own words."""
    found = family.features()
    return {
        kind: " ".join(str(number) for number, value in enumerate(values) if (kind, value) in found)
        for kind, values in filters.items()
    }


def _by_code(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Group findings: errors first, then by falling count; each in the words of both languages."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.code, []).append(finding)
    ordered = sorted(grouped.items(), key=lambda item: (LEVELS.index(item[1][0].level), -len(item[1]), item[0]))
    return [
        {
            "level": found[0].level,
            "code": code,
            "title": catalogue.entry(code).title,
            "number": len(found),
            "first": [
                {
                    "where": str(one.place),
                    "what": {lang: catalogue.what(one, lang) for lang in catalogue.LANGS},
                    "fix": {lang: catalogue.fix(one, lang) for lang in catalogue.LANGS},
                }
                for one in found[:_MOST_PER_CODE]
            ],
        }
        for code, found in ordered
    ]


def _chart(lengths: Mapping[str, Any]) -> dict[str, Any]:
    """Lay out the histogram of lengths: bars, the limit's line, and marks on both axes, in the picture's units."""
    counts, width = lengths["histogram"]["rows"], lengths["histogram"]["bin_tokens"]
    left, top, floor = _CHART["left"], _CHART["top"], _CHART["height"] - _CHART["bottom"]
    per_token = (_CHART["width"] - left - 20) / (len(counts) * width)
    most = max([1, *counts])
    bars = [
        {
            "x": round(left + n * width * per_token, 1),
            "y": round(floor - (floor - top) * count / most, 1),
            "width": round(max(1.0, width * per_token - 1), 1),
            "height": round((floor - top) * count / most, 1),
            "over": n * width >= lengths["max_seq_length"],
            "told": f"{n * width + 1}-{(n + 1) * width}: {count}",
        }
        for n, count in enumerate(counts)
        if count
    ]
    step = 64
    while step * 9 < len(counts) * width:
        step *= 2
    marks = [{"x": round(left + at * per_token, 1), "tokens": at} for at in range(0, len(counts) * width + 1, step)]
    limit = round(left + lengths["max_seq_length"] * per_token, 1)
    return {**_CHART, "floor": floor, "bars": bars, "marks": marks, "limit": limit, "most": most}
