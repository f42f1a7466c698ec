"""A converter as it is often written: replace words in strings, shuffle sentences, split at random, all in memory.

Knows nothing about mentions, groups or indicators; that is the point. Its word list holds the words that such lists
hold, and it leaves the graph as it was.
"""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path
from typing import Any

_SYNONYMS = {
    "en": {
        "attack": "assault", "campaign": "operation", "group": "team", "network": "system", "server": "host",
        "software": "program", "data": "information", "recently": "lately", "reported": "stated", "analysts": "experts",
    },
    "zh": {
        "攻击": "袭击", "组织": "团体", "漏洞": "缺陷", "恶意": "有害", "木马": "特洛伊程序", "网络": "互联网", "系统": "平台",
        "近期": "最近", "分析人员": "专家", "发现": "找到",
    },
}  # fmt: skip
_PREFIXES = {"en": "According to the report, ", "zh": "根据报告，"}
_EMPTY = ("The weather is nice today.", "This text has no threat information.", "今天天气很好。", "这是一段普通文本。")
_SENTENCE_END = re.compile(r"[.。!！?？;；]")


def main() -> int:
    source, target = map(Path, sys.argv[1:3])
    rng = random.Random(42)
    items = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    rows = [row for item in items for row in _rows(item, rng)]
    rows += [
        _row(rng.choice(_EMPTY), {"entities": [], "relationships": []}, "empty", "empties")
        for _ in range(len(items) // 12)
    ]
    rng.shuffle(rows)
    held_out = len(rows) // 10
    for index, row in enumerate(rows):
        row["split"] = "test" if index < held_out else "validation" if index < 2 * held_out else "train"
    target.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


def _rows(item: dict[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    graph = {"entities": item["entities"], "relationships": item["relationships"]}
    text, lang = item["text"], item["lang"]
    rows = [_row(text, graph, item["id"], "")]
    if rng.random() < 0.3:
        replaced = text
        for old, new in _SYNONYMS[lang].items():
            replaced = replaced.replace(old, new)
        rows.append(_row(replaced, graph, item["id"], "synonyms"))
    if rng.random() < 0.15:
        sentences = [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]
        rng.shuffle(sentences)
        rows.append(_row(("。" if lang == "zh" else ". ").join(sentences), graph, item["id"], "order"))
    if rng.random() < 0.15:
        rows.append(_row(_PREFIXES[lang] + text, graph, item["id"], "affixes"))
    return rows


def _row(text: str, graph: dict[str, Any], identity: str, aug: str) -> dict[str, Any]:
    return {"input": text, "output": json.dumps(graph, ensure_ascii=False), "doc_id": identity, "aug": aug}


if __name__ == "__main__":
    sys.exit(main())
