"""Rotate the signing keys on the embedded stack by calling its rotation function step by step.

As Secrets Manager does on AWS, the new version is staged without a value before the first step.
"""

import json
import uuid

from coursebridge.auth.rotation import CURRENT, PENDING, STEPS
from coursebridge.auth.signing import keys_from_secret
from local.aws import Clients
from local.errors import StackError
from local.outputs import Outputs


def rotate_keys(outputs: Outputs) -> list[str]:
    """Rotate the keys and return the key ids now in force, the newest last.

    Args:
        outputs: The running stack.

    Raises:
        StackError: The function refused a step; its log says why.
    """
    aws, version = Clients(outputs.endpoint_url, outputs.region), str(uuid.uuid4())
    token = aws.functions.get_function_configuration(FunctionName=outputs.function_names["TokenFunction"])
    secret = token["Environment"]["Variables"]["SIGNING_KEYS_SECRET_ARN"]
    aws.secretsmanager.put_secret_value(SecretId=secret, ClientRequestToken=version, VersionStages=[PENDING])
    for step in STEPS:
        event = {"Step": step, "SecretId": secret, "ClientRequestToken": version}
        answer = aws.functions.invoke(
            FunctionName=outputs.function_names["RotateKeysFunction"], Payload=json.dumps(event)
        )
        if "FunctionError" in answer:
            raise StackError(f"The step {step} failed: {answer['Payload'].read().decode()}")
    present = aws.secretsmanager.get_secret_value(SecretId=secret, VersionStage=CURRENT)
    return [key.kid for key in keys_from_secret(json.loads(present["SecretString"]))]
