from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kgtune import iocs as iocs_module
from kgtune.iocs import iocs, refang

CASES = [
    ("连接到evil.com下载", [("domain", "evil.com")]),
    ("见http://evil[.]com/a.php?x=1，随后执行", [("url", "http://evil[.]com/a.php?x=1")]),
    ("see hxxps[:]//b.example/x).", [("url", "hxxps[:]//b.example/x")]),
    ("(https://en.example.org/wiki/A_(b))", [("url", "https://en.example.org/wiki/A_(b)")]),
    (
        "[1](https://a.example/b/)[2](https://c.example/d).",
        [("url", "https://a.example/b/"), ("url", "https://c.example/d")],
    ),
    ("185[.]62[.]190[.]86:443", [("ipv4", "185[.]62[.]190[.]86:443")]),
    ("10.0.0.0/8 and version 4.0.1 and 1.2.3.4.5", [("ipv4", "10.0.0.0/8")]),
    ("2001:db8::1 at 12:30:45", [("ipv6", "2001:db8::1")]),
    ("admin[at]evil[.]com", [("email", "admin[at]evil[.]com")]),
    ("利用CVE-2021-44228和T1059.001。", [("cve", "CVE-2021-44228"), ("attack_id", "T1059.001")]),
    ("执行C:\\Windows\\Temp\\a.exe并", [("path", "C:\\Windows\\Temp\\a.exe")]),
    ('"C:\\Program Files\\x y.exe"', [("path", "C:\\Program Files\\x y.exe")]),
    ("HKCU\\Software\\Run", [("registry", "HKCU\\Software\\Run")]),
    ("cat /etc/passwd and/or 24/7", [("path", "/etc/passwd")]),
    ("readme.md evil[.]md", [("file", "readme.md"), ("domain", "evil[.]md")]),
    ("d41d8cd98f00b204e9800998ecf8427e", [("md5", "d41d8cd98f00b204e9800998ecf8427e")]),
    ("It was found.In the U.S. e.g. this", []),
    ("连接１９２．１６８．１．１下载", [("ipv4", "１９２．１６８．１．１")]),
    ("利用ＣＶＥ－２０３１－４４２２８，", [("cve", "ＣＶＥ－２０３１－４４２２８")]),
    ("去evil[。]com，看evil(dot)com", [("domain", "evil[。]com"), ("domain", "evil(dot)com")]),
    ("见http://a.example/x，ａ", [("url", "http://a.example/x")]),
    (
        "见“C:\\Program Files\\x y.exe”和'D:\\a b.dll'",
        [("path", "C:\\Program Files\\x y.exe"), ("path", "D:\\a b.dll")],
    ),
    ("用户访问abcdefghij.onion后", [("domain", "abcdefghij.onion")]),
    ("\U0001f600 10.0.0.1 \U0001f600", [("ipv4", "10.0.0.1")]),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_indicators_are_found_as_the_text_spells_them(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(ioc.kind, text[ioc.start : ioc.end]) for ioc in iocs(text)] == expected


def test_an_indicator_inside_another_is_not_listed() -> None:
    text = "hxxp://evil[.]com/evil.php"
    assert [(ioc.start, ioc.end, ioc.kind) for ioc in iocs(text)] == [(0, len(text), "url")]


@pytest.mark.parametrize(
    ("defanged", "plain"),
    [
        ("hxxp[:]//evil[.]com", "http://evil.com"),
        ("hXXps://a(.)b{.}c[dot]d", "https://a.b.c.d"),
        ("fxp[://]x.y", "ftp://x.y"),
        ("a[at]b[.]c", "a@b.c"),
        ("http:\\\\x.y", "http://x.y"),
        ("a[。]b．c", "a.b.c"),
        ("the index (a) and [b].", "the index (a) and [b]."),
    ],
)
def test_refanging_undoes_the_usual_spellings_and_no_other(defanged: str, plain: str) -> None:
    assert refang(defanged) == plain


PROBES = [
    "a", "a.", "a-", "1.", "http:", "[.]", "\\", "a:", "(.)a", "/a", "a@b.",
    "http://(", "http://[", "http://[({", "hxxp[:]//a(", "a@", "@a.", "a[at]", '"C:\\a', "“C:\\", "'C:\\a ", "%a%\\", "\\\\a\\",
    "HKLM\\", "CWE-1", "CVE-2021-", "bc1", "0x", "::", "f:", "{", "ａ．", "０．", "[。]", "T1", "AS1", "1/", "~/", "abc.com",
]  # fmt: skip


@pytest.mark.parametrize("probe", PROBES)
def test_long_lines_take_linear_time(probe: str) -> None:
    def seconds(size: int) -> float:
        text = probe * (size // len(probe))
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            iocs(text)
            refang(text)
            best = min(best, time.process_time() - start)
        return best

    # Sixteen times the text: linear is 16, quadratic 256; below 2 ms the clock says little.
    assert seconds(64_000) <= 64 * max(seconds(4_000), 0.002)


ALPHABET = st.sampled_from(
    [
        *"aZ9.:/\\@-_[]()。， \n'\"“”{}%~０ａ．\U0001f600中",
        "evil",
        "http",
        "hxxp",
        "[.]",
        "://",
        "com",
        "10.0.0.1",
        "CVE-2031-1000",
        "C:\\",
    ]
)


@pytest.mark.property
@given(st.lists(ALPHABET, max_size=40).map("".join))
def test_indicators_stand_in_order_and_apart_and_have_no_white_space_at_their_edges(text: str) -> None:
    found = iocs(text)
    assert all(one.end <= other.start for one, other in pairwise(found))
    for ioc in found:
        surface = text[ioc.start : ioc.end]
        assert surface == surface.strip()
        assert surface


DOTS = ["[.]", "(.)", "{.}", "[dot]", "(dot)", "．", "[。]", "\\."]
PLAIN = {
    "domain": "cdn.lantern.example",
    "ipv4": "203.0.113.57",
    "url": "https://cdn.lantern.example/a/gate.php",
    "email": "me_too@lantern.example",
}


@pytest.mark.property
@given(
    st.sampled_from(sorted(PLAIN)),
    st.sampled_from(DOTS),
    st.sampled_from(["从", "，", "\U0001f600", "（", " "]),
    st.sampled_from(["下载", "，然后", "）", " "]),
)
def test_every_way_to_defang_is_found_beside_chinese_and_undone(kind: str, dot: str, before: str, after: str) -> None:
    plain = PLAIN[kind]
    head, separator, host = plain.rpartition("://") if kind == "url" else ("", "", plain)
    host, slash, path = host.partition("/")
    surface = head.replace("http", "hxxp") + separator + host.replace(".", dot) + slash + path
    text = before + surface + after
    (found,) = iocs(text)
    assert (text[found.start : found.end], found.kind) == (surface, kind)
    assert refang(surface) == plain


PARTS = (
    "http:// hxxps[:]// h**p :\\\\ [://] evil . [.] (.) {.} [dot] (DOT) \\. ． com exe md in example @ [at] (At) 1 25 198.51.100.7 "
    '８ ２ ٣ /24 :443 ::1 2001:db8::1 HKLM\\ HKEY_LOCAL_MACHINE \\ C:\\ " “ ” \' ‘ ’ [。] % ａ ０ － ％APPDATA% \\\\srv /etc/passwd / ~/ CVE-2021-44228 '
    "cve‐2020‑1234 CWE-79 T1059.001 TA0001 {550e8400-e29b-41d4-a716-446655440000} abcdefab-abcd-abcd-abcd-abcdefabcdef "
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT bc1qar0srrr7xfkvy5l643 AS12345 中 下载 ， 。 é İ ı ſ \u212a - _ ( ) [ ] { } , ; ! a b Z x"
).split()  # fmt: skip
PARTS += [" ", "\n", "Program Files", "abcdefab" * 4, "a" * 40, "f" * 64, "0" * 128, "0x" + "ab" * 20]


def searched_everywhere(text: str) -> list[tuple[int, int, str]]:
    """Search the whole text for every kind, which is the definition; the module looks only where there are marks."""
    if iocs_module._FULL_WIDTH.search(text):
        text = text.translate(iocs_module._HALF_WIDTH)
    found = [
        ioc
        for kind, pattern in (*(("path", p) for p in iocs_module._QUOTED_PATHS), *iocs_module._COMPILED)
        for match in pattern.finditer(text)
        if (ioc := iocs_module._shaped(text, match.start(), match.end(), kind)) is not None
    ]
    kept: list[tuple[int, int, str]] = []
    for ioc in sorted(found, key=lambda ioc: (ioc.start, -ioc.end)):
        if not kept or ioc.start >= kept[-1][1]:
            kept.append((ioc.start, ioc.end, ioc.kind))
    return kept


@pytest.mark.property
@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
@example("abcdefab" * 4)
@example("{abcdefab-abcd-abcd-abcd-abcdefabcdef}")
@example("evil[dot]example, evil(dot)example and evil[。]example")
@example("me[at]evil.example")
@example("１.2.3.4 ٣.٣.٣.٣")
@example("see “C:\\目录 one\\use.exe”, 'D:\\a b'")
@example("\u212a.example and CVE‐2021‑44228")
def test_looking_only_where_marks_are_finds_what_a_search_of_the_whole_text_finds(text: str) -> None:
    assert [(ioc.start, ioc.end, ioc.kind) for ioc in iocs(text)] == searched_everywhere(text)
