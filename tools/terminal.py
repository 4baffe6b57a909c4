"""Plain reports of AWS errors: operators see a sentence and a remedy instead of a traceback."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  (botocore's, the base class of most failures to connect)
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

LACKS = "Whoever you are signed in as lacks this permission; docs/operations.md says what the tools do."
SIGN_IN = "Sign in (`aws sso login`, or AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret) and try again."
REMEDIES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (NoCredentialsError, PartialCredentialsError, ProfileNotFound, TokenRetrievalError, UnauthorizedSSOTokenError),
        SIGN_IN,
    ),
    ((NoRegionError,), "Set AWS_DEFAULT_REGION, or use a profile that has a region."),
    ((ConnectionError, HTTPClientError), "Check the network, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL, and try again."),
)
REMEDIES_BY_CODE = {
    "AccessDenied": LACKS,
    "AccessDeniedException": LACKS,
    "ExpiredToken": SIGN_IN,
    "ExpiredTokenException": SIGN_IN,
    "InvalidClientTokenId": SIGN_IN,
    "UnrecognizedClientException": SIGN_IN,
    "ResourceNotFoundException": "Check the name and AWS_DEFAULT_REGION.",
    "ValidationError": "Name your stack with --stack (or STACK_NAME), and check AWS_DEFAULT_REGION.",
}


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command so that it ends with a message and status 1 if AWS refuses a call or does not answer."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (BotoCoreError, ClientError) as error:
            Console(stderr=True, soft_wrap=True).print(f"{_what(error)}\n{_remedy(error)}".rstrip(), markup=False)
            raise typer.Exit(1) from error

    return told


def _what(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        told = error.response["Error"]
        return f"AWS refused {error.operation_name}: {told.get('Message') or told.get('Code')}"
    return str(error)


def _remedy(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        return REMEDIES_BY_CODE.get(error.response["Error"].get("Code", ""), "")
    return next((remedy for kinds, remedy in REMEDIES if isinstance(error, kinds)), "")
