"""Activities with their definitions and interactions: xAPI 1.0.3, Data 2.4.4.1."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from coursebridge.xapi.strict.scalars import Extensions, Iri, Irl, LanguageMap, Model

COMPONENTS = {
    "choice": {"choices"},
    "sequencing": {"choices"},
    "likert": {"scale"},
    "matching": {"source", "target"},
    "performance": {"steps"},
}
COMPONENT_LISTS = ("choices", "scale", "source", "target", "steps")


class Component(Model):
    """One choice, step, source, target or point on a scale."""

    id: str
    description: LanguageMap | None = None


def _distinct(components: list[Component]) -> list[Component]:
    if len({component.id for component in components}) < len(components):
        message = "has two components with one id"
        raise ValueError(message)
    return components


Components = Annotated[list[Component], AfterValidator(_distinct)]


class Definition(Model):
    """What is known about an activity."""

    name: LanguageMap | None = None
    description: LanguageMap | None = None
    type: Iri | None = None
    more_info: Irl | None = None
    extensions: Extensions | None = None
    interaction_type: (
        Literal[
            "true-false",
            "choice",
            "fill-in",
            "long-fill-in",
            "matching",
            "performance",
            "sequencing",
            "likert",
            "numeric",
            "other",
        ]
        | None
    ) = None
    correct_responses_pattern: list[str] | None = None
    choices: Components | None = None
    scale: Components | None = None
    source: Components | None = None
    target: Components | None = None
    steps: Components | None = None

    @model_validator(mode="after")
    def _interaction_has_its_type(self) -> Definition:
        lists = {name for name in COMPONENT_LISTS if getattr(self, name) is not None}
        if self.interaction_type is None and (lists or self.correct_responses_pattern is not None):
            message = "interaction properties need an interactionType"
            raise ValueError(message)
        if foreign := lists - COMPONENTS.get(self.interaction_type or "", set()):
            message = f"an interaction of type {self.interaction_type} has no {', '.join(sorted(foreign))}"
            raise ValueError(message)
        return self


class Activity(Model):
    """Something a learner does."""

    object_type: Literal["Activity"] | None = None
    id: Iri
    definition: Definition | None = None
