"""Conditions of a resource's status, as kstatus, `kubectl wait` and Flux read them."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, PlainSerializer

from tocsin.model.schema import ClippedText, ResourceModel


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Timestamp = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str)]
"""A time in a status: aware, written in UTC with whole seconds, as Kubernetes does."""

ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(ResourceModel):
    """One aspect of the object's state."""

    type: Annotated[str, ClippedText(64)] = Field(
        description="Ready, Reconciling, Stalled or Delivering."
    )
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: Annotated[str, ClippedText(64)] = Field(description="Why, in one word.")
    message: Annotated[str, ClippedText(4096)] = Field(
        "", description="Why, in a sentence; names the cure where there is one."
    )
    last_transition_time: Timestamp = Field(description="When the status last changed.")
    observed_generation: int | None = Field(
        None, ge=0, description="The generation of the object that this was said of."
    )
