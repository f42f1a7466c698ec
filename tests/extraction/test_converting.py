"""PDF, DOCX and HTML: converted where markitdown is installed, and a clear word where it is not."""

import io
import sys
import types

import pytest

from kgtune.errors import DataError
from kgtune.extraction import converting
from kgtune.extraction.texts import SourceText, read_texts

HTML = "<html><body><h1>Tidal Fox</h1><p>Tidal Fox used <b>Vexa</b> at 198.51.100[.]7.</p></body></html>"


class StandIn(types.ModuleType):
    """What of markitdown is called; `text` is what it makes of a file, or the error that it raises."""

    class MarkItDownException(Exception):
        pass

    def __init__(self, text):
        super().__init__("markitdown")
        self.asked = asked = []

        class MarkItDown:
            def __init__(self, **given):
                asked.append(given)

            def convert_local(self, path):
                asked.append(path)
                if isinstance(text, Exception):
                    raise text
                return types.SimpleNamespace(text_content=text)

        self.MarkItDown = MarkItDown


@pytest.mark.parametrize("name", ["a.pdf", "a.DOCX", "a.html", "a.htm"])
def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "markitdown", None)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError) as refused:
        read_texts([str(tmp_path)], io.BytesIO())
    said = str(refused.value)
    assert f"is a {name[2:].upper()} file, and what reads it is not installed." in said
    assert f'pip install "{converting.EXTRA}"' in said


def test_the_extra_is_the_one_that_requirements_names():
    with open("requirements.txt", encoding="utf-8") as file:
        assert f"\n# {converting.EXTRA}  #" in file.read()


def test_a_document_is_converted_without_plugins_and_marked_so(tmp_path, monkeypatch):
    stand_in = StandIn("Tidal Fox used Vexa.")
    monkeypatch.setitem(sys.modules, "markitdown", stand_in)
    path = str(tmp_path / "a.pdf")
    assert read_texts([path], io.BytesIO()).texts == [SourceText(path, "Tidal Fox used Vexa.", is_converted=True)]
    assert stand_in.asked == [{"enable_plugins": False}, path]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (StandIn.MarkItDownException("secret"), "a.pdf: can't be converted to text: MarkItDownException."),
        (FileNotFoundError(2, "No such file"), "a.pdf: can't be read: No such file."),
        (" \n", "a.pdf: has no text. Scanned pages need text recognition first."),
    ],
)
def test_what_gives_no_text_is_told(tmp_path, monkeypatch, text, says):
    monkeypatch.setitem(sys.modules, "markitdown", StandIn(text))
    with pytest.raises(DataError) as refused:
        read_texts([str(tmp_path / "a.pdf")], io.BytesIO())
    assert says in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.filterwarnings("ignore")
def test_markitdown_itself_reads_html(tmp_path):
    pytest.importorskip("markitdown")
    path = tmp_path / "a.html"
    path.write_text(HTML, encoding="utf-8")
    [found] = read_texts([str(path)], io.BytesIO()).texts
    assert found.text.split() == "# Tidal Fox Tidal Fox used **Vexa** at 198.51.100[.]7.".split()
