"""Filling the gaps that the emulator leaves when it deploys a template."""

import json
from unittest.mock import Mock

import boto3
import pytest
from moto import mock_aws

from local import gaps
from local.aws import Clients
from local.errors import StackError
from local.gaps import Deployed

URI = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${TokenFunction.Arn}/invocations"
)
OPERATION = {"x-amazon-apigateway-integration": {"uri": {"Fn::Sub": URI}}}


def test_routes_are_read_from_the_api() -> None:
    body = {
        "paths": {
            "/oauth2/token": {"post": OPERATION},
            "/xapi/{proxy+}": {gaps.ANY_METHOD: OPERATION},
            "$default": {gaps.ANY_METHOD: OPERATION},
        }
    }

    assert list(gaps.routes(body)) == [
        ("POST /oauth2/token", "TokenFunction"),
        ("ANY /xapi/{proxy+}", "TokenFunction"),
        ("$default", "TokenFunction"),
    ]


def test_a_route_to_something_else_is_refused() -> None:
    elsewhere = {"x-amazon-apigateway-integration": {"uri": {"Fn::Sub": "https://example.com"}}}

    with pytest.raises(StackError, match="get /x"):
        list(gaps.routes({"paths": {"/x": {"get": elsewhere}}}))


def test_cors_is_read_from_the_api() -> None:
    body = {"x-amazon-apigateway-cors": {"allowOrigins": ["*"], "maxAge": 600}}

    assert gaps.cors(body) == {"AllowOrigins": ["*"], "MaxAge": 600}


def test_an_api_without_cors_has_none() -> None:
    assert gaps.cors({}) == {}


def test_a_template_without_an_api_is_refused() -> None:
    with pytest.raises(StackError, match="one HTTP API; it has 0"):
        gaps.create_api(Clients("https://example.com", "eu-west-1"), "stack", Deployed({"Resources": {}}, {}))


def test_resources_are_those_that_were_made() -> None:
    resources = {"A": {"Type": "T", "Properties": {"x": 1}}, "B": {"Type": "T"}, "C": {"Type": "U"}, "D": {"Type": "T"}}
    stack = Deployed({"Resources": resources}, {"A": "a", "B": "b", "C": "c"})

    assert list(stack.resources("T")) == [("A", {"x": 1}), ("B", {})]


@mock_aws
def test_policies_name_secrets_by_arn() -> None:
    clients = Mock(spec=Clients)
    clients.secretsmanager = boto3.client("secretsmanager", region_name="eu-west-1")
    arn = clients.secretsmanager.create_secret(Name="keys", SecretString="x")["ARN"]
    document = {"Statement": [{"Action": "secretsmanager:GetSecretValue", "Resource": ["keys", "other"]}]}
    clients.iam.get_role_policy.return_value = {"PolicyDocument": document}
    resources = {
        "Keys": {"Type": "AWS::SecretsManager::Secret"},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyName": "policy"}]}},
    }

    gaps.mend_policies(clients, Deployed({"Resources": resources}, {"Keys": "keys", "Role": "role"}))

    put = clients.iam.put_role_policy.call_args.kwargs
    assert (put["RoleName"], put["PolicyName"]) == ("role", "policy")
    assert json.loads(put["PolicyDocument"])["Statement"][0]["Resource"] == [arn, "other"]
