"""Errors, those of the API with the bodies LinkedIn sends.

ApiError          answered by the REST resources: `{"message", "serviceErrorCode", "status"}`
OAuthError        answered by the token endpoint: `{"error", "error_description"}` (RFC 6749, section 5.2)
PortTaken         the sandbox cannot start because its port is in use
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.settings import Json


class ApiError(Exception):
    """A REST call was refused."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "status": status}
        if code is not None:
            self.body["serviceErrorCode"] = code


class OAuthError(Exception):
    """A request to the token endpoint was refused."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body: Json = {"error": error, "error_description": description}


class PortTaken(Exception):
    """Something else is listening on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} on {host} is taken. Stop what listens there, or choose another port with --port."
        )
