"""What a page or an editor left behind in a text: HTML, Markdown, citations, characters that were lost.

Knows nothing about graphs. Every pattern is bounded, so that a text is read in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kgtune.lint.findings import Finding, Place, short

_TAGS = (
    "a abbr article b blockquote br code dd div dl dt em font footer h1 h2 h3 h4 h5 h6 header hr i iframe img li main "
    "nav ol p pre section small span strong sub sup table tbody td tfoot th thead tr u ul"
)
_HTML = re.compile(
    rf"</?(?:{_TAGS.replace(' ', '|')})(?:\s[^<>\n]{{0,300}})?/?>|<!--"
    r"|&(?:nbsp|amp|lt|gt|quot|apos|#\d{2,6}|#x[0-9a-f]{2,5});",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(
    r"!?\[[^\[\]\n]{1,200}\]\((?:https?://|/|#)[^()\s]{0,500}\)|\*\*[^*\s][^*\n]{0,200}\*\*|^ {0,3}#{1,6} |^ {0,3}```"
    r"|\(Citation: [^()\n]{1,200}\)",
    re.MULTILINE,
)
# U+FFFD, and UTF-8 that was once read as a one-byte encoding: "â€™" for ’, "Ã©" for é.
_MARKDOWN_MARKS = ("](", "**", "#", "```", "(Citation:")
_GARBLED_MARKS = ("\ufffd", "â€", "Ã", "锟斤拷")
_GARBLED = re.compile("\ufffd|â€[\u0080-\u00bf™œ\u009d˜“”¦\u2013\u2014]|Ã[\u0080-\u00bf]|锟斤拷")


def in_text(text: str, place: Place) -> Iterator[Finding]:
    """Yield what the text holds of each kind: the first such place, and how many there are."""
    if "<" in text or "&" in text:
        yield from _matches("W-HTML", _HTML, text, place)
    if any(mark in text for mark in _MARKDOWN_MARKS):
        yield from _matches("N-MARKDOWN", _MARKDOWN, text, place)
    if any(mark in text for mark in _GARBLED_MARKS):
        yield from _matches("W-GARBLED", _GARBLED, text, place)


def in_name(name: str, place: Place) -> Iterator[Finding]:
    """Yield markup in a name: the model would learn to write it."""
    if match := _HTML.search(name):
        yield Finding("W-HTML", place, match[0], facts={"number": 1, "start": match.start()})


def _matches(code: str, pattern: re.Pattern[str], text: str, place: Place) -> Iterator[Finding]:
    found = list(pattern.finditer(text))
    if found:
        first = found[0]
        yield Finding(code, place, short(first[0].strip(), 60), facts={"number": len(found), "start": first.start()})
