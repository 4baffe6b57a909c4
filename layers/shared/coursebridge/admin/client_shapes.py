"""Requests and answers of the admin API about clients."""

# No postponed annotations: Powertools reads the types of fields at run time.

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from coursebridge.admin.shapes import SecretAnswer
from coursebridge.auth import scopes
from coursebridge.auth.scopes import Scope
from coursebridge.contract import Answer, Request, Time


class ClientRequest(Request):
    """A client to make."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        default="Unnamed client", examples=["Our LMS"]
    )
    scopes: list[Scope] = Field(
        min_length=1, max_length=len(scopes.ALL), examples=[["learning:read", "learning:write"]]
    )
    integration_id: str | None = Field(
        default=None,
        description="The one integration that the client can access; null for all of them. A client with an xAPI "
        "scope needs one.",
        examples=["0196c1e2a1b3c4d5e6f708"],
    )

    @model_validator(mode="after")
    def _xapi_is_of_one_integration(self) -> "ClientRequest":
        if self.integration_id is None and any(scope in scopes.XAPI for scope in self.scopes):
            message = "a client with an xAPI scope needs an integration_id, as its statements go there"
            raise ValueError(message)
        return self


class ClientAnswer(Answer):
    """A caller other than LinkedIn."""

    client_id: str = Field(examples=["client-5f0c6d1e2a3b4c5d6e7f"])
    name: str
    scopes: list[Scope]
    integration_id: str | None
    created_at: Time | None
    secrets: list[SecretAnswer]


class ClientWithSecret(ClientAnswer):
    """A client with the secret that is shown this once."""

    client_secret: str = Field(examples=["Wm0tY2xpZW50LXNlY3JldC10aGF0LWlzLXNob3duLW9uY2U"])
