"""Chinese sentence frames by relation; `{slots}` take names, `{h}` an optional hedge, `[a|b]` alternatives.

Knows nothing about names or about how sentences are put together. TRAIN serves pretraining and training, HELD_OUT
serves validation and test only.
"""

from __future__ import annotations

# One frame per line, without the full stop. A frame that starts with a slot can follow an opener.
_TRAIN = {
    "launch": """
{actor}{h}[发起|发动|组织]了{event}
{actor}{h}[策划|实施|主导]了{event}
{actor}{h}是{event}的幕后黑手
{actor}对{event}负责
{event}{h}由[{actor}发起|{actor}发动|{actor}策划]
{event}{h}是{actor}所为
{event}{h}出自{actor}之手
{event}被归因于{actor}
{event}的发起者{h}是{actor}
{event}的背后{h}是{actor}
{actor}宣称对{event}负责
{actor}{h}一手策划了{event}
策划{event}的{h}是{actor}
在幕后推动{event}的{h}是{actor}
研究人员将{event}归因于{actor}
研究人员认为{actor}发起了{event}
通过{event},{actor}再次进入公众视野
由{actor}{h}发动的{event}引起关注
{actor}于近日{h}启动{event}
{actor}{h}在数周内完成了{event}的策划并将其启动
溯源结果显示{event}来自{actor}
""",
    "strike": """
{event}{h}[攻击|袭击|波及]了{target}
{event}{h}以{target}为目标
{event}{h}针对{target}
{event}{h}影响了{target}的业务
{event}的目标{h}是{target}
{event}的受害者{h}包括{target}
{event}{h}导致{target}系统中断
{event}{h}造成{target}数据泄露
{target}{h}受到{event}影响
{target}{h}是{event}的受害者
{target}{h}在{event}中[受到攻击|被攻陷]
{target}{h}遭到{event}攻击
在{event}中,{target}{h}成为主要目标
受{event}影响的{h}有{target}
{event}{h}锁定了{target}
{event}{h}渗透到{target}内网
{event}{h}把矛头指向{target}
{target}证实其网络受{event}波及
因{event}而停机的{h}是{target}
{event}期间,{target}{h}遭入侵
""",
    "attack": """
{actor}{h}[攻击|入侵|渗透]了{target}
{actor}{h}[瞄准|攻陷|袭击]了{target}
{actor}{h}对{target}发起攻击
{actor}{h}以{target}为攻击目标
{actor}{h}长期针对{target}
{actor}{h}窃取了{target}的数据
{actor}{h}进入{target}的内网
{actor}{h}控制了{target}的主机
{target}{h}[遭到|受到]{actor}攻击
{target}{h}被{actor}[入侵|攻陷|渗透]
{target}{h}是{actor}的攻击目标
{target}{h}成为{actor}的受害者
{actor}的攻击目标{h}是{target}
{actor}的受害者{h}包括{target}
攻击{target}的{h}是{actor}
入侵{target}的攻击者{h}来自{actor}
针对{target}的攻击{h}由{actor}实施
在{target}的网络中发现了{actor}的踪迹
{actor}{h}将目标转向{target}
{target}的数据{h}被{actor}窃走
""",
    "use": """
{actor}{h}[使用|部署|采用]了{tool}
{actor}{h}[利用|投放|植入]{tool}
{actor}{h}常用{tool}
{actor}{h}借助{tool}维持控制
{actor}{h}通过{tool}控制主机
{actor}的武器库{h}包含{tool}
{actor}的工具{h}包括{tool}
{actor}的常用工具{h}是{tool}
{actor}{h}在主机上安装{tool}
{actor}{h}向受害主机投递{tool}
{actor}{h}改用{tool}
{tool}{h}被{actor}[使用|部署]
{tool}{h}是{actor}的常用工具
{tool}{h}属于{actor}的武器库
{tool}{h}由{actor}操控
{actor}所用的恶意软件{h}是{tool}
在{actor}的武器库中发现{tool}
借助{tool},{actor}{h}长期潜伏
样本显示{actor}使用{tool}
{actor}{h}更新并投放了{tool}
""",
    "employ": """
{event}{h}[使用|采用|投放]了{tool}
{event}{h}利用{tool}
{event}{h}借助{tool}展开
{event}{h}传播{tool}
{event}{h}依赖{tool}
{event}的载荷{h}是{tool}
{event}所用工具{h}为{tool}
{event}中{h}出现了{tool}
{event}的最终载荷{h}为{tool}
{event}的核心工具{h}是{tool}
{tool}{h}被用于{event}
{tool}{h}在{event}中被投放
{tool}{h}是{event}的主要工具
{tool}{h}出现在{event}中
在{event}中,攻击者{h}使用{tool}
在{event}中,攻击者{h}安装了{tool}
{event}期间,{tool}{h}被植入多台主机
{event}以邮件{h}投递{tool}
从{event}中提取到{tool}
{event}的攻击者{h}选用{tool}
""",
    "own": """
{actor}{h}[拥有|控制|持有]{asset}
{actor}{h}[注册|租用|购买]了{asset}
{actor}{h}运营着{asset}
{actor}{h}掌握{asset}
{actor}的基础设施{h}包括{asset}
{actor}的服务器{h}位于{asset}
{actor}名下{h}有{asset}
{actor}的资产{h}包含{asset}
{asset}{h}属于{actor}
{asset}{h}归{actor}所有
{asset}{h}由{actor}[控制|注册|租用]
{asset}{h}是{actor}的基础设施
{asset}{h}是{actor}的服务器
{asset}的所有者{h}为{actor}
注册{asset}的{h}是{actor}
注册信息表明{asset}属于{actor}
位于{asset}的服务器{h}归{actor}管理
研究人员将{asset}归于{actor}
{actor}{h}搭建了{asset}
{asset}被关联到{actor}
""",
    "contact": """
{tool}{h}[连接|回连|访问]{asset}
{tool}{h}与{asset}通信
{tool}{h}向{asset}回传数据
{tool}{h}向{asset}发送心跳
{tool}{h}从{asset}获取指令
{tool}{h}从{asset}下载配置
{tool}{h}以{asset}为控制服务器
{tool}的控制服务器{h}是{asset}
{tool}的C2地址{h}为{asset}
{tool}的回连地址{h}是{asset}
{tool}的流量{h}指向{asset}
{tool}的配置{h}指向{asset}
{asset}{h}是{tool}的[C2|控制服务器]
{asset}{h}被{tool}用作控制端
{asset}{h}作为{tool}的控制服务器
运行后,{tool}{h}连接{asset}
启动之后,{tool}{h}访问{asset}
感染{tool}的主机{h}连接{asset}
监测到{tool}访问{asset}
{tool}{h}请求{asset}
""",
    "implement": """
{tool}{h}[实现|支持|具备]{technique}
{tool}{h}能够进行{technique}
{tool}{h}内含{technique}模块
{tool}{h}提供{technique}功能
{tool}{h}依靠{technique}
{tool}{h}采用{technique}手法
{tool}{h}通过{technique}躲避查杀
{tool}的功能{h}包括{technique}
{tool}的主要功能{h}是{technique}
{tool}的代码{h}实现了{technique}
{tool}新版本{h}加入{technique}
{technique}{h}由{tool}[实现|完成]
{technique}{h}是{tool}的功能之一
{technique}{h}是{tool}的主要手法
{tool}{h}使用的技术是{technique}
分析发现{tool}支持{technique}
在{tool}中发现{technique}的代码
{tool}的开发者{h}增加了{technique}
{tool}的模块{h}负责{technique}
利用{technique},{tool}{h}驻留在主机中
""",
    "tactic": """
{tactic}阶段{h}[包括|采用|涉及]{technique}
{tactic}阶段的手法{h}是{technique}
{tactic}战术{h}[包含|涵盖]{technique}
{tactic}战术{h}对应{technique}
{tactic}{h}通过{technique}完成
{tactic}{h}依靠{technique}
{technique}{h}[属于|归入]{tactic}
{technique}{h}属于{tactic}战术
{technique}{h}对应{tactic}阶段
{technique}{h}用于{tactic}
{technique}{h}被映射到{tactic}
{technique}{h}是{tactic}的常见技术
{technique}{h}出现在{tactic}阶段
在{tactic}阶段,攻击者{h}使用{technique}
在{tactic}方面,观察到{technique}
为实现{tactic},攻击者{h}采用{technique}
矩阵将{technique}列在{tactic}之下
{tactic}一栏{h}列有{technique}
{tactic}的技术{h}包括{technique}
研究人员将{technique}划入{tactic}
""",
    "report": """
{report}[描述|披露|记录]了{event}
{report}[分析|介绍|梳理]了{event}
{report}详细说明了{event}
{report}以{event}为主题
{report}首次公开{event}
{report}围绕{event}展开
{report}还原了{event}的经过
{report}总结了{event}
{report}讲述的是{event}
{event}由{report}[披露|公开]
{event}见于{report}
{event}是{report}的主题
{event}的细节载于{report}
{event}的时间线见{report}
{event}的经过记录在{report}中
在{report}中,研究人员分析了{event}
关于{event}的情况,参看{report}
读者可从{report}了解{event}
{report}的作者研究了{event}
{report}因{event}而发布
""",
    "procedure": """
{procedure}{h}[使用|调用|运行]{tool}
{procedure}{h}依赖{tool}
{procedure}{h}安装{tool}
{procedure}{h}借助{tool}
{procedure}{h}启动{tool}
{procedure}的第一步{h}是启动{tool}
{procedure}的最后一步{h}调用{tool}
{procedure}{h}需要用到{tool}
{procedure}{h}以{tool}为核心
{procedure}所用工具{h}为{tool}
{tool}{h}被{procedure}[调用|使用]
{tool}{h}是{procedure}的一部分
{tool}{h}用于{procedure}
{tool}{h}出现在{procedure}中
在{procedure}中,{tool}{h}最先运行
每次运行{procedure}都会启动{tool}
{procedure}{h}会下载并运行{tool}
{procedure}{h}包含对{tool}的调用
{procedure}离不开{tool}
{procedure}{h}通过{tool}完成
""",
    "launch_strike": """
{actor}{h}发起{event},攻击了{target}
{actor}{h}在{event}中入侵{target}
在{event}中,{actor}{h}攻陷{target}
{actor}策划的{event}{h}波及{target}
{target}{h}在{actor}发动的{event}中受害
{actor}{h}针对{target}发动{event}
""",
    "use_attack": """
{actor}{h}使用{tool}攻击{target}
{actor}{h}利用{tool}入侵{target}
{actor}{h}向{target}投放{tool}
{target}{h}被{actor}植入{tool}
借助{tool},{actor}{h}渗透{target}
{actor}攻击{target}时{h}使用了{tool}
""",
    "use_contact": """
{actor}{h}使用{tool},其控制服务器为{asset}
{actor}{h}投放的{tool}会连接{asset}
{actor}使用的{tool}{h}与{asset}通信
{actor}{h}部署{tool},并通过{asset}下达指令
""",
    "use_implement": """
{actor}{h}使用{tool}进行{technique}
{actor}{h}利用{tool}实现{technique}
{actor}投放的{tool}{h}支持{technique}
为了{technique},{actor}{h}部署了{tool}
""",
    "report_launch": """
{report}将{event}归因于{actor}
{report}指出{actor}发起了{event}
{report}认为{event}是{actor}所为
据{report}介绍,{event}{h}由{actor}发动
""",
}

_HELD_OUT = {
    "launch": """
{actor}{h}开展了{event}
{event}的组织者{h}为{actor}
发动{event}的攻击者{h}属于{actor}
{event}{h}是由{actor}主导的
{actor}{h}推动了{event}的实施
""",
    "strike": """
{event}{h}使{target}受害
{event}{h}攻陷了{target}的主机
{target}的系统{h}因{event}中断
{event}的主要受害者{h}为{target}
{event}{h}对准的是{target}
""",
    "attack": """
{actor}{h}攻入{target}的系统
{target}{h}遭{actor}渗透
{actor}{h}把{target}列为目标
{target}的主机{h}被{actor}控制
{actor}{h}实施了对{target}的攻击
""",
    "use": """
{actor}{h}选用{tool}作为工具
{actor}{h}操控着{tool}
{actor}手中的工具{h}有{tool}
{tool}{h}来自{actor}的武器库
{actor}{h}靠{tool}控制受害主机
""",
    "employ": """
{event}{h}用到了{tool}
{event}{h}部署{tool}作为载荷
{event}的攻击者{h}依赖{tool}
{tool}{h}是{event}所用的恶意软件
{event}{h}把{tool}植入主机
""",
    "own": """
{actor}{h}管理着{asset}
{asset}{h}在{actor}名下
{asset}的控制者{h}是{actor}
{actor}{h}买下了{asset}
{asset}{h}为{actor}持有
""",
    "contact": """
{tool}{h}接收{asset}的指令
{tool}{h}把数据发送到{asset}
{tool}{h}连向{asset}
{asset}{h}负责控制{tool}
{tool}的服务器地址{h}为{asset}
""",
    "implement": """
{tool}{h}可以完成{technique}
{tool}{h}拥有{technique}能力
{tool}{h}使用了{technique}技术
{tool}的模块之一{h}是{technique}
{technique}的功能{h}在{tool}中
""",
    "tactic": """
{tactic}环节的技术{h}是{technique}
{technique}{h}列在{tactic}之中
{technique}{h}在{tactic}阶段被观察到
{technique}{h}服务于{tactic}
攻击者的{tactic}{h}借助{technique}
""",
    "report": """
{report}专门研究{event}
{report}公开了{event}的细节
{event}的分析见{report}
{event}被写入{report}
{report}对{event}作了说明
""",
    "procedure": """
{procedure}{h}离开{tool}就无法运行
{procedure}{h}首先启动{tool}
{procedure}的核心{h}是{tool}
{tool}{h}在{procedure}里运行
{procedure}{h}会安装并启动{tool}
""",
    "launch_strike": """
{actor}{h}借{event}之机攻陷{target}
{actor}{h}凭{event}攻入{target}
""",
    "use_attack": """
{actor}{h}靠{tool}攻陷{target}
{actor}{h}给{target}安装了{tool}
""",
    "use_contact": """
{actor}{h}操控{tool}访问{asset}
{actor}的{tool}{h}回连到{asset}
""",
    "use_implement": """
{actor}{h}用{tool}来完成{technique}
{actor}的{tool}{h}具备{technique}功能
""",
    "report_launch": """
{report}披露{actor}策划了{event}
{report}将{actor}列为{event}的发起者
""",
}


def _lines(blocks: dict[str, str]) -> dict[str, tuple[str, ...]]:
    # Full-width commas belong to the text; the blocks spell them in ASCII, which no Chinese frame needs otherwise.
    return {relation: tuple(block.strip().replace(",", "，").split("\n")) for relation, block in blocks.items()}


def frames(*, held_out: bool) -> dict[str, tuple[str, ...]]:
    """Give the core templates by relation, for one side of the held-out line."""
    return _lines(_HELD_OUT if held_out else _TRAIN)
