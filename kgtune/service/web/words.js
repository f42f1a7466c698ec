// Every word of the page, in both languages. Knows nothing about what they stand beside.

export const WORDS = {
  en: {
    skip: "Skip to the text",
    tagline: "Threat report in, knowledge graph out",
    languages: "Language",
    source: "Report",
    text: "Text of the report",
    paste: "Paste a threat report here, or drop a text file.",
    example: "Example",
    file: "Open a file",
    reading: "The report with marked names and evidence",
    key: "API key",
    extract: "Extract",
    stop: "Stop",
    edit: "Edit the text",
    shortcut: "Ctrl + Enter",
    result: "Graph",
    view: "View",
    picture: "Picture",
    table: "Table",
    filter: "Labels",
    empty: "Entities and relationships appear here while the model writes them.",
    keys: "Click an edge to see its evidence. With the keyboard: arrow keys go from relationship to relationship, Escape lets go.",
    pictureOf: "Picture of {entities} entities and {relationships} relationships. The table has the same.",
    entities: "Entities",
    relationships: "Relationships",
    entity: "Name",
    label: "Label",
    mentions: "In the text",
    from: "From",
    relationship: "Relationship",
    to: "To",
    confidence: "Confidence",
    detail: "What is selected",
    noEvidence: "The model gave no evidence.",
    elsewhere: "The evidence does not stand in the text like this.",
    unmentioned: "The name does not stand in the text like this.",
    download: "Download",
    again: "The service extracts the text again for {format}…",
    saved: "{file} is saved.",
    reads: "The model reads the text…",
    writes: "{entities} entities, {relationships} relationships so far",
    done: "{entities} entities, {relationships} relationships in {seconds} s",
    truncated: "The answer reached the token limit: the graph is not whole.",
    dropped: "{number} items led nowhere or stood there twice, and were left out.",
    stopped: "Stopped. What had come by then is shown.",
    nothing: "There is no text. Paste a report first.",
    needsKey: "The service asks for an API key.",
    wrongKey: "The service does not know this API key.",
    unreachable: "The service can't be reached. Is it running?",
    broken: "The connection ended before the graph was whole.",
    notText: "{file} is no UTF-8 text.",
    ready: "Model ready",
    notReady: "Model not ready",
    gone: "Service not reachable",
  },
  zh: {
    skip: "跳到文本",
    tagline: "输入威胁情报，输出知识图谱",
    languages: "语言",
    source: "报告",
    text: "报告正文",
    paste: "在此粘贴威胁情报文本，或拖入文本文件。",
    example: "示例",
    file: "打开文件",
    reading: "标出名称与证据的报告",
    key: "API 密钥",
    extract: "抽取",
    stop: "停止",
    edit: "编辑文本",
    shortcut: "Ctrl + Enter",
    result: "图谱",
    view: "视图",
    picture: "图形",
    table: "表格",
    filter: "标签",
    empty: "模型写出的实体和关系会逐一出现在这里。",
    keys: "点击连线查看证据。键盘：方向键逐条浏览关系，Esc 取消选择。",
    pictureOf: "图中有 {entities} 个实体、{relationships} 条关系，表格内容相同。",
    entities: "实体",
    relationships: "关系",
    entity: "名称",
    label: "标签",
    mentions: "文中出现",
    from: "起点",
    relationship: "关系",
    to: "终点",
    confidence: "置信度",
    detail: "当前选择",
    noEvidence: "模型没有给出证据。",
    elsewhere: "原文中没有与该证据一致的文字。",
    unmentioned: "原文中没有与该名称一致的文字。",
    download: "下载",
    again: "服务正在为 {format} 重新抽取…",
    saved: "已保存 {file}。",
    reads: "模型正在阅读文本…",
    writes: "已有 {entities} 个实体、{relationships} 条关系",
    done: "{entities} 个实体、{relationships} 条关系，用时 {seconds} 秒",
    truncated: "回答达到长度上限，图谱不完整。",
    dropped: "有 {number} 项指向不存在的实体或重复，已略去。",
    stopped: "已停止，保留已抽取的内容。",
    nothing: "没有文本，请先粘贴一篇报告。",
    needsKey: "服务需要 API 密钥。",
    wrongKey: "API 密钥不正确。",
    unreachable: "无法连接服务，请确认它在运行。",
    broken: "图谱尚未完成，连接已中断。",
    notText: "{file} 不是 UTF-8 文本。",
    ready: "模型就绪",
    notReady: "模型未就绪",
    gone: "无法连接服务",
  },
};

// About invented actors.
export const EXAMPLES = {
  en:
    "The group GlassViper used the loader NightLoom against Northwind Bank in March. NightLoom spread through " +
    "phishing mails from the domain billing-northwind.example and exploited CVE-2031-20417 in the mail gateway. " +
    "On the hosts it installed the backdoor PaperKite, which sent its data to 203.0.113.77.",
  zh:
    "三月，攻击组织“琉璃蛇”使用加载器“夜织机”攻击了北风银行。“夜织机”通过来自 billing-northwind.example 的钓鱼邮件传播，" +
    "并利用邮件网关漏洞 CVE-2031-20417。随后它在主机上安装后门“纸鸢”，后者把数据传到 203.0.113.77。",
};

let language = "en";

// Return the language that is shown.
export function current() {
  return language;
}

// Return a sentence, with its {places} filled.
export function say(word, values = {}) {
  return WORDS[language][word].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

// Say everything on the page in another language.
export function speak(chosen) {
  language = Object.hasOwn(WORDS, chosen) ? chosen : "en";
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) element.ariaLabel = say(element.dataset.label);
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = say(element.dataset.placeholder);
  for (const button of document.querySelectorAll("[data-language]")) button.ariaPressed = String(button.dataset.language === language);
}
