"""The report's words in English and Chinese: columns, metrics, reasons why answers fail, verdicts.

Knows nothing about numbers. What the scorer already says in English is not said here again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kgtune.scoring import remedies
from kgtune.scoring.metrics import METRICS
from kgtune.scoring.taxonomy import FINDINGS


class Words(NamedTuple):
    """One phrase in both languages."""

    en: str
    zh: str


COLUMNS = {
    "before": Words("base", "基座模型"),
    "few_shot": Words("base, with examples in its prompt", "基座模型（提示中带示例）"),
    "after": Words("tuned", "微调后"),
    "after_constrained": Words("tuned, held to the grammar", "微调后（受语法约束）"),
}
_MEANINGS = {
    "before": Words("the base model alone, its adapter switched off: what there was before fine-tuning",
                    "仅基座模型（适配器关闭）：微调之前的水平"),
    "few_shot": Words("the base model, shown some train rows in its prompt: what prompting alone reaches",
                      "基座模型，提示中给出若干训练行作示例：仅靠提示能达到的水平"),
    "after": Words("the fine-tuned model, free to write anything: what fine-tuning taught",
                   "微调后的模型，自由作答：微调学到的水平"),
    "after_constrained": Words("the fine-tuned model, held to a grammar: how inference.py and serve.py answer",
                               "微调后的模型，受语法约束：inference.py 与 serve.py 的作答方式"),
}  # fmt: skip
VERDICTS = {
    "better": Words("better", "变好"),
    "worse": Words("worse", "变差"),
    "no difference shown": Words("no difference shown", "未见差异"),
    "too few documents": Words("too few documents", "文档太少"),
    "not measured": Words("not measured", "未测量"),
}
DIMENSIONS = {
    "language": Words("language of the text", "文本语言"),
    "length": Words("length of the text, in characters", "文本长度（字符）"),
    "source": Words("source", "来源"),
    "entity_names": Words("entities by whether training has seen the name", "实体：名称是否在训练中出现过"),
    "relationship_names": Words(
        "relationships by whether training has seen both names", "关系：两端名称是否都在训练中出现过"
    ),
    "label": Words("entities by label", "实体（按标签）"),
    "type": Words("relationships by type", "关系（按类型）"),
}  # fmt: skip
_METRICS_ZH = {
    "strict_parse_rate": "严格解析为 JSON",
    "parse_after_repair_rate": "可读出图谱（必要时修复）",
    "contract_shape_rate": "符合约定结构",
    "schema_valid_rate": "标签与类型均属本体",
    "referential_integrity_rate": "关系两端均存在，id 不重复",
    "endpoint_legality_rate": "关系类型允许其两端标签",
    "exact_graph_rate": "整个图谱完全正确",
    "empty_text_accuracy": "空文本得到空图谱",
    "empty_text_accuracy_hard": "同上，谈及安全的文本",
    "name_grounding_rate": "名称见于原文",
    "evidence_grounding_rate": "证据见于原文",
    "entity_hallucination_rate": "凭空出现的实体",
    "truncation_rate": "在词元上限处截断",
    "entity_f1": "实体 F1",
    "relationship_f1": "关系 F1",
    "f1": "实体与关系合计 F1",
    "entity_relaxed_f1": "实体 F1（宽松）",
    "relationship_relaxed_f1": "关系 F1（宽松）",
    "brier_score": "模型所述置信度的均方误差（Brier）",
    "calibration_error": "模型所述置信度的期望校准误差（十档）",
    "given_brier_score": "用户得到的置信度的均方误差（Brier）",
    "given_calibration_error": "用户得到的置信度的期望校准误差（十档）",
}
_METRICS_EN = {
    "entity_f1": "entities, F1",
    "relationship_f1": "relationships, F1",
    "f1": "entities and relationships together, F1",
    "entity_relaxed_f1": "entities, F1, relaxed",
    "relationship_relaxed_f1": "relationships, F1, relaxed",
}
_FINDINGS_ZH = {
    "no_answer": "该文档没有答案",
    "empty": "答案为空",
    "loop": "同一段落或条目反复出现",
    "cut_off": "答案中途结束",
    "code_fence": "图谱外有代码围栏",
    "prose_around": "图谱前后有多余文字",
    "quotes": "引号错误、缺失或未转义",
    "trailing_comma": "右括号前多了逗号",
    "bad_escape": "JSON 不认识的转义，或字符串中有换行",
    "duplicate_key": "对象中同一键出现两次",
    "not_json": "没有 JSON，或以其他方式损坏",
    "array_root": "根是列表而不是对象",
    "not_object": "根是单个值而不是对象",
    "missing_key": "缺少键或必需的值",
    "extra_key": "出现约定之外的键",
    "wrong_type": "值的类型错误",
    "unknown_label": "本体中没有的实体标签",
    "unknown_type": "本体中没有的关系类型",
    "duplicate_id": "两个实体共用一个 id",
    "dangling_id": "关系指向不存在的实体",
}
_REMEDIES_ZH = {
    "untuned": "此处无需处理：这是微调前的基座模型。",
    "held_already": "inference.py 与 serve.py 已排除此类问题（decoding.constraint={constraint}，"
                    "即“微调后（受语法约束）”列）；"
                    "要改善自由答案，可提高 training.max_steps 或增加文档。",
    "hold": "设置 decoding.constraint=full，提高 training.max_steps，或用更多文档训练。",
    "hold_names": "设置 decoding.constraint=full；若该名称正确，把它加入本体。",
    "ours": "受语法约束且完整的答案不会如此：先看被截断的（decoding.max_new_tokens）；"
            "其余属于本程序的缺陷，请报告。",
    "longer_answers": "提高 decoding.max_new_tokens，或用更多同等长度的文档训练。",
    "repeats": "提高 training.max_steps，或用更多同等长度的文档训练。",
    "silent": "查看 training_samples.json 中答案是否参与训练，然后提高 training.max_steps。",
    "ask_again": "对这些 id 重新抽取。",
    "no_text": "检查提示：文本可能没有送达模型。",
    "other_shape": "让该系统遵循 JSON schema，或要求它只输出 JSON。",
    "other_names": "把本体中的名称告诉该系统，或按它所用的本体评分（--ontology）。",
    "other_references": "告诉该系统：id 不可重复，source 与 target 必须是其中之一。",
    "other_repeats": "给该系统更短的文本，或限制重复。",
    "other_cut_off": "提高该系统的词元上限，或切分文本。",
}  # fmt: skip
CONFIDENCES = {
    "stated": Words("stated confidence", "所述置信度"),
    "given": Words("confidence that users get", "用户得到的置信度"),
}
_KINDS = {
    "calibrated": Words(
        "Users get it by a curve that was fitted to {num_items} relationships of {num_documents} validation documents.",
        "用户得到的置信度经曲线校准；曲线由 {num_documents} 篇验证文档中的 {num_items} 个关系拟合。",
    ),
    "probability": Words(
        "Users get the probability of the model's choices; it has no curve.",
        "用户得到模型所作选择的概率，没有校准曲线。",
    ),
    "stated": Words("Users get what the answer states.", "用户得到模型所述的置信度。"),
    "agreement": Words(
        "Users get the share of decoding.samples answers that agree, which is not measured here.",
        "用户得到 decoding.samples 个答案中一致的比例，此处未测量。",
    ),
}
_OWN_ROWS = Words(" These are such rows, so that it is not measured here.", "此处正是这些行，因此未测量。")
PROBES = {
    "start_probability": Words("probability of the answer's right first token", "答案首个词元的概率"),
    "end_probability": Words("probability of ending where the gold answer ends", "在标准答案结尾处结束的概率"),
    "structure_loss": Words("loss on JSON's own tokens (brackets, keys, commas)", "结构词元的损失（括号、键、逗号）"),
    "value_loss": Words("loss on the values", "值词元的损失"),
}


def column(name: str) -> Words:
    """Name a column; one that is not ours keeps its name."""
    return COLUMNS.get(name, Words(name, name))


def metric(name: str) -> Words:
    """Name a metric."""
    return Words(_METRICS_EN.get(name, METRICS[name].words), _METRICS_ZH[name])


def confidence(told: Mapping[str, Any]) -> Words:
    """Say which confidence users get."""
    words = _KINDS[told["kind"]]
    if told["kind"] == "calibrated" and not told["is_measured"]:
        words = Words(words.en + _OWN_ROWS.en, words.zh + _OWN_ROWS.zh)
    return Words(words.en.format(**told), words.zh.format(**told))


def finding(code: str) -> Words:
    """Say what a finding is."""
    return Words(FINDINGS[code].words, _FINDINGS_ZH[code])


def advice(code: str, name: str, constraint: str | None) -> Words:
    """Say what to do about a finding in a column."""
    zh = _REMEDIES_ZH[remedies.remedy(code, name, constraint)].format(constraint=constraint)
    return Words(remedies.told(code, name, constraint), zh)


def legend(columns: Iterable[str]) -> list[tuple[str, Words]]:
    """Say what each column is, of those that are ours."""
    return [(name, _MEANINGS[name]) for name in columns if name in _MEANINGS]
