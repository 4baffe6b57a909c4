"""Agents and groups: xAPI 1.0.3, Data 2.4.2."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from coursebridge.xapi.strict.scalars import Irl, Mailto, Model, Sha1, Uri


class Account(Model):
    """A user account on an existing system (Data 2.4.2.4)."""

    home_page: Irl
    name: str


class Identified(Model):
    """The inverse functional identifiers of agents and groups (Data 2.4.2.3)."""

    name: str | None = None
    mbox: Mailto | None = None
    mbox_sha1sum: Sha1 | None = Field(default=None, alias="mbox_sha1sum")
    openid: Uri | None = None
    account: Account | None = None

    def identifiers(self) -> int:
        """Return how many identifiers there are."""
        return sum(value is not None for value in (self.mbox, self.mbox_sha1sum, self.openid, self.account))


class Agent(Identified):
    """A person or system (Data 2.4.2.1)."""

    object_type: Literal["Agent"] | None = None

    @model_validator(mode="after")
    def _has_one_identifier(self) -> Agent:
        if self.identifiers() != 1:
            message = "an agent has exactly one of mbox, mbox_sha1sum, openid and account"
            raise ValueError(message)
        return self


class Group(Identified):
    """A collection of agents, with or without an identifier of its own (Data 2.4.2.2)."""

    object_type: Literal["Group"]
    member: list[Agent] | None = None

    @model_validator(mode="after")
    def _is_identified_or_has_members(self) -> Group:
        if self.identifiers() > 1 or (not self.identifiers() and not self.member):
            message = "a group has one of mbox, mbox_sha1sum, openid and account, or at least one member"
            raise ValueError(message)
        return self


def object_type(value: Any, default: str) -> str:  # noqa: ANN401  (whatever the statement contains)
    """Return the object type that decides which rules apply."""
    return str(value.get("objectType", default)) if isinstance(value, dict) else default


def _agent_or_group(value: Any) -> str:  # noqa: ANN401
    return object_type(value, "Agent")


Actor = Annotated[
    Annotated[Agent, Tag("Agent")] | Annotated[Group, Tag("Group")],
    Discriminator(
        _agent_or_group,
        custom_error_type="object_type",
        custom_error_message="has an objectType other than Agent and Group",
    ),
]
