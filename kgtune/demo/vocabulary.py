"""The words in which lessons ask and answer: kinds, verbs, certainty, prompts, glossary sentences, in two languages.

Knows nothing about documents or layouts.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ThreatOrganization": (("actor", "group", "adversary", "threat organization", "gang"), ("组织", "团伙", "攻击者")),
    "AttackEvent": (("event", "campaign", "incident", "operation", "attack event"), ("事件", "行动", "攻击事件")),
    "Tool": (("tool", "malware", "software"), ("工具", "恶意软件", "软件")),
    "Technique": (("technique", "method", "way"), ("技术", "手法", "方法")),
    "Target": (("victim", "target", "organization hit"), ("目标", "受害方", "受害者")),
    "Report": (("report", "paper", "publication"), ("报告", "文献", "刊物")),
    "Tactic": (("tactic", "goal", "phase"), ("战术", "阶段", "意图")),
    "Procedure": (("procedure", "routine", "steps"), ("流程", "过程", "步骤")),
    "Asset": (("asset", "address", "infrastructure", "host"), ("资产", "设施", "地址")),
}
VERBS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "LAUNCH": (("launch", "starts", "runs", "launches"), ("发起", "发动", "启动")),
    "ATTACK": (("attack", "hits", "strikes", "attacks"), ("攻击", "打击", "袭击")),
    "USE": (("use", "uses", "employs", "works with"), ("使用", "利用", "用")),
    "BELONG": (("belong", "part of", "belongs to", "about"), ("属于", "归属", "归于")),
    "HAS": (("has", "owns", "holds", "have"), ("拥有", "具有", "有")),
    "IMPLEMENT": (("implement", "realises", "carries out", "does"), ("实现", "实施", "执行")),
}
_NAME_REQUESTS = {
    "en": (
        "List the names in the text. Kinds: {kinds}. Fields: {keys}. Write {layout}.",
        "Find every {kinds}. Answer with {keys} as {layout}.",
        "Which names occur, in order of first mention? Kinds are {kinds}. Layout: {layout}, {keys}.",
        "Names only ({kinds}); {layout}; {keys}",
        "You read reports. Give the entities as {layout}. Each has {keys}. Possible kinds: {kinds}.",
    ),
    "zh": (
        "列出文中的名称。类别：{kinds}。字段：{keys}。格式：{layout}。",
        "按首次出现的顺序找出{kinds}，用{layout}写出{keys}。",
        "请从文本中抽取实体，类别有{kinds}，输出{layout}，字段为{keys}。",
    ),
}
_BOTH_REQUESTS = {
    "en": (
        "List the names and how they are linked. Kinds: {kinds}. Links: {verbs}. Names: {keys}. Links: {links}. {layout}.",
        "Read the text and write {layout}: first the names ({keys}) of the kinds {kinds}, then the links ({links}): {verbs}.",
        "Extract entities and relationships. Labels: {kinds}. Types: {verbs}. Answer as {layout} with {keys} and {links}.",
        "Turn the report into {layout}. {keys}; {links}. Kinds {kinds}. Verbs {verbs}.",
        "You are an analyst. Entity labels: {kinds}. Relationship types: {verbs}. Output {layout}; keys {keys}, then {links}.",
    ),
    "zh": (
        "列出名称及其关系。类别：{kinds}。关系：{verbs}。名称字段：{keys}。关系字段：{links}。格式：{layout}。",
        "请阅读文本，先写出{kinds}的名称（{keys}），再写出{verbs}关系（{links}），使用{layout}。",
        "从威胁情报中抽取实体和关系，实体类型：{kinds}，关系类型：{verbs}，输出{layout}：{keys}；{links}。",
    ),
}
_GLOSSARY = (
    "An entity has {0}, {1}, {2} and {3}.",
    "A relationship has {0}, {1} and {2}; its {3} is said elsewhere.",
    "The {0} of an entity is not its {1}, and the {2} is not the {3}.",
    "Relationships join entities: the {0} comes first, then the {1}, the {2} and the {3}.",
    "Confidence {4} means: the {0} is sure. Below {5} the {1}, the {2} and the {3} are in doubt.",
    "In {0} e{6} and {1} e{7} the {2} and the {3} differ.",
    "实体的 {0} 与 {1}，关系的 {2} 与 {3}，置信度 {4}。",
    "{0}, {1}, {2}, {3}: {4}, {5}, e{6}, e{7}",
)
_TERMS = (
    "labels", "an id", "a name", "a description", "type", "source", "target", "confidence", "evidence", "id", "name",
    "label", "description", "entities", "relationships", "relationship", "entity",
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """The words of one lesson: what each kind and each verb is called, and how certainty and empty notes look."""

    lang: str
    kinds: dict[str, str]
    verbs: dict[str, str]
    certainty_style: str
    empty_note: str

    def certainty(self, confidence: float) -> str | float | int:
        """Write a confidence in this lesson's way."""
        match self.certainty_style:
            case "number":
                return confidence
            case "percent":
                return f"{round(confidence * 100)}%"
            case "whole":
                return round(confidence * 100)
        level = 0 if confidence >= 0.9 else 1 if confidence >= 0.7 else 2
        return (("high", "medium", "low") if self.lang == "en" else ("高", "中", "低"))[level]

    def ask_names(self, rng: random.Random, kinds: Sequence[str], keys: Sequence[str], layout: str) -> str:
        """Word a request for names of some kinds."""
        template = rng.choice(_NAME_REQUESTS[self.lang])
        return template.format(kinds=self._joined(kinds), keys=self._joined(keys), layout=layout)

    def ask_both(self, rng: random.Random, keys: Sequence[str], links: Sequence[str], layout: str) -> str:
        """Word a request for names and links."""
        kinds, verbs = list(self.kinds.values()), list(self.verbs.values())
        if rng.random() < 0.3:
            rng.shuffle(kinds)
            rng.shuffle(verbs)
        template = rng.choice(_BOTH_REQUESTS[self.lang])
        return template.format(
            kinds=self._joined(kinds),
            verbs=self._joined(verbs),
            keys=self._joined(keys),
            links=self._joined(links),
            layout=layout,
        )

    def _joined(self, words: Sequence[str]) -> str:
        return (", " if self.lang == "en" else "、").join(words)


def draw_words(rng: random.Random) -> Words:
    """Draw the words of a lesson: the ontology's own names in four of ten, else common words of either language."""
    lang = rng.choice(("en", "en", "zh"))
    if rng.random() < 0.4:
        kinds, verbs = {label: label for label in KINDS}, {name: name for name in VERBS}
    else:
        side = 0 if lang == "en" else 1
        kinds = {label: rng.choice(words[side]) for label, words in KINDS.items()}
        verbs = {name: rng.choice(words[side]) for name, words in VERBS.items()}
    style = rng.choice(("number", "number", "percent", "whole", "word"))
    return Words(lang, kinds, verbs, style, rng.choice(("", "", "", "-", "?")))


def plain_words(lang: str) -> Words:
    """Give the ontology's own names, and certainty as a number: nothing that a learner would have to guess."""
    return Words(lang, {label: label for label in KINDS}, {name: name for name in VERBS}, "number", "")


def glossary(rng: random.Random) -> str:
    """Write a few sentences that use the words of graphs without showing one."""
    sentences = []
    for _ in range(rng.randint(2, 6)):
        numbers = [
            f"0.{rng.randint(5, 99):02d}",
            f"0.{rng.randint(1, 9)}",
            str(rng.randint(1, 19)),
            str(rng.randint(1, 19)),
        ]
        sentences.append(rng.choice(_GLOSSARY).format(*rng.sample(_TERMS, 4), *numbers))
    return " ".join(sentences)
