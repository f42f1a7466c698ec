"""Chinese text that carries no name: openers, hedges, denials, fillers, empty documents, list leads, table headers.

Knows nothing about names or relations beyond the slot of a list lead. Keys that end in `_held_out` serve validation
and test only.
"""

from __future__ import annotations

# Slots in braces other than the leads' are numbers, days and months.
_BLOCKS = {
    "opener": """
{year}年{month}，|{month}以来，|{month}初，|{month}下旬，|据厂商介绍，|据多名分析人员称，|上周，|此外，|与此同时，|
随后，|日志显示，|
{year}年，|截至{month}，|在第二阶段，|与以往案例相同，|近日，|
""",
    "tail": "，时间为{month}|，持续{n}天|，日志可以佐证|，时间为{year}年|，厂商已确认|，手法较为隐蔽",
    "hedge": "疑似|可能|很可能|或许|大概率",
    "hedge_opener": "据推测，|有迹象表明，|初步怀疑，|据未经证实的消息，|不排除以下可能：|分析人员怀疑，|据传，",
    "moderate_opener": "以中等置信度评估，|中等置信度判断，|分析人员以中等置信度认为，",
    "negation": """
没有证据表明|尚无证据显示|未发现%s的迹象|没有迹象表明|此前关于%s的说法不属实|并非如传言所说，即|已排除%s的可能|
无法证明|
调查否认了%s这一传言|没有任何数据支持
""",
    "negation_held_out": "日志中没有证据支持|关于%s的传言已被否认|没有发现%s的证据|调查没有证明|%s的说法已被排除",
    "anaphor_actor": "该组织|该团伙|其成员|这一组织|该攻击者",
    "anaphor_actor_first": "该组织还|该团伙还|此后该组织",
    "anaphor_actor_held_out": "这一团伙|上述组织",
    "anaphor_event": "该行动|这次行动|此次攻击",
    "anaphor_event_held_out": "这一行动|上述攻击",
    "anaphor_tool": "该工具|该恶意软件|这一工具",
    "anaphor_tool_held_out": "这一恶意软件|上述工具",
    "heading": """
# 概述|# 摘要|## 背景|## 主要发现|# 事件说明|## 详情|
分析笔记|# 每周回顾|## 要点|# 情报更新|威胁概览|一、基本情况
""",
    "filler": """
调查仍在进行|目前没有客户数据丢失|后续细节将另行公布|受影响的系统已被隔离|日志保留了{n}天|分析耗时{n}小时|
备份在{n}天内恢复
用户被要求修改密码|应急团队在周末继续工作|结论已与合作方共享|大部分流量出现在{day}|样本在{month}编译|
首个告警出现在{day}
只有{n}台主机受影响|邮件内容写得很逼真|动机尚不明确|活动在{month}停止|防守方应检查告警|代码体积不大|
{year}年也出现过类似案例
已通知执法部门|总损失尚未统计|预计{month}会有第二波|厂商已发布更新|主机上没有其他发现|团队感谢所有协助者
""",
    "filler_held_out": """
案件仍在调查|处置耗时{n}天|{month}再次检查了主机|
合作方在{day}收到结论|数据损失不大|告警在{n}小时后关闭
""",
    "easy": """
{day}天气温和，有小雨|下午气温达到{n}度|食堂{day}供应汤和沙拉|会议改到{n}号房间|我们队以{n}分获胜|图书馆{day}九点开门
聚会请自带水杯|列车每{n}分钟一班|花园在{month}需要浇水|电影时长{n}分钟|{n}楼的打印机缺纸|{day}停车免费|
合唱团{month}再次演出
这道菜需要{n}克面粉|面包七点开始出售|画展持续到{month}|马拉松{day}八点开始|{month}预计降温|新椅子{month}到货
请在{day}前提交休假申请|公交站移动了{n}米|{n}岁以下儿童免票|音乐会门票{n}小时内售完|教练表扬了年轻队员|湖水适合游泳
这本书有{n}页|苹果在{month}很便宜|办公室{day}提前下班|绘画班{month}开课|车站旁的咖啡馆{day}开业|{year}年收成不错
电梯维修到{day}|酒店有{n}间客房
""",
    "easy_held_out": """
{day}起有雨|食堂{month}关闭|比赛在{n}分钟后结束|聚会改到{day}|车站新增{n}把椅子|{day}四点供应茶水|队员{day}训练|
电影{month}开演
湖边{month}前不开放
""",
    "security": """
勒索软件会加密文件并索要赎金|请在{n}天内安装最新补丁|钓鱼邮件常常制造紧迫感|请使用长密码和双重验证
欢迎参加{day}的免费安全讲座|我们的平台在威胁到达网络之前将其阻止|制度要求每{n}个月复查一次|请备份重要文件并测试备份
员工须在{n}小时内报告设备遗失|防火墙按规则过滤流量|威胁情报帮助团队确定优先级|本次更新修复了{n}个邮件客户端问题
新员工须在{month}完成安全培训|攻击者常寻找弱密码|杀毒软件将文件与已知特征比对|不要打开陌生人的附件|
网络防御大会{month}举行
到展台可获得{n}天免费试用|蠕虫无需用户操作即可传播|僵尸网络是受统一控制的一批主机|失陷指标应尽快共享|
访问权限每{n}周审查一次
零信任是指默认不信任任何请求|审计发现{n}个小问题|{year}年攻击数量上升百分之{n}|许多团伙使用公开工具|
应急预案为每个班次指定联系人
远程接入须经经理批准|加密可以保护存储和传输中的数据|趋势报告将于{month}发布|安全团队招聘{n}名分析人员|
日志须保存{n}个月
{month}没有发生安全事件|扫描结束，没有发现问题|{day}的告警是演练|后门是进入系统的隐蔽通道|恶意软件的操控者常租用服务器
多数攻击活动从邮件开始|厂商每月第二个{day}发布补丁
""",
    "security_held_out": """
木马是伪装成正常程序的恶意软件|请在{n}小时内修改默认密码|{day}的讲座介绍团队如何应对威胁|设备制度{month}调整|
攻击者之间常共享工具
每{n}个月演练一次应急预案|{month}的告警是测试|间谍软件会监视用户|补丁修复了{n}个浏览器漏洞|可疑邮件请报告给服务台
""",
    "lead_use": """
{actor}使用了以下工具：|{actor}的工具：|
{actor}的武器库包括：|{actor}所用恶意软件：|已发现{actor}使用下列工具：
""",
    "lead_use_held_out": "{actor}用到的工具如下：|下列工具由{actor}使用：",
    "lead_own": """
{actor}的基础设施：|{actor}控制以下服务器：|
下列地址属于{actor}：|{actor}注册的域名和地址：|{actor}拥有的资产：
""",
    "lead_own_held_out": "{actor}的服务器和域名如下：|以下地址归{actor}所有：",
    "lead_attack": "{actor}的受害者：|{actor}攻击了以下单位：|{actor}的攻击目标：|遭{actor}入侵的单位：",
    "lead_attack_held_out": "下列单位受到{actor}攻击：|{actor}攻击的单位如下：",
    "lead_strike": "{event}的受害者：|{event}波及以下单位：|{event}的目标：|受{event}影响的单位：",
    "lead_strike_held_out": "下列单位在{event}中受害：|{event}攻击的单位如下：",
    "lead_employ": "{event}中出现的工具：|{event}使用了以下恶意软件：|{event}所用工具：|{event}的载荷：",
    "lead_employ_held_out": "下列工具用于{event}：|{event}用到的工具如下：",
    "lead_implement": "{tool}的功能：|{tool}支持以下技术：|{tool}实现的技术：|{tool}具备：",
    "lead_implement_held_out": "下列技术由{tool}实现：|{tool}的技术如下：",
    "lead_contact": "{tool}的控制服务器：|{tool}连接以下地址：|{tool}的C2：|{tool}访问下列主机：",
    "lead_contact_held_out": "{tool}连接的地址如下：|下列服务器控制{tool}：",
    "lead_tactic": "{tactic}的技术：|{tactic}战术包含：|{tactic}阶段出现的技术：|{tactic}通过以下技术完成：",
    "lead_tactic_held_out": "{tactic}战术的技术如下：|下列技术属于{tactic}：",
    "table_use": "组织/工具|攻击者/恶意软件|团伙/所用工具",
    "table_use_held_out": "组织/所用恶意软件|攻击组织/工具",
    "table_own": "组织/基础设施|团伙/拥有的服务器|攻击者/名下资产",
    "table_own_held_out": "组织/拥有的基础设施|攻击组织/名下服务器",
    "table_attack": "组织/目标|团伙/受害者|攻击者/被攻击单位",
    "table_attack_held_out": "攻击组织/受害者|组织/被攻击目标",
    "table_launch": "组织/发起的行动|团伙/发动的攻击",
    "table_launch_held_out": "攻击者/发起的攻击",
    "table_strike": "事件/目标|行动/受害者|攻击活动/受影响单位",
    "table_strike_held_out": "行动/受影响目标|事件/受害者",
    "table_employ": "事件/工具|行动/恶意软件|攻击活动/所用工具",
    "table_employ_held_out": "事件/所用恶意软件|行动/所用工具",
    "table_contact": "工具/C2|恶意软件/控制服务器|样本/回连地址",
    "table_contact_held_out": "恶意软件/回连地址|工具/服务器地址",
    "table_implement": "工具/技术|恶意软件/实现的技术|工具/功能",
    "table_implement_held_out": "恶意软件/功能|工具/实现的技术",
    "table_tactic": "战术/技术|阶段/技术|战术/观察到的技术",
    "table_tactic_held_out": "战术/使用的技术",
    "table_report": "报告/描述的事件|报告/行动",
    "table_report_held_out": "报告/描述的行动",
    "table_procedure": "流程/工具|步骤/所用工具",
    "table_procedure_held_out": "流程/所用工具",
    "table_lead": "下表为概况。|概况如下：|结果汇总如下。||汇总表：",
    "step_lead": "攻击过程如下：|攻击步骤：|按顺序列出：|时间线：|行动链条：",
    "step_lead_held_out": "步骤顺序如下：|过程如下：",
    "card_actor": "组织|攻击者|团伙|归因",
    "card_actor_held_out": "攻击组织|组织名称",
    "card_event": "事件|行动|发起的行动",
    "card_event_held_out": "发起的攻击|行动名称",
    "card_tool": "恶意软件|工具|所用工具",
    "card_tool_held_out": "所用恶意软件|工具名称",
    "card_asset": "C2|控制服务器|回连地址",
    "card_asset_held_out": "C2地址|服务器",
    "card_target": "目标|受害者|被攻击单位",
    "card_target_held_out": "受害单位|攻击目标",
    "card_technique": "技术|功能|实现的技术",
    "card_technique_held_out": "技术名称|实现的功能",
}


def background() -> dict[str, tuple[str, ...]]:
    """Give every piece by its role; a line break in a block separates like a bar."""
    pieces: dict[str, tuple[str, ...]] = {}
    for role, block in _BLOCKS.items():
        joined = block.strip("\n").replace("|\n", "|").replace("\n", "|")
        keep_empty = role == "table_lead"
        pieces[role] = tuple(piece for piece in joined.split("|") if piece or keep_empty)
    return pieces
