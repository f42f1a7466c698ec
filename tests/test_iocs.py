from __future__ import annotations

import time

import pytest

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
        ("the index (a) and [b].", "the index (a) and [b]."),
    ],
)
def test_refanging_undoes_the_usual_spellings_and_no_other(defanged: str, plain: str) -> None:
    assert refang(defanged) == plain


@pytest.mark.parametrize("probe", ["a", "a.", "a-", "1.", "http:", "[.]", "\\", "a:", "(.)a", "/a", "a@b."])
def test_long_lines_take_linear_time(probe: str) -> None:
    text = probe * (30_000 // len(probe))
    start = time.process_time()
    iocs(text)
    refang(text)
    # A quadratic pattern takes minutes here; a linear one about 0.05 s.
    assert time.process_time() - start < 5
