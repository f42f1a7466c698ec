"""The JSON bodies of the API as types, for validation and for /docs.

Knows nothing about routes. The graph's own records stand in graph; a test holds the two equal.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ErrorBody(BaseModel):
    """What went wrong, where, and what to do about it."""

    error: str


class HealthBody(BaseModel):
    """The model is loaded and texts are taken."""

    status: str = "healthy"


class ExtractRequest(BaseModel):
    """A text to extract a graph from."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str


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
