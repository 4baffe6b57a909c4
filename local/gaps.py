"""Fill what the emulator leaves out when it deploys the template, through its own APIs.

Found with ministack 1.5.33. A function can be removed once the emulator fills its gap:

| gap | filled by |
| --- | --- |
| the `Body` of an HTTP API is not imported, so the API has no routes and no CORS | `create_api` |
| a state machine's YAML definition is stored but cannot be run | `translate_state_machines` |
| `!Ref` of a secret returns its name instead of its ARN, so policies grant no access to it | `mend_policies` |
| IAM treats every schedule as one of the group `default` | `mend_policies` |
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import yaml

from local.aws import Clients
from local.errors import StackError

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2.type_defs import CorsTypeDef

FUNCTION_OF_URI = re.compile(r"\$\{(\w+)\.Arn\}")
ANY_METHOD = "x-amazon-apigateway-any-method"
DEFAULT = "$default"


@dataclass(frozen=True)
class Deployed:
    """A stack as CloudFormation knows it.

    Attributes:
        template: The template after SAM's transform.
        ids: Physical id by logical id.
    """

    template: dict[str, Any]
    ids: dict[str, str]

    def resources(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the logical id and properties of each deployed resource of a type."""
        for logical_id, resource in self.template["Resources"].items():
            if resource["Type"] == kind and logical_id in self.ids:
                yield logical_id, resource.get("Properties", {})


def deployed(clients: Clients, stack_name: str) -> Deployed:
    """Return the processed template of a stack and the ids of its resources."""
    # boto3 decodes a JSON template and returns any other as a string; its type stubs do not say so.
    body: Any = clients.cloudformation.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    ids = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
    }
    return Deployed(json.loads(body) if isinstance(body, str) else body, ids)


def fill(clients: Clients, stack_name: str) -> None:
    """Fill every gap in a freshly deployed stack.

    Raises:
        StackError: See :func:`create_api`.
    """
    stack = deployed(clients, stack_name)
    create_api(clients, stack_name, stack)
    translate_state_machines(clients, stack)
    mend_policies(clients, stack)


def create_api(clients: Clients, stack_name: str, stack: Deployed) -> None:
    """Create an HTTP API with the routes that the template declares, under an id known beforehand.

    The id is the name of the stack, so that the URL of the API can be passed to the template as a parameter.

    Raises:
        StackError: The template does not have exactly one HTTP API, or a route leads to no function of the template.
    """
    bodies = [properties["Body"] for _, properties in stack.resources("AWS::ApiGatewayV2::Api")]
    if len(bodies) != 1:
        raise StackError(f"The template should have one HTTP API; it has {len(bodies)}.")
    api = clients.apigatewayv2
    api_id = api.create_api(
        Name=stack_name,
        ProtocolType="HTTP",
        CorsConfiguration=cors(bodies[0]),
        Tags={"ms-custom-id": stack_name},
    )["ApiId"]
    api.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    integrations: dict[str, str] = {}
    for route_key, function in routes(bodies[0]):
        if function not in integrations:
            integrations[function] = _integrate(clients, api_id, stack.ids[function])
        api.create_route(ApiId=api_id, RouteKey=route_key, Target=f"integrations/{integrations[function]}")


def routes(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the route key (`POST /oauth2/token`, `$default`) and the function's logical id for each operation."""
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            function = FUNCTION_OF_URI.search(uri)
            if not function:
                raise StackError(f"The route {method} {path} does not lead to a function of this template.")
            yield path if path == DEFAULT else f"{_spelled(method)} {path}", function[1]


def _spelled(method: str) -> str:
    return "ANY" if method == ANY_METHOD else method.upper()


def cors(body: dict[str, Any]) -> "CorsTypeDef":
    """Return the CORS configuration of an OpenAPI body, empty if it has none."""
    carried = body.get("x-amazon-apigateway-cors", {})
    return cast("CorsTypeDef", {name[0].upper() + name[1:]: value for name, value in carried.items()})


def translate_state_machines(clients: Clients, stack: Deployed) -> None:
    """Convert the definition of each state machine to JSON, the only form the emulator can run."""
    for logical_id, _ in stack.resources("AWS::StepFunctions::StateMachine"):
        arn = stack.ids[logical_id]
        definition = clients.stepfunctions.describe_state_machine(stateMachineArn=arn)["definition"]
        clients.stepfunctions.update_state_machine(
            stateMachineArn=arn, definition=json.dumps(yaml.safe_load(definition))
        )


def mend_policies(clients: Clients, stack: Deployed) -> None:
    """Rewrite role policies to what the emulator's IAM compares: ARNs of secrets, the group `default`."""
    ids = [stack.ids[logical_id] for logical_id, _ in stack.resources("AWS::SecretsManager::Secret")]
    spelled = {secret: clients.secretsmanager.describe_secret(SecretId=secret)["ARN"] for secret in ids}
    groups = [stack.ids[logical_id] for logical_id, _ in stack.resources("AWS::Scheduler::ScheduleGroup")]
    for logical_id, properties in stack.resources("AWS::IAM::Role"):
        role = stack.ids[logical_id]
        for policy in properties.get("Policies", []):
            name = policy["PolicyName"]
            document = json.dumps(clients.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
            for group in groups:
                document = document.replace(f":schedule/{group}/", ":schedule/default/")
            mended = json.dumps(_replaced(json.loads(document), spelled))
            clients.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=mended)


def _replaced(value: object, replacements: dict[str, str]) -> object:
    """Return a JSON value with strings that match as a whole replaced, at any depth."""
    match value:
        case dict():
            return {key: _replaced(each, replacements) for key, each in value.items()}
        case list():
            return [_replaced(each, replacements) for each in value]
        case str():
            return replacements.get(value, value)
        case _:
            return value


def _integrate(clients: Clients, api_id: str, function: str) -> str:
    arn = clients.functions.get_function_configuration(FunctionName=function)["FunctionArn"]
    return clients.apigatewayv2.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
