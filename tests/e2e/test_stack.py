"""The embedded stack itself: the API, the sandbox and the first admin work after `make up`."""

import httpx

from running_stack import RunningStack


def token_request(stack: RunningStack, secret: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": stack.outputs.admin_client_id, "client_secret": secret}
    return stack.http.post("/oauth2/token", data=form)


def test_the_first_admin_gets_a_token(stack: RunningStack) -> None:
    answer = token_request(stack, stack.outputs.admin_client_secret)

    assert answer.status_code == 200
    assert "admin:write" in answer.json()["scope"].split()


def test_another_secret_gets_none(stack: RunningStack) -> None:
    assert token_request(stack, "not the secret").status_code == 401


def test_a_path_without_a_route_is_not_found(stack: RunningStack) -> None:
    assert stack.http.get("/nothing/here").status_code == 404


def test_the_sandbox_answers(stack: RunningStack) -> None:
    assert stack.sandbox.get("/_sandbox/health").status_code == 200


def test_roles_are_enforced(stack: RunningStack) -> None:
    health = httpx.get(f"{stack.outputs.endpoint_url}/_ministack/health", trust_env=False).json()

    assert health["auth"] == "enabled"
