"""The JSON bodies of the API as types, for validation and for /docs.

Knows nothing about routes. The graph's own records stand in graph; a test holds the two equal.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from kgtune import export
from kgtune import graph as graphs
from kgtune.errors import UserError
from kgtune.export import Document
from kgtune.extraction.selection import Wanted

Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]


_DATE = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?")


def _date(value: str) -> str:
    try:
        # fromisoformat also reads weeks and days without hyphens, which no format has a place for
        if not _DATE.fullmatch(value):
            raise ValueError
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("is no date. Write 2026-11-20 or 2026-11-20T08:30:00Z") from None
    return value


def _format(value: str) -> str:
    try:
        return export.check(value)
    except UserError as error:
        raise ValueError(str(error).removeprefix("format: ")) from None  # the place is told by whoever answers


def _tlp(value: object) -> object:
    """Take the label as people write it: ``TLP:AMBER+STRICT``."""
    return value.lower().removeprefix("tlp:").strip() if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1, max_length=100)]
Names = Annotated[list[Name], Field(max_length=100)]
Line = Annotated[str, Field(min_length=1, max_length=500)]
Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s<>\"]+$")]
Date = Annotated[
    str,
    Field(max_length=40, json_schema_extra={"anyOf": [{"format": "date"}, {"format": "date-time"}]}),
    AfterValidator(_date),
]
# Checked by refusals, which says it better and knows the configured limit; documented here.
Text = Annotated[str, Field(json_schema_extra={"minLength": 1, "pattern": r"\S"})]
Format = Annotated[str, AfterValidator(_format), Field(json_schema_extra={"enum": [*export.FORMATS]})]


class Request(BaseModel):
    """What all requests share: no key is ignored, and no value is bent into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, allow_inf_nan=False)


class Wishes(Request):
    """What to show of the graph. All optional; the plain graph is the default."""

    labels: Names | None = None
    """Labels of the model's ontology to keep entities of; the others go, with their relationships."""
    types: Names | None = None
    """Relationship types to keep."""
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Relationships below it are left out."""
    offsets: bool = False
    """Add `mentions` to each entity, `evidence_at` to each relationship: start, end, level, in code points."""
    stats: bool = False
    """Add `stats`: tokens, times, and the counts of what was dropped, withheld or not found in the text."""

    def wanted(self, id_style: graphs.IdStyle) -> Wanted:
        labels = None if self.labels is None else frozenset(self.labels)
        types = None if self.types is None else frozenset(self.types)
        return Wanted(labels, types, self.min_confidence, self.offsets, id_style)


class Source(Request):
    """Where a text comes from. Nothing is fetched; formats that have a place for it carry it on."""

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


class StreamRequest(Wishes, Source):
    """A text to extract a graph from, item by item."""

    text: Text
    """The report."""


class ExtractRequest(StreamRequest):
    """A text to extract a graph from."""

    format: Format = "json"
    """Format of the answer."""


class BatchItem(Source):
    """One text of several."""

    text: str
    """The report; an empty or too long one has an error of its own."""
    id: Line | None = None
    """Comes back with the result."""


class BatchRequest(Wishes):
    """Texts to extract a graph from each."""

    items: Annotated[list[BatchItem], Field(min_length=1)]
    """The texts."""


class ErrorBody(BaseModel):
    """What went wrong, where, and what to do about it."""

    model_config = ConfigDict(extra="forbid")

    error: str


class HealthBody(BaseModel):
    """The model is loaded and texts are taken."""

    status: str = "healthy"


class ReadyBody(BaseModel):
    """Texts are taken, and so many wait already."""

    status: str = "ready"
    num_waiting: int
    max_queued: int


class EntityBody(BaseModel):
    """A named thing of one label."""

    labels: str
    id: str
    name: str
    description: str


class RelationshipBody(BaseModel):
    """A typed edge between two entities of the same graph."""

    type: str
    source: str
    target: str
    confidence: Annotated[float, Field(ge=0, le=1)]
    evidence: str


class GraphBody(BaseModel):
    """The graph of a text."""

    entities: list[EntityBody]
    relationships: list[RelationshipBody]


class BatchResult(BaseModel):
    """One text's graph, or its error and the status that it would have had alone."""

    index: int
    id: str | None = None
    status: int
    graph: GraphBody | None = None
    is_truncated: bool | None = None
    num_dropped: int | None = None
    num_control_characters: int | None = None
    error: str | None = None
    retry_after_s: int | None = None


class BatchBody(BaseModel):
    """The results in the order of the items."""

    results: list[BatchResult]
    num_failed: int
