"""Merge patches (RFC 7396) of settings: given fields replace, ``null`` restores the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from coursebridge.errors import InvalidRequest, field_errors
from coursebridge.integrations.models import IntegrationSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


def patched(settings: IntegrationSettings, patch: Mapping[str, Any]) -> IntegrationSettings:
    """Return the settings with a patch applied.

    Raises:
        InvalidRequest: the result is not valid; the error names every wrong field.
    """
    try:
        return IntegrationSettings.model_validate(merge(settings.model_dump(), patch))
    except ValidationError as error:
        raise InvalidRequest("some fields are wrong, see errors", errors=field_errors(error.errors())) from error


def merge(target: Any, patch: Any) -> Any:  # noqa: ANN401  (any JSON, RFC 7396, section 2)
    """Return a JSON value with a merge patch applied."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged
