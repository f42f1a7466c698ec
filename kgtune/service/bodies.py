"""The JSON bodies of the API as types, for validation and for /docs.

Knows nothing about routes. The graph's own records stand in graph; a test holds the two equal.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kgtune import export
from kgtune import graph as graphs
from kgtune.document import STRICT, Line, Source
from kgtune.errors import UserError
from kgtune.extraction.selection import Wanted


def _format(value: str) -> str:
    try:
        return export.check(value)
    except UserError as error:
        raise ValueError(str(error).removeprefix("format: ")) from None  # the place is told by whoever answers


Name = Annotated[str, Field(min_length=1, max_length=100)]
# That a list is not empty is checked by the exchange, which says what to do; documented here.
Names = Annotated[list[Name], Field(max_length=100, json_schema_extra={"minItems": 1})]
# Checked by refusals, which says it better and knows the configured limit; documented here.
Text = Annotated[str, Field(json_schema_extra={"minLength": 1, "pattern": r"\S"})]
Format = Annotated[str, AfterValidator(_format), Field(json_schema_extra={"enum": [*export.FORMATS]})]


class Request(BaseModel):
    """What all requests share: no key is ignored, and no value is bent into another type."""

    model_config = STRICT


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
    export_findings: dict[str, int] | None = None
    error: str | None = None
    retry_after_s: int | None = None


class BatchBody(BaseModel):
    """The results in the order of the items."""

    results: list[BatchResult]
    num_failed: int
