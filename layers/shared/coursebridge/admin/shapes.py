"""What the admin API answers about integrations."""

# No postponed annotations: Powertools reads the types of fields at run time.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model

from coursebridge.contract import Answer, Time
from coursebridge.integrations.models import (
    ActivitySettings,
    Filters,
    IntegrationSettings,
    IntegrationStatus,
    Model,
    Schedule,
)
from coursebridge.secret_values import MASK


class GrantedAnswer(Answer):
    """Whether LinkedIn gave a page of each scope when the key pair was saved; null where this is not known."""

    content: bool | None
    report: bool | None


class KeyPairAnswer(Answer):
    """A LinkedIn key pair; its secret is never read back."""

    client_id: str = Field(examples=["78abcdefghijkl"])
    client_secret: str = Field(default=MASK, examples=[MASK])
    verified_at: Time
    scopes: GrantedAnswer


class CredentialsAnswer(Answer):
    """The key pairs of an integration; either alone serves both scopes."""

    content: KeyPairAnswer | None
    report: KeyPairAnswer | None


class SetupStep(Answer):
    """One step of setting an integration up."""

    id: str = Field(examples=["content_credentials"])
    title: str = Field(examples=["Give Coursebridge a Content key pair"])
    state: Literal["done", "to_do"]
    done: bool
    text: str = Field(description="What to do, down to the menu names.")


class IntegrationAnswer(Answer, IntegrationSettings):
    """An integration with its settings."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(examples=["0196c1e2a1b3c4d5e6f708"])
    status: IntegrationStatus
    statistics_since: Time
    credentials: CredentialsAnswer
    setup: list[SetupStep]
    created_at: Time
    updated_at: Time
    etag: str = Field(description="Send it as If-Match to change exactly this version.", examples=["3"])


Notes = Annotated[
    list[str],
    Field(
        description="What only syncs can do about a change of filters, so that no count includes it: bring courses "
        "that match but are not here yet, if the filters become wider or nothing has been synced yet, and apply what "
        "LinkedIn alone knows (`licensed_only`, `curated_videos_only`). Empty if filters only become narrower.",
        examples=[
            [
                "licensed_only: LinkedIn alone knows what the licence covers; the next full syncs archive those "
                "beyond it."
            ]
        ],
    ),
]


class IntegrationWithSavedPair(IntegrationAnswer):
    """An integration whose key pair was saved."""

    warning: str | None = Field(description="What LinkedIn does not let this key pair read, and the remedy.")


class PatchedIntegration(IntegrationAnswer):
    """An integration as it is after a change of settings."""

    notes: Notes


class SecretAnswer(Answer):
    """A live secret of a client, without the secret."""

    n: int = Field(examples=[1])
    created_at: Time | None
    last_used_at: Time | None = Field(
        description="Accurate to the hour; null before the first use. The use of the stack's first admin client is "
        "noted only from its first rotation on."
    )


class LinkedInWebhook(Answer):
    """The values to paste into LinkedIn."""

    oauth_server_url: str = Field(examples=["https://api.example.com/oauth2/token"])
    tenant_server_url: str = Field(examples=["https://api.example.com/xapi/statements"])
    client_id: str = Field(examples=["linkedin-5f0c6d1e2a3b4c5d6e7f"])
    user_type: Literal["Email", "Username", "ID"]
    secrets: list[SecretAnswer]
    warning: str | None = Field(description="A warning if statements arrive with another kind of actor.")


class LinkedInWebhookWithSecret(LinkedInWebhook):
    """The values to paste into LinkedIn, with the secret that is shown this once."""

    client_secret: str = Field(examples=["Wm0tY2xpZW50LXNlY3JldC10aGF0LWlzLXNob3duLW9uY2U"])


class CreatedIntegration(IntegrationAnswer):
    """A new integration, with its webhook's secret shown this once."""

    webhook: LinkedInWebhookWithSecret


def _optional(model: type[Model], **replaced: Any) -> type[Model]:  # noqa: ANN401  (types)
    """Return a copy of a model in which every field may be absent, or null for its default."""
    fields: dict[str, Any] = {
        name: (
            replaced.get(name, field.rebuild_annotation()) | None,
            Field(default=None, description=field.description),
        )
        for name, field in model.model_fields.items()
    }
    return create_model(
        f"{model.__name__}Patch", __base__=Model, __doc__=f"A merge patch of {model.__name__}.", **fields
    )


FiltersPatch = _optional(Filters)
SchedulePatch = _optional(Schedule)
ActivityPatch = _optional(ActivitySettings, schedule=SchedulePatch)
_SettingsPatch = _optional(
    IntegrationSettings, filters=FiltersPatch, catalog_schedule=SchedulePatch, activity=ActivityPatch
)


class IntegrationPatch(_SettingsPatch):  # type: ignore[valid-type,misc]  # made above
    """A merge patch (RFC 7396) of an integration's settings: ``null`` goes back to the default."""

    status: IntegrationStatus | None = None
