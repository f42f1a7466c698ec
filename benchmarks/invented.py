"""Invented threat reports with exact graphs, as many as asked for: the i-th depends on (seed, i) alone.

Knows nothing about conversion or timing. Names, hosts and events are made up; addresses come from the ranges that
are kept for documentation. A few documents repeat an earlier one almost word for word, or share a vendor's paragraph.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ONSETS = "b br c ch d dr f fl g gl h j k kl l m n p pr qu r s sk st t th tr v w y z".split()
_VOWELS = "a e i o u ai ea ia io ou".split()
_CODAS = ["", *"l m n r s x k nd rk th lt rn".split()]
_HAN = "岚朔隼曜霁翎骁珩玥璟琅珀琥鸢鹭鹤鸾麒麟狼豹枭蝎蛟鲸鲲鹏燕鸿苍玄墨黛赤绯碧翠靛霜岩岭峦渊泽溟澜涛汐沧屿砂砾磐烽焰炽烛焱"

_EN = {
    "share of facts": 0.45,
    "kinds": {
        "ThreatOrganization": ("{S} Group", "Crimson {S}", "{S} Spider", "APT-{S}", "Silent {S}"),
        "Tool": ("{S}RAT", "{S} Loader", "{S}Bot", "{S}Locker", "{S} Stealer", "{S}Shell"),
        "Target": ("{S} Bank", "{S} Energy", "{S} Logistics", "University of {S}", "{S} City Hospital"),
        "AttackEvent": ("Operation {S}", "{S} campaign", "{S} intrusion"),
    },
    "facts": (
        ("ThreatOrganization", "USE", "Tool", "{a} deployed {b} on {n} machines in the {adj} {noun}."),
        ("ThreatOrganization", "USE", "Tool", "According to the logs, {b} was brought in by {a} through a {adj} {noun}."),
        ("ThreatOrganization", "ATTACK", "Target", "{a} broke into the network of {b} in {month} by way of a {noun}."),
        ("ThreatOrganization", "ATTACK", "Target", "Recently, {b} reported that {a} had read its {adj} {noun}."),
        ("ThreatOrganization", "LAUNCH", "AttackEvent", "{a} started {b} with a {adj} {noun} and a {adj} {noun}."),
        ("AttackEvent", "USE", "Tool", "During {a}, analysts observed {b} in a {adj} {noun}."),
        ("AttackEvent", "ATTACK", "Target", "{a} reached {b} over its {adj} {noun} within {n} hours."),
        ("Tool", "USE", "Asset", "{a} sends the {noun} to {b} every {n} minutes."),
        ("Tool", "USE", "Asset", "The {adj} {noun} of {a} is fetched from {b}."),
    ),
    "filler": (
        "The {adj} {noun} {verb} the {adj} {noun} of the {place}.",
        "Recently, a {noun} {verb} the {noun} before the {adj} {noun} was noticed.",
        "Most of the {noun} in the {place} had a {adj} {noun} that {verb} nothing.",
        "Additionally, the {place} {verb} a {noun} for {n} days.",
        "Nobody at the {place} could say why the {noun} {verb} the {adj} {noun}.",
        "Analysts {verb} the {noun} and reported a {adj} {noun} in {month}.",
        "Work on the {adj} {noun} took {n} hours, and the {place} {verb} the {noun}.",
    ),
    "adj": "quiet narrow broken second internal hidden older remote shared signed empty partial weekly central spare "
           "local mixed early late plain odd rare steady small large regional virtual manual public private stale".split(),
    "noun": "server mailbox report backup driver ticket password folder gateway browser macro printer archive script "
            "session cookie router update queue record account token sensor kernel channel module portal cluster "
            "invoice contract calendar ledger monitor switch cable badge laptop phone router camera".split(),
    "verb": "kept moved copied renamed checked blocked left followed crossed opened delayed restored described replaced "
            "recorded limited repeated ignored shared tested counted listed signed closed".split(),
    "place": "finance office|second data centre|branch in the north|plant|service desk|harbour site|legal team|"
             "warehouse|research unit|board|training room|supplier|cloud tenant|test network|vendor".split("|"),
    "month": "January February March April May June July August September October November December".split(),
    "boilerplate": (
        "About the {S} research team: the team writes about {noun} and {noun} topics, answers questions of customers on "
        "working days, and publishes its {adj} {noun} twice a year. Write to the desk for a copy of the {adj} {noun}, "
        "and tell us which {noun} you would like to read about next."
    ),
}  # fmt: skip
_ZH = {
    "share of facts": 0.22,  # a Chinese sentence is half as long as an English one
    "kinds": {
        "ThreatOrganization": ("{Z}组织", "{Z}团伙", "暗影{Z}", "APT-{S}"),
        "Tool": ("{Z}木马", "{Z}后门", "{Z}加载器", "{S}RAT", "{S} Loader"),
        "Target": ("{Z}银行", "{Z}电力公司", "{Z}大学", "{Z}市医院"),
        "AttackEvent": ("{Z}行动", "{Z}攻击活动", "{Z}事件"),
    },
    "facts": (
        ("ThreatOrganization", "USE", "Tool", "{a}在{n}台主机上部署了{b}，入口是{adj}{noun}。"),
        ("ThreatOrganization", "USE", "Tool", "日志显示，{b}由{a}通过{adj}{noun}带入。"),
        ("ThreatOrganization", "ATTACK", "Target", "{a}于{month}经由{noun}进入{b}的网络。"),
        ("ThreatOrganization", "ATTACK", "Target", "近期，{b}称{a}读取了其{adj}{noun}。"),
        ("ThreatOrganization", "LAUNCH", "AttackEvent", "{a}以{adj}{noun}和{noun}发起了{b}。"),
        ("AttackEvent", "USE", "Tool", "在{a}期间，分析人员在{adj}{noun}里看到{b}。"),
        ("AttackEvent", "ATTACK", "Target", "{a}在{n}小时内波及{b}的{adj}{noun}。"),
        ("Tool", "USE", "Asset", "{a}每{n}分钟把{noun}传到{b}。"),
        ("Tool", "USE", "Asset", "{a}的{adj}{noun}取自{b}，大小不到{n}兆。"),
    ),
    "filler": (
        "{place}的{adj}{noun}{verb}了{adj}{noun}，没有人注意到。",
        "近期，{noun}{verb}了{place}的{noun}，随后，{adj}{noun}也有变化。",
        "大多数{noun}都带有{adj}{noun}，{place}因此{verb}了{noun}。",
        "此外，{place}在{n}天里{verb}了{adj}{noun}。",
        "目前没有人能说明{place}为什么{verb}{adj}{noun}。",
        "分析人员{verb}了{noun}，并在{month}写下{adj}{noun}的经过。",
        "处理{adj}{noun}用了{n}小时，{place}还{verb}了{noun}。",
    ),
    "adj": "安静的 狭窄的 损坏的 第二个 内部 隐藏的 较旧的 远程 共享 已签名的 空白 部分 每周的 中央 备用 本地 混合 早期的 "
           "晚到的 普通的 少见的 稳定的 小型 大型 区域 虚拟 手动 公开的 私有 过期的".split(),
    "noun": "服务器 邮箱 报告 备份 驱动 工单 口令 文件夹 网关 浏览器 宏 打印机 压缩包 脚本 会话 路由器 更新 队列 记录 账户 令牌 "
            "传感器 内核 通道 模块 门户 集群 发票 合同 日历 账本 显示器 交换机 线缆 门禁 笔记本 手机 摄像头".split(),
    "verb": "保留 移动 复制 改名 检查 拦下 留下 跟踪 打开 推迟 恢复 描述 替换 记下 限制 重复 忽略 共享 测试 清点 列出 签署 关闭".split(),
    "place": "财务办公室 第二数据中心 北方分部 工厂 服务台 港口站点 法务组 仓库 研究部 董事会 培训室 供应商 云租户 测试网".split(),
    "month": [f"{number}月" for number in range(1, 13)],
    "boilerplate": (
        "关于{Z}研究小组：本组长期撰写与{noun}和{noun}有关的文章，工作日答复客户的提问，每年两次发布{adj}{noun}。如需{adj}{noun}的"
        "副本，请写信给服务台，并告诉我们下次想读到哪一种{noun}。本文只代表小组成员在写作时的看法，引用时请注明出处，转载前请先"
        "取得书面同意；文中提到的{noun}均为编写时的状态，之后可能已经改变。读者若发现{adj}{noun}有误，可以在网站上留言，我们会在"
        "{n}个工作日内核对并更正，同时向最先指出的人致谢。"
    ),
}  # fmt: skip
_SHORTEST = 820  # characters; the median then lies well above the 800 that the benchmark promises


def documents(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Write `count` items of {id, text, lang, entities, relationships}."""
    return (document(seed, index) for index in range(count))


def document(seed: int, index: int) -> dict[str, Any]:
    """Write the i-th item: 3 in 100 repeat the one before almost word for word, 5 in 100 hold nothing to extract."""
    chance = random.Random(f"{seed}/{index}/kind").random()
    item = _written(random.Random(f"{seed}/{index - (chance < 0.03)}"), is_empty=0.03 <= chance < 0.08)
    if chance < 0.03:
        item["text"] += " Updated once." if item["lang"] == "en" else "已更新一次。"
    return {"id": f"report-{index:06d}", **item}


def write(path: Path, seed: int, count: int) -> None:
    """Write the items as JSON Lines."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for item in documents(seed, count):
            file.write(json.dumps(item, ensure_ascii=False) + "\n")


def _written(rng: random.Random, *, is_empty: bool) -> dict[str, Any]:
    lang = rng.choice(("en", "zh"))
    words = _EN if lang == "en" else _ZH
    story = _Story(rng, words)
    shortest = _SHORTEST * rng.uniform(0.9, 1.6)
    paragraphs, length = [], 0
    is_divided = rng.random() < 0.6
    while length < shortest:
        sentences = []
        while length < shortest and (not is_divided or len(sentences) < 4):
            states = not is_empty and rng.random() < words["share of facts"]
            sentences.append(story.fact() if states else story.filled(rng.choice(words["filler"])))
            length += len(sentences[-1])
        paragraphs.append((" " if lang == "en" else "").join(sentences))
    if rng.random() < 0.04:
        vendor = _Story(random.Random(f"vendor/{lang}/{rng.randrange(40)}"), words)
        paragraphs.append(vendor.filled(words["boilerplate"]))
    return {"text": "\n\n".join(paragraphs), "lang": lang, **story.graph()}


class _Story:
    """One document's names and what is said of them."""

    def __init__(self, rng: random.Random, words: dict[str, Any]) -> None:
        self.rng, self.words = rng, words
        self.names: dict[str, list[str]] = {}
        self.edges: dict[tuple[str, str, str], str] = {}

    def fact(self) -> str:
        source, kind, target, template = self.rng.choice(self.words["facts"])
        a, b = self._name(source, 0.8), self._name(target, 0.35)
        sentence = self.filled(template.replace("{a}", a).replace("{b}", b))
        self.edges.setdefault((kind, a, b), sentence)
        return sentence

    def filled(self, template: str) -> str:
        parts = template.split("{")
        return parts[0] + "".join(self._slot(part) for part in parts[1:])

    def _slot(self, part: str) -> str:
        key, _, rest = part.partition("}")
        if key == "n":
            return str(self.rng.randint(2, 60)) + rest
        if key in "SZ":
            return (_stem(self.rng) if key == "S" else _han(self.rng)) + rest
        return self.rng.choice(self.words[key]) + rest

    def _name(self, label: str, reuse: float) -> str:
        known = self.names.setdefault(label, [])
        if known and self.rng.random() < reuse:
            return self.rng.choice(known)
        name = _asset(self.rng) if label == "Asset" else self.filled(self.rng.choice(self.words["kinds"][label]))
        if not any(name == other for others in self.names.values() for other in others):
            known.append(name)
        return name

    def graph(self) -> dict[str, list[dict[str, Any]]]:
        named = [(label, name) for label, names in self.names.items() for name in names]
        ids = {name: f"n{number}" for number, (_, name) in enumerate(named)}
        return {
            "entities": [{"labels": label, "id": ids[name], "name": name, "description": ""} for label, name in named],
            "relationships": [
                {"type": kind, "source": ids[a], "target": ids[b], "confidence": 0.9, "evidence": evidence}
                for (kind, a, b), evidence in self.edges.items()
            ],
        }


def _stem(rng: random.Random) -> str:
    if rng.random() < 0.5:  # names that many reports share, as real ones do
        rng = random.Random(f"known/{rng.randrange(20_000)}")
    syllables = (rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.choice((2, 2, 3))))
    return "".join(syllables).capitalize()


def _han(rng: random.Random) -> str:
    if rng.random() < 0.5:
        rng = random.Random(f"known/{rng.randrange(20_000)}")
    return "".join(rng.sample(_HAN, rng.choice((2, 2, 3))))


def _asset(rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return f"198.51.100[.]{rng.randint(1, 254)}"
    if kind == 1:
        return f"{_stem(rng).lower()}-{rng.randint(10, 99)}[.]example"
    if kind == 2:
        return f"hxxps://{_stem(rng).lower()}.example/{rng.choice(('a', 'gate', 'login'))}.php?id={rng.randint(1, 99)}"
    return "".join(rng.choice("0123456789abcdef") for _ in range(64))
