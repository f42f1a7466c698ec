"""Random layouts for lists of records: JSON of many kinds, tables, bullets, tags, lines; and how an empty list looks.

Knows nothing about documents, kinds or links: a record is a few named values.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Value = str | int | float
Record = Sequence[tuple[str, Value]]
Render = Callable[[Sequence[Record]], str]

# Sections of a two-part answer. The toolkit's own pair of names is left out: that one is taught by fine-tuning alone.
SECTION_NAMES = (
    ("names", "links"), ("nodes", "edges"), ("things", "ties"), ("items", "facts"), ("list", "acts"), ("terms", "pairs"),
    ("found", "joined"), ("who", "how"), ("a", "b"), ("N", "L"), ("名称", "关系"), ("名单", "事实"), ("要素", "联系"),
    ("mentions", "statements"), ("objects", "arrows"), ("first", "second"), ("spans", "relations"),
)  # fmt: skip
KEYS: dict[str, tuple[str, ...]] = {
    "no": ("no", "i", "key", "ref", "num", "nr", "id", "index", "编号", "x", "tag"),
    "name": ("name", "n", "what", "term", "who", "title", "string", "span", "mention", "text", "名称", "value"),
    "kind": ("kind", "k", "class", "sort", "cat", "is", "label", "labels", "group", "类别", "role"),
    "note": ("note", "memo", "info", "description", "remark", "备注", "extra"),
    "source": ("from", "src", "a", "head", "subject", "s", "source", "left", "起点", "by"),
    "target": ("to", "dst", "b", "tail", "object", "o", "target", "right", "终点", "on"),
    "type": ("rel", "verb", "link", "r", "predicate", "how", "type", "act", "关系", "edge"),
    "proof": ("proof", "quote", "why", "said", "sentence", "evidence", "basis", "原文", "line"),
    "sure": ("sure", "score", "conf", "weight", "certainty", "confidence", "可信度", "prob"),
}
# A record of a lesson never carries more of the toolkit's own keys than this.
_OWN_KEYS = frozenset("labels id name description type source target confidence evidence".split())
_MAX_OWN_KEYS = 2
_EMPTY_WORDS = ("none", "None.", "nothing", "empty", "no names", "-", "无", "没有", "未发现", "n/a", "0")


@dataclass(frozen=True)
class Layout:
    """One way to write lists of records: its words for a prompt, its renderer, and how an empty list looks."""

    words: str
    render: Render
    empty: str
    is_json: bool = False
    joint: str = "\n"


def draw_keys(rng: random.Random, fields: Sequence[str]) -> dict[str, str]:
    """Draw one key per field, all different, at most two of them the toolkit's own."""
    while True:
        keys = {field: rng.choice(KEYS[field]) for field in fields}
        own = sum(key in _OWN_KEYS for key in keys.values())
        if own <= _MAX_OWN_KEYS and len(set(keys.values())) == len(keys):
            return keys


def draw_layout(rng: random.Random) -> Layout:
    """Draw a layout; most of them are JSON, since that is what fine-tuning will ask for in a new shape."""
    if rng.random() < 0.88:
        return rng.choice((*[_json_objects] * 6, _json_arrays, _json_lines))(rng)
    return rng.choice((_table, _table, _bullets, _tags, _yaml, _pairs, _calls))(rng)


def _dumps(value: object, separators: tuple[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=separators)


def _separators(rng: random.Random) -> tuple[str, str]:
    return rng.choice(((",", ":"), (",", ":"), (",", ":"), (", ", ": ")))


def _json_objects(rng: random.Random) -> Layout:
    separators = _separators(rng)
    words = rng.choice(("JSON", "JSON objects", "a JSON list", "JSON 列表"))
    return Layout(
        words, lambda rows: _dumps([dict(row) for row in rows], separators), "[]", is_json=True, joint=separators[0]
    )


def _json_arrays(rng: random.Random) -> Layout:
    separators = _separators(rng)
    words = rng.choice(("JSON arrays", "nested lists", "a list of lists", "嵌套列表"))
    return Layout(words, lambda rows: _dumps([[v for _, v in row] for row in rows], separators), "[]", is_json=True)


def _json_lines(rng: random.Random) -> Layout:
    separators = _separators(rng)
    words = rng.choice(("JSON Lines", "one JSON object per line", "每行一个 JSON"))
    empty = rng.choice(("{}", "[]", *_EMPTY_WORDS))
    return Layout(words, lambda rows: "\n".join(_dumps(dict(row), separators) for row in rows), empty)


def _table(rng: random.Random) -> Layout:
    mark = rng.choice((" | ", "|", ", ", ";", "; ", " / ", " - ", " :: ", " , ", " = "))
    quote = rng.choice(("", "", "", '"', "'"))
    left, right = rng.choice((("", ""), ("", ""), ("| ", " |"), ("(", ")"), ("[", "]")))
    header = rng.random() < 0.3

    def render(rows: Sequence[Record]) -> str:
        lines = [left + mark.join(key for key, _ in rows[0]) + right] if header else []
        lines += [left + mark.join(_quoted(v, quote) for _, v in row) + right for row in rows]
        return "\n".join(lines)

    words = rng.choice(("a table with '{}'", "lines split by '{}'", "以 {} 分隔的表格")).format(mark.strip() or mark)
    return Layout(words, render, rng.choice(_EMPTY_WORDS))


def _quoted(value: Value, quote: str) -> str:
    return f"{quote}{value}{quote}" if isinstance(value, str) else str(value)


def _bullets(rng: random.Random) -> Layout:
    bullet = rng.choice(("- ", "* ", "• ", "> ", "+ ", ""))
    left, right = rng.choice(((" (", ")"), (": ", ""), (" [", "]"), (" <", ">"), ("（", "）")))

    def line(row: Record) -> str:
        first, *rest = (str(value) for _, value in row)
        return bullet + first + (left + ", ".join(rest) + right if rest else "")

    words = rng.choice(("bullets", "a bullet list", "short lines", "项目符号"))
    return Layout(words, lambda rows: "\n".join(map(line, rows)), rng.choice(_EMPTY_WORDS))


def _tags(rng: random.Random) -> Layout:
    tag = rng.choice(("item", "row", "r", "entry", "x", "条目"))
    as_attributes = rng.random() < 0.5

    def line(row: Record) -> str:
        if as_attributes:
            return f"<{tag} " + " ".join(f'{key}="{value}"' for key, value in row) + "/>"
        return f"<{tag}>" + "".join(f"<{key}>{value}</{key}>" for key, value in row) + f"</{tag}>"

    joint = rng.choice(("\n", "\n", ""))
    words = rng.choice(("XML", "tags", "XML 标签"))
    return Layout(words, lambda rows: joint.join(map(line, rows)), rng.choice((f"<{tag}/>", *_EMPTY_WORDS)))


def _yaml(rng: random.Random) -> Layout:
    quote = rng.choice(("", '"'))

    def line(row: Record) -> str:
        return "\n".join(f"{'- ' if i == 0 else '  '}{k}: {_quoted(v, quote)}" for i, (k, v) in enumerate(row))

    return Layout(rng.choice(("YAML", "YAML 格式")), lambda rows: "\n".join(map(line, rows)), "[]")


def _pairs(rng: random.Random) -> Layout:
    mark = rng.choice(("=", ":", ": ", " -> "))
    joint = rng.choice(("; ", ", ", " ", " | "))
    quote = rng.choice(("", '"'))

    def line(row: Record) -> str:
        return joint.join(f"{key}{mark}{_quoted(value, quote)}" for key, value in row)

    words = rng.choice(("key and value", "keyed lines", "键值行"))
    return Layout(words, lambda rows: "\n".join(map(line, rows)), rng.choice(_EMPTY_WORDS))


def _calls(rng: random.Random) -> Layout:
    verb = rng.choice(("add", "put", "fact", "row", "set"))
    end = rng.choice(("", ";"))

    def line(row: Record) -> str:
        return f"{verb}(" + ", ".join(_quoted(value, '"') for _, value in row) + f"){end}"

    words = rng.choice(("calls", "one call per line", "函数调用"))
    return Layout(words, lambda rows: "\n".join(map(line, rows)), rng.choice((f"{verb}(){end}", *_EMPTY_WORDS)))
