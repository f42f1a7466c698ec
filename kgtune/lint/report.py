"""Findings for a person, as text in either language, and for a machine, as plain values.

Knows nothing about files or how anything was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from kgtune.lint import catalogue
from kgtune.lint.catalogue import Lang
from kgtune.lint.findings import LEVELS, Finding, Level
from kgtune.lint.readers import EXCERPT, GUESS
from kgtune.ontology import Choice

SCHEMA_VERSION = 1
MOST_PER_CODE: Mapping[Level, int] = {"error": 5, "warning": 5, "note": 0}
"""Findings of one code shown where nobody says how many. Notes there are many of, and nobody has to act on one."""
MOST_KEPT = 10_000
_LEVEL_WORDS: Mapping[Lang, Mapping[Level, str]] = {
    "en": {"error": "error", "warning": "warning", "note": "note"},
    "zh": {"error": "错误", "warning": "警告", "note": "提示"},
}
_WORDS: Mapping[Lang, Mapping[str, str]] = {
    "en": {
        "fix": "fix: ",
        "fixable": " (--fix does it)",
        "why": "why: ",
        "guess": "json-repair reads: ",
        "more": "    ... and {number} more {code}",
        "sum": "errors {error}, warnings {warning}, notes {note}; --fix can mend {fixable}",
        "notes": "{head}  {number}, the first at {place}",
        "hidden": "    (notes are only counted: --max-per-code N shows N of each, --report FILE has all)",
        "clean": "clean: {sum}",
        "usable": "no errors: {sum}",
        "found": "findings: {sum}",
        "strict": " (warnings count: --strict)",
        "set": "ontology: {name}, as set",
        "covers": "ontology: {name} (auto: it has all labels and types of the data)",
        "near": "ontology: {name} (auto: it has all labels and types of the data but for near misses: {near})",
        "derived": "ontology: derived (auto: no shipped one has its names; {name} came nearest and lacks {lacking})",
    },
    "zh": {
        "fix": "处理：",
        "fixable": "（--fix 可自动完成）",
        "why": "原因：",
        "guess": "json-repair 的猜测：",
        "more": "    …… 另有 {number} 处 {code}",
        "sum": "错误 {error}，警告 {warning}，提示 {note}；可用 --fix 修正 {fixable}",
        "notes": "{head}  {number} 处，首处位于 {place}",
        "hidden": "    （提示只计数：--max-per-code N 每种显示 N 条，--report FILE 保存全部）",
        "clean": "通过：{sum}",
        "usable": "没有错误：{sum}",
        "found": "发现问题：{sum}",
        "strict": "（警告计入：--strict）",
        "set": "本体：{name}（由 ontology 指定）",
        "covers": "本体：{name}（auto：包含数据里的全部标签和关系类型）",
        "near": "本体：{name}（auto：除疑似笔误外包含全部标签和关系类型：{near}）",
        "derived": "本体：由数据推导（auto：自带的本体都不含数据里的名称；最接近的 {name} 缺少 {lacking}）",
    },
}


class Tally:
    """Counts every finding and keeps the first of each code: a hopeless corpus has millions."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._most_kept = most_kept
        self._kept: dict[str, list[Finding]] = {}
        self._by_file: Counter[tuple[str, Level]] = Counter()
        self.choice: Choice | None = None
        self.by_code: Counter[str] = Counter()
        self.levels: Counter[Level] = Counter()
        self.num_fixable = 0

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.by_code[finding.code] += 1
        self.levels[finding.level] += 1
        self.num_fixable += finding.is_fixable
        self._by_file[finding.place.file, finding.level] += 1
        kept = self._kept.setdefault(finding.code, [])
        if len(kept) < self._most_kept:
            kept.append(finding)

    def has_findings(self, *, strict: bool) -> bool:
        """Say whether the check fails: an error always counts, a warning only when it is strict, a note never."""
        return self.levels["error"] > 0 or (strict and self.levels["warning"] > 0)

    def findings(self) -> list[Finding]:
        """Return those kept: errors first, then warnings, then notes; of one code all together, in the order found."""
        return [finding for group in self._groups() for finding in group]

    def _groups(self) -> list[list[Finding]]:
        return sorted(self._kept.values(), key=lambda group: LEVELS.index(group[0].level))

    def as_text(self, lang: Lang, *, most_per_code: int | None = None, strict: bool = False) -> str:
        """Write findings for a person: by code, the first few of each, then how many there are.

        Where nobody says how many, notes are counted and none is shown.
        """
        lines = [self._about_ontology(self.choice, lang)] if self.choice else []
        for group in self._groups():
            level, code = group[0].level, group[0].code
            most = MOST_PER_CODE[level] if most_per_code is None else most_per_code
            if most_per_code is None and not most:
                lines.append(self._counted(group[0], lang))
                continue
            for number, finding in enumerate(group[:most]):
                lines += _block(finding, lang, with_why=number == 0)
            if (left := self.by_code[code] - most) > 0:
                lines.append(_WORDS[lang]["more"].format(number=left, code=code))
        if most_per_code is None and self.levels["note"]:
            lines.append(_WORDS[lang]["hidden"])
        return "\n".join([*lines, self._last_line(lang, strict=strict)])

    @staticmethod
    def _about_ontology(choice: Choice, lang: Lang) -> str:
        """Say which ontology labels and types were checked against, and why it."""
        if choice.fit is None:
            return _WORDS[lang]["set"].format(name=choice.ontology.name)
        near, own = choice.told(near=True), choice.told(near=False)
        word = "derived" if choice.is_derived else "near" if near else "covers"
        lacking = ", ".join(filter(None, (own, near)))
        return _WORDS[lang][word].format(name=choice.fit.ontology.name, near=near, lacking=lacking)

    def _counted(self, first: Finding, lang: Lang) -> str:
        head = f"{_LEVEL_WORDS[lang][first.level]} {first.code}"
        return _WORDS[lang]["notes"].format(head=head, number=self.by_code[first.code], place=first.place)

    def _last_line(self, lang: Lang, *, strict: bool) -> str:
        words = _WORDS[lang]
        numbers = {level: self.levels[level] for level in LEVELS}
        total = words["sum"].format(**numbers, fixable=self.num_fixable)
        passed = "usable" if any(numbers.values()) else "clean"
        verdict = words["found" if self.has_findings(strict=strict) else passed].format(sum=total)
        return verdict + (words["strict"] if strict else "")

    def as_object(self, *, strict: bool) -> dict[str, Any]:
        """Return the findings as plain values, both languages in each; `left_out` counts those that are not kept."""
        files = dict.fromkeys(name for name, _ in self._by_file if name)
        found = self.findings()
        return {
            "schema_version": SCHEMA_VERSION,
            "clean": not self.has_findings(strict=strict),
            "strict": strict,
            **({"ontology": {"name": self.choice.ontology.name,
                             "why": {lang: self._about_ontology(self.choice, lang) for lang in catalogue.LANGS}}}
               if self.choice else {}),
            "counts": {**{level: self.levels[level] for level in LEVELS}, "fixable": self.num_fixable},
            "by_code": {code: self.by_code[code] for code in dict.fromkeys(finding.code for finding in found)},
            "by_file": {name: {level: self._by_file[name, level] for level in LEVELS} for name in files},
            "left_out": {code: number - len(self._kept[code]) for code, number in self.by_code.items()
                         if number > len(self._kept[code])},
            "findings": [_plain(finding) for finding in found],
        }  # fmt: skip


def _block(finding: Finding, lang: Lang, *, with_why: bool) -> Iterator[str]:
    words = _WORDS[lang]
    head = f"{_LEVEL_WORDS[lang][finding.level]} {finding.code}"
    place = str(finding.place)
    yield f"{head}  {place}" if place else head
    yield f"    {catalogue.what(finding, lang)}"
    yield from (f"      {line}" for line in _strings(finding.facts.get(EXCERPT)))
    if guess := finding.facts.get(GUESS):
        yield f"    {words['guess']}{guess}"
    why = catalogue.entry(finding.code).why[lang]
    if with_why and why:
        yield f"    {words['why']}{why}"
    yield f"    {words['fix']}{catalogue.fix(finding, lang)}{words['fixable'] if finding.is_fixable else ''}"


def _plain(finding: Finding) -> dict[str, Any]:
    place = finding.place
    plain: dict[str, Any] = {
        "code": finding.code,
        "level": finding.level,
        "file": place.file,
        "line": place.line or None,
        "record": place.record or None,
        "id": place.id or None,
        "path": place.path or None,
        "value": finding.value or None,
        "nearest": finding.nearest or None,
        "fixable": finding.is_fixable,
        "message": {lang: catalogue.what(finding, lang) for lang in catalogue.LANGS},
        "fix": {lang: catalogue.fix(finding, lang) for lang in catalogue.LANGS},
    }
    for key in ("start", "end", "score"):
        if isinstance(finding.facts.get(key), int):
            plain[key] = finding.facts[key]
    if EXCERPT in finding.facts:
        plain |= {"excerpt": list(_strings(finding.facts[EXCERPT])), "guess": finding.facts.get(GUESS) or None}
    return plain


def _strings(value: object) -> Iterator[str]:
    yield from (str(line) for line in value) if isinstance(value, tuple) else ()
