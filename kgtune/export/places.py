"""Countries and regions as STIX spells them: ISO 3166-1 codes, and the words of its vocabulary of regions.

Knows nothing about graphs. The names are those that threat reports use; a place that is not here is no fault.
"""

from __future__ import annotations

# code, and every way to write the name
_COUNTRIES = """
AE United Arab Emirates|UAE|阿联酋
AF Afghanistan|阿富汗
AM Armenia|亚美尼亚
AR Argentina|阿根廷
AT Austria|奥地利
AU Australia|澳大利亚
AZ Azerbaijan|阿塞拜疆
BD Bangladesh|孟加拉国
BE Belgium|比利时
BR Brazil|巴西
BY Belarus|白俄罗斯
CA Canada|加拿大
CH Switzerland|瑞士
CL Chile|智利
CN China|People's Republic of China|中国
CO Colombia|哥伦比亚
CZ Czech Republic|Czechia|捷克
DE Germany|德国
DK Denmark|丹麦
EE Estonia|爱沙尼亚
EG Egypt|埃及
ES Spain|西班牙
FI Finland|芬兰
FR France|法国
GB United Kingdom|Great Britain|UK|Britain|英国
GE Georgia|格鲁吉亚
GR Greece|希腊
HK Hong Kong|香港
HU Hungary|匈牙利
ID Indonesia|印度尼西亚|印尼
IE Ireland|爱尔兰
IL Israel|以色列
IN India|印度
IQ Iraq|伊拉克
IR Iran|伊朗
IT Italy|意大利
JO Jordan|约旦
JP Japan|日本
KE Kenya|肯尼亚
KH Cambodia|柬埔寨
KP North Korea|DPRK|朝鲜
KR South Korea|Republic of Korea|韩国
KW Kuwait|科威特
KZ Kazakhstan|哈萨克斯坦
LA Laos|老挝
LB Lebanon|黎巴嫩
LK Sri Lanka|斯里兰卡
LT Lithuania|立陶宛
LV Latvia|拉脱维亚
MM Myanmar|Burma|缅甸
MN Mongolia|蒙古
MX Mexico|墨西哥
MY Malaysia|马来西亚
NG Nigeria|尼日利亚
NL Netherlands|荷兰
NO Norway|挪威
NP Nepal|尼泊尔
NZ New Zealand|新西兰
PH Philippines|菲律宾
PK Pakistan|巴基斯坦
PL Poland|波兰
PT Portugal|葡萄牙
QA Qatar|卡塔尔
RO Romania|罗马尼亚
RU Russia|Russian Federation|俄罗斯
SA Saudi Arabia|沙特阿拉伯|沙特
SE Sweden|瑞典
SG Singapore|新加坡
SY Syria|叙利亚
TH Thailand|泰国
TR Turkey|Türkiye|土耳其
TW Taiwan|台湾
UA Ukraine|乌克兰
US United States|United States of America|USA|U.S.|US|America|美国
UZ Uzbekistan|乌兹别克斯坦
VN Vietnam|Viet Nam|越南
YE Yemen|也门
ZA South Africa|南非
"""
_REGIONS = """
africa Africa|非洲
americas Americas|the Americas|美洲
asia Asia|亚洲
central-asia Central Asia|中亚
eastern-asia East Asia|Eastern Asia|东亚
eastern-europe Eastern Europe|东欧
europe Europe|欧洲
latin-america-caribbean Latin America|拉丁美洲|拉美
middle-africa Central Africa|中非地区
northern-africa North Africa|Northern Africa|北非
northern-america North America|北美
oceania Oceania|大洋洲
south-america South America|南美
south-eastern-asia Southeast Asia|South-East Asia|东南亚
southern-asia South Asia|Southern Asia|南亚
western-asia Middle East|the Middle East|Western Asia|中东|西亚
western-europe Western Europe|西欧
"""


def place(name: str) -> dict[str, str] | None:
    """Return the STIX property that says where a place is, None for a name that is no known place."""
    return _PLACES.get(name.strip().casefold())


def _table(lines: str, key: str) -> dict[str, dict[str, str]]:
    rows = [line.partition(" ") for line in lines.strip().splitlines()]
    return {name.casefold(): {key: value} for value, _, names in rows for name in names.split("|")}


_PLACES = _table(_COUNTRIES, "country") | _table(_REGIONS, "region")
