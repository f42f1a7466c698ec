"""evaluation_report.md: the results as a person reads them in a terminal or a review, in English and in Chinese.

Knows nothing about how a number came about; it reads the keys of evaluation_results.json.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, Literal

from kgtune.evaluation import cases, wording
from kgtune.evaluation.cases import Case, Side
from kgtune.evaluation.overview import headline_rows, size_of, told_changes, top_reason, tuned_of
from kgtune.evaluation.wording import Words
from kgtune.scoring import remedies, tables

Lang = Literal["en", "zh"]
_PHRASES = {
    "changed": Words("What changed", "变化"),
    "failed": Words("Why answers failed", "答案为何失败"),
    "shown": Words("Best, median and worst documents", "最好、居中与最差的文档"),
    "probes": Words("Probes on the gold answers, nothing generated", "对标准答案的探针（不生成）"),
    "size": Words(
        "{documents} held-out documents: {rows} of {held_out} rows of the {split} split were measured.",
        "{documents} 篇留出文档：测量了 {split} 划分 {held_out} 行中的 {rows} 行。",
    ),
    "metric": Words("metric", "指标"),
    "finding": Words("finding", "问题"),
    "rows": Words("first rows", "部分行"),
    "gold": Words("gold", "标准答案"),
    "unread": Words("no graph can be read from the answer", "从答案中读不出图谱"),
    "repaired": Words("read after repair only: counts as nothing found", "仅修复后可读：按未找到计"),
    "empty": Words("the empty graph", "空图谱"),
    "nothing": Words("no answer failed, and none has a finding.", "没有失败的答案，也没有任何问题。"),
    "advice": Words(
        "{column}, most often ({count}): {words}. {advice}", "{column}，最常见（{count}）：{words}。{advice}"
    ),
    "best": Words("best", "最好"),
    "median": Words("median", "居中"),
    "worst": Words("worst", "最差"),
    "moved": Words(
        "{first} to {second}: of the documents with something to find {better} gained, {worse} lost, {same} stayed.",
        "{first} → {second}：在有内容可抽取的文档中，{better} 篇提升，{worse} 篇下降，{same} 篇不变。",
    ),
}  # fmt: skip
_ROWS_SHOWN = 5
_CELL = str.maketrans({"|": "\\|", "\n": " ", "`": "'"})


def markdown(result: Mapping[str, Any]) -> str:
    """Write the report: English, then the same in Chinese."""
    lines = ["# Evaluation", "", "[中文](#评测报告)", "", tables.table(result), "", *_below_table(result, "en"), ""]
    lines += ["Failed answers by reason, and what follows:", "", *tables.notes(result), "", *_sections(result, "en")]
    lines += [_made(result), "", "# 评测报告", "", *_table(result), "", *_below_table(result, "zh"), ""]
    lines += _sections(result, "zh")
    return "\n".join(lines)


def _made(result: Mapping[str, Any]) -> str:
    return (
        f"Base model {result['base_model']}, {result['device']}, git {result['git_sha']}, {result['date']}. "
        f"Measured: {len(result['documents'])} of {result['num_held_out']} rows of the {result['split']} split. "
        "Before is the same model in the same process with the adapter off; prompt, documents, greedy decoding and "
        f"token cap ({result['max_new_tokens']}) are the same. Before and after are free, after_constrained is "
        "held to a grammar, as inference.py and serve.py do it; few_shot is the base with examples of train rows in "
        "its prompt. Intervals are 95 %, from "
        f"{result['statistics']['resamples']} resamples of the documents; where all of them agree, Wilson's. Names "
        "are compared, never ids; an unreadable answer counts as nothing found. A difference is called one where "
        f"{result['statistics']['rules'].partition(' only where ')[2]}"
    )


def _table(result: Mapping[str, Any]) -> list[str]:
    """Write the headline table in Chinese; the English one is the scorer's own."""
    names = [wording.column(name).zh for name in result["columns"]]
    lines = [f"| 指标 | {' | '.join(names)} | 变化 |", "|---|" + "---|" * (len(names) + 1)]
    for row in headline_rows(result):
        cells = [_value(one) for one in row.values.values()]
        change = "-"
        if row.change and row.change["difference"] is not None:
            change = f"{row.change['difference']:+.3f}，{wording.VERDICTS[row.change['verdict']].zh}"
        lines.append(f"| {row.words.zh} | {' | '.join(cells)} | {change} |")
    return lines


def _below_table(result: Mapping[str, Any], lang: Lang) -> list[str]:
    """Say how many documents the table is about, what each column is, and which confidence users get."""
    size = size_of(result)
    columns = result["columns"]
    names = {name: f"{name} ({_name(name, lang)})" if lang == "en" else _name(name, lang) for name in columns}
    legend = [f"- {names[name]}: {getattr(words, lang)}" for name, words in wording.legend(columns)]
    told = getattr(wording.confidence(result["confidence"]), lang)
    return [_say("size", lang, **size), "", *legend, "", told]


def _value(one: Mapping[str, Any]) -> str:
    if one["value"] is None:
        return "-"
    return f"{one['value']:.3f}" + ("" if one["low"] is None else f" ({one['low']:.2f}-{one['high']:.2f})")


def _sections(result: Mapping[str, Any], lang: Lang) -> list[str]:
    parts = {
        "changed": _changes(result, lang),
        "failed": _failures(result, lang),
        "probes": _probes(result, lang),
        "shown": _cases(result, lang),
    }
    return [line for name, lines in parts.items() if lines for line in (f"## {_say(name, lang)}", "", *lines, "")]


def _say(phrase: str, lang: Lang, **values: object) -> str:
    text: str = getattr(_PHRASES[phrase], lang)
    return text.format(**values) if values else text


def _name(column: str, lang: Lang) -> str:
    return str(getattr(wording.column(column), lang))


def _changes(result: Mapping[str, Any], lang: Lang) -> list[str]:
    lines = []
    for change in told_changes(result):
        moved = {"better": change.num_better, "worse": change.num_worse, "same": change.num_same}
        ends = {"first": _name(change.first, lang), "second": _name(change.second, lang)}
        lines.append(f"- {_say('moved', lang, **ends, **moved)}")
        for verdict, metrics in change.by_verdict.items():
            lines.append(f"  - {getattr(wording.VERDICTS[verdict], lang)}: {', '.join(metrics)}")
    return lines


def _failures(result: Mapping[str, Any], lang: Lang) -> list[str]:
    columns, tuned = result["columns"], tuned_of(result["columns"])
    codes = list(dict.fromkeys(code for column in columns.values() for code in column["findings"]))
    lines = []
    for name, column in columns.items():
        if top := top_reason(column):
            lines.append(f"- {_most_often(name, *top, remedies.constraint_of(result), lang)}")
        elif name == tuned:
            lines.append(f"- {_name(name, lang)}: {_say('nothing', lang)}")
    if not codes:
        return lines
    names = [_name(name, lang) for name in columns]
    lines += ["", f"| {_say('finding', lang)} | {' | '.join(names)} | {_say('rows', lang)} |"]
    lines.append("|---|" + "---|" * (len(names) + 1))
    for code in codes:
        found = [column["findings"].get(code, {"count": 0, "rows": []}) for column in columns.values()]
        rows = next(one["rows"] for one in reversed(found) if one["rows"])[:_ROWS_SHOWN]
        counts = " | ".join(str(one["count"]) for one in found)
        words = getattr(wording.finding(code), lang)
        lines.append(f"| {code}: {words} | {counts} | {', '.join(rows).translate(_CELL)} |")
    return lines


def _most_often(column: str, code: str, count: int, constraint: str | None, lang: Lang) -> str:
    words, advice = wording.finding(code), wording.advice(code, column, constraint)
    told = {"words": getattr(words, lang), "advice": getattr(advice, lang)}
    return _say("advice", lang, column=_name(column, lang), count=count, **told)


def _probes(result: Mapping[str, Any], lang: Lang) -> list[str]:
    if not result["probes"]:
        return []
    columns = result["probes"]
    lines = [f"| | {' | '.join(_name(name, lang) for name in columns)} |", "|---|" + "---|" * len(columns)]
    for name, words in wording.PROBES.items():
        lines.append(f"| {getattr(words, lang)} | {' | '.join(_value(one[name]) for one in columns.values())} |")
    for key in dict.fromkeys(key for one in columns.values() for key in one["keys"]):
        cells = [f"{one['keys'][key]['loss']:.3f}" if key in one["keys"] else "-" for one in columns.values()]
        lines.append(f"| `{key}` | {' | '.join(cells)} |")
    return lines


def _cases(result: Mapping[str, Any], lang: Lang) -> list[str]:
    systems = list(dict.fromkeys([next(iter(result["columns"])), tuned_of(result["columns"])]))
    picked = cases.choose(result["documents"], systems[-1], each=1)
    return [line for kind, one in picked for line in _case(cases.case(kind, one, systems), lang)]


def _case(case: Case, lang: Lang) -> list[str]:
    text = [f"> {line}" for line in html.escape(case.text, quote=False).splitlines()]
    lines = [f"### {_say(case.kind, lang)}: {case.id} ({case.lang})", "", *text, ""]
    for side in (case.gold, *case.sides):
        name = _say("gold", lang) if side.name == "gold" else f"{_name(side.name, lang)}, F1 {side.f1}"
        lines.append(f"- **{name}**: {_told(side, lang)}")
    return [*lines, ""]


def _told(side: Side, lang: Lang) -> str:
    if side.graph is None:
        return f"{_say('unread', lang)} ({side.reason}): `{side.answer[:200].translate(_CELL)}`"
    if side.graph.is_empty:
        return _say("empty", lang)
    mark = {True: "✓", False: "✗"}
    items = [f"{mark[one.is_shared]} {one.entity.name} ({one.entity.labels})" for one in side.entities]
    items += [f"{mark[one.is_shared]} {one.source} {one.edge.type} {one.target}" for one in side.relationships]
    told = html.escape("; ".join(items), quote=False).translate(_CELL)
    return f"{_say('repaired', lang)} ({side.reason}). {told}" if side.reason else told
