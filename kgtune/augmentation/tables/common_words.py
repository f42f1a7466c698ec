"""Words that are annotated as names and are common all the same: countries, regions, sectors, kinds of people.

Knows nothing about examples. None of them is replaced or put in another's place: 俄罗斯政府 has no 俄罗斯航空航天, and
"in Russia" no "in Harbour Bank".
"""

from __future__ import annotations

_ZH = (
    "中国 美国 俄罗斯 英国 法国 德国 日本 韩国 朝鲜 印度 巴基斯坦 伊朗 以色列 乌克兰 越南 菲律宾 泰国 缅甸 "
    "柬埔寨 老挝 新加坡 马来西亚 印度尼西亚 印尼 蒙古 蒙古国 尼泊尔 孟加拉国 斯里兰卡 阿富汗 哈萨克斯坦 "
    "乌兹别克斯坦 吉尔吉斯斯坦 塔吉克斯坦 土库曼斯坦 土耳其 叙利亚 伊拉克 约旦 黎巴嫩 巴勒斯坦 沙特 沙特阿拉伯 "
    "阿联酋 卡塔尔 科威特 也门 埃及 利比亚 阿尔及利亚 摩洛哥 突尼斯 苏丹 埃塞俄比亚 尼日利亚 肯尼亚 南非 加拿大 "
    "墨西哥 巴西 阿根廷 智利 哥伦比亚 委内瑞拉 秘鲁 古巴 澳大利亚 新西兰 意大利 西班牙 葡萄牙 荷兰 比利时 瑞士 "
    "奥地利 波兰 捷克 匈牙利 罗马尼亚 保加利亚 希腊 塞尔维亚 克罗地亚 瑞典 挪威 芬兰 丹麦 爱沙尼亚 拉脱维亚 "
    "立陶宛 白俄罗斯 格鲁吉亚 亚美尼亚 阿塞拜疆 摩尔多瓦 爱尔兰 香港 台湾 澳门 克什米尔 中东 中亚 东亚 南亚 "
    "东南亚 西亚 北非 东欧 西欧 北欧 南欧 欧洲 亚洲 非洲 北美 南美 拉美 北美洲 南美洲 大洋洲 欧盟 北约 全球 我国 "
    "国内 国外 境外 中东地区 亚太 亚太地区 政府 军队 军方 军事 军工 国防 外交 警方 司法 媒体 新闻 新闻媒体 教育 "
    "高校 学术 科研 科技 医疗 卫生 医院 金融 银行 保险 证券 能源 电力 石油 天然气 核能 水利 交通 航空 航天 "
    "航空航天 航运 海事 物流 铁路 通信 电信 运营商 互联网 游戏 零售 制造 制造业 工业 农业 建筑 化工 半导体 芯片 "
    "汽车 酒店 旅游 餐饮 法律 咨询 智库 智囊团 企业 个人 用户 公司 机构 组织 单位 行业 国家 政府机构 政府部门 "
    "金融机构 医疗机构 教育机构 科研机构 军事机构 国防工业 关键基础设施 基础设施 非政府组织 持不同政见者 记者 "
    "学者 官员 外交人员 研究人员"
)
_EN = (
    "China; United States; USA; US; U.S.; America; Russia; United Kingdom; UK; Britain; France; Germany; Japan; "
    "Korea; South Korea; North Korea; India; Pakistan; Iran; Israel; Ukraine; Vietnam; Philippines; Thailand; "
    "Myanmar; Cambodia; Laos; Singapore; Malaysia; Indonesia; Mongolia; Nepal; Bangladesh; Sri Lanka; "
    "Afghanistan; Kazakhstan; Uzbekistan; Kyrgyzstan; Tajikistan; Turkmenistan; Turkey; Syria; Iraq; Jordan; "
    "Lebanon; Palestine; Saudi Arabia; UAE; United Arab Emirates; Qatar; Kuwait; Yemen; Egypt; Libya; Algeria; "
    "Morocco; Tunisia; Sudan; Ethiopia; Nigeria; Kenya; South Africa; Canada; Mexico; Brazil; Argentina; Chile; "
    "Colombia; Venezuela; Peru; Cuba; Australia; New Zealand; Italy; Spain; Portugal; Netherlands; Belgium; "
    "Switzerland; Austria; Poland; Czech Republic; Czechia; Hungary; Romania; Bulgaria; Greece; Serbia; Croatia; "
    "Sweden; Norway; Finland; Denmark; Estonia; Latvia; Lithuania; Belarus; Georgia; Armenia; Azerbaijan; "
    "Moldova; Ireland; Hong Kong; Taiwan; Macau; Middle East; Central Asia; East Asia; South Asia; "
    "Southeast Asia; Western Asia; North Africa; Eastern Europe; Western Europe; Europe; Asia; Africa; "
    "North America; South America; Latin America; Oceania; European Union; EU; NATO; Asia-Pacific; APAC; EMEA; "
    "Government; Military; Defense; Defence; Diplomacy; Police; Media; News; Education; Academia; Research; "
    "Technology; Healthcare; Health; Finance; Banking; Insurance; Energy; Oil; Gas; Oil and Gas; Transportation; "
    "Aviation; Aerospace; Maritime; Logistics; Telecommunications; Telecom; Internet; Gaming; Retail; "
    "Manufacturing; Industry; Agriculture; Construction; Chemicals; Semiconductors; Automotive; Hospitality; "
    "Travel; Tourism; Legal; Consulting; Think Tanks; NGOs; Companies; Individuals; Users; Organizations; "
    "Governments; Journalists; Dissidents; Critical Infrastructure; Windows; Linux; Android; macOS; iOS"
)

COMMON_WORDS = frozenset({*_ZH.split(), *(word.strip().casefold() for word in _EN.split(";"))})
"""Chinese words as they are, English ones casefolded."""
