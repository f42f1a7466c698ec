"""The columns of a table of triples: which header name means what, in English and Chinese, and by the user's map.

Knows nothing about rows, nor about files.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping, Sequence

DELIMITERS = (",", "\t", ";", "|", "，")
TABLE = "a CSV with the columns text, head, head_type, relation, tail, tail_type, one relationship a row"
REQUIRED = ("head", "head_type", "relation", "tail", "tail_type")

# Written as `_plain` makes them: lower case, without space, "_" and "-".
_NAMES: dict[str, str] = {
    "head": "head subject source src from entity1 headentity subj headname sourcename sourceentity "
    "头实体 主体 主语 源实体 实体1 起点 头节点 源节点",
    "head_type": "headtype headlabel subjecttype subjectlabel sourcetype sourcelabel entity1type headentitytype "
    "头实体类型 主体类型 主语类型 源实体类型 实体1类型 头类型 源类型",
    "relation": "relation relationship predicate rel relationtype relationshiptype edge verb "
    "关系 谓语 谓词 关系类型 关系名称",
    "tail": "tail object target dst to entity2 tailentity obj tailname targetname targetentity "
    "尾实体 客体 宾语 目标实体 实体2 终点 尾节点 目标节点",
    "tail_type": "tailtype taillabel objecttype objectlabel targettype targetlabel entity2type tailentitytype "
    "尾实体类型 客体类型 宾语类型 目标实体类型 实体2类型 尾类型 目标类型",
    "text": "text sentence content context document passage chunk paragraph 文本 原文 句子 正文 内容 段落 文档内容",
    "evidence": "evidence quote support evidencetext 证据 依据 证据原文",
    "confidence": "confidence score probability certainty 置信度 可信度 分数",
    "doc_id": "docid documentid doc report reportid 文档 文档编号 文档id 报告 报告编号 报告id",
}
COLUMNS = tuple(_NAMES)
_COLUMN_OF = {name: column for column, names in _NAMES.items() for name in names.split()}


def columns_of(header: Sequence[str], given: Mapping[str, str]) -> dict[str, int]:
    """Return our name of each column that is known -> its index; the user's names come first."""
    found: dict[str, int] = {}
    plain = [_plain(name) for name in header]
    for column, name in given.items():
        if _plain(name) in plain:
            found[column] = plain.index(_plain(name))
    for index, name in enumerate(plain):
        known = _COLUMN_OF.get(name)
        if known is not None and known not in given and index not in found.values():
            found.setdefault(known, index)
    return found


def delimiter_of(first_line: str, suffix: str, given: Mapping[str, str]) -> str:
    """Return the delimiter under which most columns are known, else the one that gives most columns."""
    usual = "\t" if suffix in (".tsv", ".tab") else ","

    def merit(delimiter: str) -> tuple[int, int, bool]:
        header = next(csv.reader([first_line], delimiter=delimiter), [])
        return len(columns_of(header, given)), len(header), delimiter == usual

    return max(DELIMITERS, key=merit)


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character not in " _-\t\n\ufeff")
