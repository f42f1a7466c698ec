"""Where a text comes from, as far as its sender says: a request of the API, or a line of JSON Lines.

Knows nothing about HTTP or files. What is allowed is said here once, and so is what is wrong with what is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

STRICT = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, allow_inf_nan=False)
"""No key is ignored, and no value is bent into another type."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Document:
    """What is known of a text's origin. `tlp` is the sharing label: clear, green, amber, amber+strict or red.

    `id` is what the sender calls it where that is more than a title: of many texts each has its own.
    """

    title: str | None = None
    url: str | None = None
    published: str | None = None
    tlp: str | None = None
    id: str | None = None

    @property
    def name(self) -> str:
        """What it is called: its title, else its address, else nothing."""
        return self.title or self.url or ""


def moment(published: str) -> datetime:
    """Return when a date or time was, in UTC; a time without a zone is taken as UTC.

    Raises ValueError where it is none, OverflowError where a zone carries it out of the years 1 to 9999.
    """
    # fromisoformat also reads weeks and days without hyphens, which no format has a place for
    if not _DATE.fullmatch(published):
        raise ValueError(published)
    when = datetime.fromisoformat(published.upper())
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _date(value: str) -> str:
    try:
        moment(value)
    except (ValueError, OverflowError):
        raise ValueError("is no date. Write 2026-11-20 or 2026-11-20T08:30:00Z") from None
    return value


def _tlp(value: object) -> object:
    """Take the label as people write it: ``TLP:AMBER+STRICT``."""
    return value.lower().removeprefix("tlp:").strip() if isinstance(value, str) else value


Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]
Line = Annotated[str, Field(min_length=1, max_length=500)]
Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s<>\"]+$")]
Date = Annotated[
    str,
    Field(max_length=40, json_schema_extra={"anyOf": [{"format": "date"}, {"format": "date-time"}]}),
    AfterValidator(_date),
]


class Source(BaseModel):
    """Where a text comes from. Nothing is fetched; formats that have a place for it carry it on."""

    model_config = STRICT

    title: Line | None = None
    """Title of the document."""
    url: Url | None = None
    """Its address, http or https."""
    published: Date | None = None
    """When it was published, ISO 8601."""
    tlp: Annotated[Tlp, BeforeValidator(_tlp)] | None = None
    """Its sharing label (TLP 2.0)."""

    def document(self) -> Document:
        return Document(self.title, self.url, self.published, self.tlp)


SOURCE_KEYS = tuple(Source.model_fields)


def told(error: Mapping[str, Any]) -> str:
    """Say where a value is wrong, and how, without quoting it; of a validator of ours in its own words."""
    place = ".".join(str(part)[:60] for part in error["loc"])
    return f"{place}: {error['msg'].removeprefix('Value error, ').rstrip('.')}"
