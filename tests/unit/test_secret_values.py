"""Secrets that do not exist."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from moto import mock_aws

from coursebridge import clients, secret_values

NAME = "stack/integrations/acme/credentials/content"


@pytest.mark.parametrize("says_so", [False, True])
def test_deleting_a_secret_that_is_not_there_is_fine(says_so: bool) -> None:
    with mock_aws():
        client = clients.secretsmanager()
        absent = client.exceptions.ResourceNotFoundException({"Error": {}}, "DeleteSecret")
        effect = absent if says_so else client.delete_secret
        with patch.object(client, "delete_secret", side_effect=effect) as deleting:
            secret_values.delete(NAME)

    deleting.assert_called_once_with(SecretId=NAME, ForceDeleteWithoutRecovery=True)
