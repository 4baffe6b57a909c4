"""Operations of the routes that follow a protocol and therefore declare no types: token (RFC 6749), xAPI, AICC.

:mod:`local.openapi.document` looks up the route of each operation; a unit test checks that no route is missing.
"""

from typing import Any

from coursebridge.contract import THROTTLED

STATEMENT = {
    "id": "6a9fefbb-3517-4b92-9d5e-5710aaba924f",
    "timestamp": "2021-08-22T19:49:27.605Z",
    "actor": {"objectType": "Agent", "mbox": "mailto:learner@example.com"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en-US": "COMPLETED"}},
    "object": {
        "objectType": "Activity",
        "id": "urn:li:lyndaCourse:252",
        "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
    },
    "result": {
        "completion": True,
        "duration": "PT4M30S",
        "extensions": {"https://w3id.org/xapi/cmi5/result/extensions/progress": "100"},
    },
}
SCHEMAS: dict[str, Any] = {
    "TokenRequest": {
        "type": "object",
        "description": "RFC 6749, section 4.4.2. Send client id and secret here or by HTTP Basic, not both.",
        "properties": {
            "grant_type": {"type": "string", "const": "client_credentials"},
            "client_id": {"type": "string", "examples": ["linkedin-5f0c6d1e2a3b4c5d6e7f"]},
            "client_secret": {"type": "string", "examples": ["Wm0tY2xpZW50LXNlY3JldC10aGF0LWlzLXNob3duLW9uY2U"]},
            "scope": {
                "type": "string",
                "description": "By default, all scopes that the client has.",
                "examples": ["xapi:write"],
            },
        },
        "required": ["grant_type"],
    },
    "Token": {
        "type": "object",
        "properties": {
            "access_token": {"type": "string", "examples": ["eyJhbGciOiJIUzI1NiIsImtpZCI6ImZpcnN0In0.e30.c2ln"]},
            "token_type": {"type": "string", "const": "Bearer"},
            "expires_in": {"type": "integer", "description": "Seconds.", "examples": [3600]},
            "scope": {"type": "string", "examples": ["xapi:write"]},
        },
        "required": ["access_token", "token_type", "expires_in", "scope"],
    },
    "TokenError": {
        "type": "object",
        "description": "RFC 6749, section 5.2.",
        "properties": {
            "error": {
                "type": "string",
                "enum": [
                    "invalid_request",
                    "invalid_client",
                    "unsupported_grant_type",
                    "invalid_scope",
                    "unauthorized_client",
                ],
            },
            "error_description": {"type": "string", "examples": ["the client id or the client secret is wrong"]},
        },
        "required": ["error", "error_description"],
    },
    "Statement": {
        "type": "object",
        "description": "An xAPI 1.0.3 statement. It can have more members than these.",
        "properties": {
            "id": {"type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
            "actor": {"type": "object"},
            "verb": {"type": "object"},
            "object": {"type": "object"},
            # Untitled, client generators would name it StatementResult, which is xAPI's list of statements.
            "result": {"type": "object", "title": "XapiResult"},
        },
        "required": ["actor", "verb", "object"],
        "examples": [STATEMENT],
    },
    "StatementIds": {"type": "array", "items": {"type": "string"}, "examples": [[STATEMENT["id"]]]},
    "StatementResult": {
        "type": "object",
        "properties": {
            "statements": {"type": "array", "items": {"$ref": "#/components/schemas/Statement"}},
            "more": {"type": "string", "description": "Where to continue; empty at the end.", "examples": [""]},
        },
        "required": ["statements", "more"],
    },
    "About": {
        "type": "object",
        "properties": {
            "version": {"type": "array", "items": {"type": "string"}, "examples": [["1.0.0", "1.0.3"]]},
            "extensions": {"type": "object"},
        },
        "required": ["version", "extensions"],
    },
    "HacpRequest": {
        "type": "object",
        "description": "AICC HACP: names in any letter case, abbreviations and any line ending are accepted.",
        "properties": {
            "command": {"type": "string", "examples": ["PutParam"]},
            "session_id": {"type": "string", "description": "`AICC_SID` of the launch."},
            "version": {"type": "string", "examples": ["4.0"]},
            "aicc_data": {"type": "string", "examples": ["[core]\r\nlesson_status=completed\r\n"]},
        },
        "required": ["command", "session_id"],
    },
}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _form(schema: str) -> dict[str, Any]:
    return {"application/x-www-form-urlencoded": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _problem(description: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": reference}}}


def _query(name: str, description: str, kind: str = "string") -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": {"type": kind}}


REFUSED = {
    "401": _problem("There is no valid token."),
    "403": _problem("The token lacks the scope."),
    "429": THROTTLED,
    "503": _problem("The service is busy and has done nothing: send it again."),
}
BAD = _problem("A statement is invalid: `detail` says which and why. Nothing was stored.")
CONFLICT = _problem("Another statement has this id. Nothing was stored.")
STATEMENT_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    {"$ref": "#/components/schemas/Statement"},
                    {"type": "array", "maxItems": 100, "items": {"$ref": "#/components/schemas/Statement"}},
                ]
            },
            "example": STATEMENT,
        }
    },
}

OPERATIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/oauth2/token"): {
        "tags": ["Tokens"],
        "summary": "Get an access token",
        "security": [],
        "requestBody": {"required": True, "content": _form("TokenRequest")},
        "responses": {
            "200": {"description": "A token.", "content": _json("Token")},
            "400": {"description": "The request is wrong.", "content": _json("TokenError")},
            "401": {"description": "Client id or secret is wrong, or none is sent.", "content": _json("TokenError")},
            "429": {"description": "Refused too often; see Retry-After.", "content": _json("TokenError")},
        },
    },
    ("POST", "/xapi/statements"): {
        "tags": ["xAPI"],
        "summary": "Send statements",
        "requestBody": STATEMENT_BODY,
        "responses": {
            "200": {"description": "Every statement is stored; their ids in order.", "content": _json("StatementIds")},
            "400": BAD,
            **REFUSED,
            "409": CONFLICT,
            "413": _problem("There is more than one request can hold. Nothing was stored."),
        },
    },
    ("PUT", "/xapi/statements"): {
        "tags": ["xAPI"],
        "summary": "Send one statement under an id",
        "parameters": [{**_query("statementId", "The statement's id."), "required": True}],
        "requestBody": {"required": True, "content": _json("Statement")},
        "responses": {"204": {"description": "It is stored."}, "400": BAD, **REFUSED, "409": CONFLICT},
    },
    ("GET", "/xapi/statements"): {
        "tags": ["xAPI"],
        "summary": "Read statements",
        "parameters": [
            _query("statementId", "This one statement."),
            _query("voidedStatementId", "This one statement, which was voided."),
            _query("agent", "Of this agent, as JSON."),
            _query("verb", "With this verb's IRI."),
            _query("activity", "About this activity."),
            _query("since", "Stored after this time."),
            _query("until", "Stored at or before this time."),
            _query("limit", "How many at the most.", "integer"),
            _query("ascending", "Oldest first.", "boolean"),
            _query("registration", "Of this registration."),
            _query(
                "related_activities",
                "Also statements with the activity in the context or in a sub-statement.",
                "boolean",
            ),
            _query(
                "related_agents", "Also statements with the agent in a place other than actor or object.", "boolean"
            ),
            _query("format", "`exact`, `ids` or `canonical`."),
            _query("attachments", "With the attachments, as multipart/mixed.", "boolean"),
        ],
        "responses": {
            "200": {
                "description": "The statements, or the one asked for.",
                "content": _json("StatementResult"),
            },
            "400": _problem("A parameter is wrong."),
            **REFUSED,
            "404": _problem("There is no such statement."),
        },
    },
    ("GET", "/xapi/about"): {
        "tags": ["xAPI"],
        "summary": "Which versions are spoken",
        "security": [],
        "responses": {"200": {"description": "Needs no token.", "content": _json("About")}},
    },
    ("POST", "/aicc"): {
        "tags": ["AICC"],
        "summary": "Report an AICC course (HACP)",
        "security": [],
        "requestBody": {"required": True, "content": _form("HacpRequest")},
        "responses": {
            "200": {
                "description": "Always, also for errors: `error=0` or another number in the text.",
                "content": {
                    "text/plain": {"schema": {"type": "string"}, "example": "error=0\r\nerror_text=Successful\r\n"}
                },
            }
        },
    },
}
