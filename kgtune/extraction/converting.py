"""Documents that are no plain text, PDF, DOCX and HTML, as the Markdown that markitdown makes of them.

Knows nothing about graphs or models. markitdown is optional: whoever has such files installs it, and is told so.
"""

from __future__ import annotations

from pathlib import Path

from kgtune.errors import Problem

SUFFIXES = (".pdf", ".docx", ".html", ".htm")
EXTRA = "markitdown[docx,pdf]==0.1.9"


def convert(path: str, problems: list[Problem]) -> str | None:
    """Return a document's text, or add a problem. Nothing is fetched, and no plugin is run."""
    try:
        from markitdown import MarkItDown, MarkItDownException
    except ImportError:
        what = f"is a {Path(path).suffix[1:].upper()} file, and what reads it is not installed."
        problems.append(Problem("E-EXTRA", path, what, f'Run: pip install "{EXTRA}". Or save it as text.'))
        return None
    try:
        return str(MarkItDown(enable_plugins=False).convert_local(path).text_content)
    except MarkItDownException as error:
        what = f"can't be converted to text: {type(error).__name__}."
        problems.append(Problem("E-CONVERT", path, what, f'Save it as text, or run: pip install "{EXTRA}".'))
    except OSError as error:
        what = f"can't be read: {error.strerror}."
        problems.append(Problem("E-FILE", path, what, "Give a file that is there and may be read."))
    return None
