"""Rules for the template: least privilege, logs, alarms, and no silent loss."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import cfn
from coursebridge.observability import count_by
from coursebridge.settings import Settings, Variable
from coursebridge.webhooks.dispatch import MOST_RECEIVES, PAUSES
from state_machine import states_of

FUNCTIONS = cfn.resources("AWS::Serverless::Function")
ALARMS = cfn.resources("AWS::CloudWatch::Alarm")
# Log delivery of a state machine supports no narrower resource than `*` (AWS: "Logging using CloudWatch Logs").
LOG_DELIVERY = "DeliverLogs"
MANAGED = {
    "SQS": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "DynamoDB": {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"},
}
"""What the managed policy that SAM adds for a kind of source allows on every queue or stream of the account
(AWSLambdaSQSQueueExecutionRole, AWSLambdaDynamoDBExecutionRole), apart from writing logs and listing streams."""


def statements(function: dict[str, Any], effect: str = "Allow") -> Iterator[dict[str, Any]]:
    for policy in function.get("Policies", []):
        assert isinstance(policy, dict), "a managed policy by name"
        yield from (statement for statement in policy["Statement"] if statement["Effect"] == effect)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def every_statement() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, function in {**FUNCTIONS, **cfn.resources("AWS::Serverless::StateMachine")}.items():
        for statement in statements(function):
            yield name, statement
    for name, role in cfn.resources("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_log_group_of_its_own_that_forgets(name: str) -> None:
    group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]

    assert cfn.resources("AWS::Logs::LogGroup")[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert [f for f in FUNCTIONS if FUNCTIONS[f]["LoggingConfig"]["LogGroup"]["Ref"] == group] == [name]


def test_the_level_of_logs_is_the_one_lambda_filters_by_and_drops_no_metric() -> None:
    """A metric is a log line without a level, which Lambda treats as INFO."""
    assert cfn.template()["Globals"]["Function"]["LoggingConfig"]["ApplicationLogLevel"] == {"Ref": "LogLevel"}
    assert cfn.template()["Parameters"]["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO"]


def watched(metric: str, dimension: str, resource: str) -> list[str]:
    """Return the alarms on a metric of a resource."""
    return [
        name
        for name, alarm in ALARMS.items()
        if alarm.get("MetricName") == metric
        and any(each["Name"] == dimension and resource in json.dumps(each["Value"]) for each in alarm["Dimensions"])
    ]


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_an_alarm_for_its_errors_and_for_throttles(name: str, metric: str) -> None:
    assert len(watched(metric, "FunctionName", f'"{name}"')) == 1


@pytest.mark.parametrize("name", ["CatalogSyncErrors", "ActivitySyncErrors"])
def test_a_task_that_its_state_machine_tries_again_alarms_nobody(name: str) -> None:
    machine = yaml.safe_load((cfn.ROOT / "statemachines" / "sync.asl.yaml").read_text())
    [expected] = {average_wait(task["Retry"][1]) for task in tasks(machine)}
    hour = 3600

    assert ALARMS[name]["Period"] * ALARMS[name]["EvaluationPeriods"] == hour > 10 * expected
    assert "DatapointsToAlarm" not in ALARMS[name]


@pytest.mark.parametrize("kind", ["CatalogSync", "ActivitySync"])
def test_a_task_that_waits_for_others_to_end_alarms_nobody(kind: str) -> None:
    """All integrations have the same schedule by default, and the advised bound has room for two syncs at once."""
    waits, fails = ({**ALARMS[f"{kind}{what}"]} for what in ("Throttles", "Errors"))

    assert (waits["Period"], waits["EvaluationPeriods"]) == (fails["Period"], fails["EvaluationPeriods"])
    assert "DatapointsToAlarm" not in waits


@pytest.mark.parametrize("name", [name for name in cfn.resources("AWS::SQS::Queue") if name.endswith("DeadLetters")])
def test_a_dead_letter_queue_has_an_alarm(name: str) -> None:
    assert len(watched("ApproximateNumberOfMessagesVisible", "QueueName", f'"{name}"')) == 1


@pytest.mark.parametrize("name", cfn.resources("AWS::Serverless::StateMachine"))
def test_a_state_machine_has_an_alarm_for_its_failures(name: str) -> None:
    assert len(watched("ExecutionsFailed", "StateMachineArn", f'"{name}"')) == 1


def test_every_reader_of_the_stream_has_an_alarm_for_being_late() -> None:
    readers = [
        name
        for name, function in FUNCTIONS.items()
        if any(source["Type"] == "DynamoDB" for source in function.get("Events", {}).values())
    ]

    assert [len(watched("IteratorAge", "FunctionName", f'"{name}"')) for name in readers] == [1, 1]


def test_what_a_dashboard_shows_exists() -> None:
    names = set(cfn.template()["Resources"]) | set(cfn.template()["Parameters"])
    bodies = [each["DashboardBody"]["Fn::Sub"] for each in cfn.resources("AWS::CloudWatch::Dashboard").values()]
    referred = {name for body in bodies for name in re.findall(r"\$\{(\w+)\}", body)}

    assert len(bodies) == 2
    assert referred <= names
    for body in bodies:
        json.loads(re.sub(r"\$\{[\w:]+\}", "x", body))


def test_the_search_for_errors_finds_those_that_only_lambda_logs() -> None:
    """The runtime logs what a handler raises; what timed out or ran out of memory is told by Lambda's report alone."""
    wanted = "filter level = 'ERROR' or record.status in ['error', 'failure', 'timeout']"
    runbook = (cfn.ROOT / "docs" / "operations.md").read_text().partition("## A function fails")[2].partition("## ")[0]

    assert wanted in cfn.resources("AWS::CloudWatch::Dashboard")["EngineeringDashboard"]["DashboardBody"]["Fn::Sub"]
    assert wanted in runbook


def test_a_search_of_a_dashboard_names_the_dimensions_of_its_metric_exactly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "apply")
    body = cfn.resources("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    count_by("StatementsHeldByReason", "reason", {"learner_unknown": 1})
    [metric] = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    schema = ",".join(['"Coursebridge/${AWS::StackName}"', *metric["Dimensions"][0]])

    assert json.dumps(f"SEARCH('{{{schema}}} MetricName")[1:-1] in body


def seconds_of(function: dict[str, Any]) -> int:
    return int(function.get("Timeout", cfn.template()["Globals"]["Function"]["Timeout"]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_time_outs_fit_inside_each_other(name: str) -> None:
    api_seconds, queue_times = 30, 6
    for source in FUNCTIONS[name].get("Events", {}).values():
        if source["Type"] == "HttpApi":
            assert seconds_of(FUNCTIONS[name]) < api_seconds
        if source["Type"] == "SQS":
            queue = cfn.resources("AWS::SQS::Queue")[source["Properties"]["Queue"]["Fn::GetAtt"][0]]
            assert queue["VisibilityTimeout"] >= queue_times * seconds_of(FUNCTIONS[name])


@pytest.mark.parametrize("name", cfn.resources("AWS::Serverless::StateMachine"))
def test_a_task_outwaits_its_function_and_tries_again_at_random_moments(name: str) -> None:
    machine = cfn.resources("AWS::Serverless::StateMachine")[name]
    function = machine["DefinitionSubstitutions"]["SyncFunctionArn"]["Fn::GetAtt"][0]
    found = list(tasks(yaml.safe_load((cfn.ROOT / machine["DefinitionUri"]).read_text())))

    assert found
    assert all(task["TimeoutSeconds"] > seconds_of(FUNCTIONS[function]) for task in found)
    assert all(retry["JitterStrategy"] == "FULL" for task in found for retry in task["Retry"])


@pytest.mark.parametrize("name", cfn.resources("AWS::Serverless::StateMachine"))
def test_a_task_that_finds_its_function_full_waits_longer_than_the_tasks_before_it_take(name: str) -> None:
    machine = cfn.resources("AWS::Serverless::StateMachine")[name]
    function = machine["DefinitionSubstitutions"]["SyncFunctionArn"]["Fn::GetAtt"][0]
    several_tasks = 5 * seconds_of(FUNCTIONS[function])
    for task in tasks(yaml.safe_load((cfn.ROOT / machine["DefinitionUri"]).read_text())):
        first, *others = task["Retry"]

        assert first["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
        assert average_wait(first) > several_tasks
        assert not any("Lambda.TooManyRequestsException" in retry["ErrorEquals"] for retry in others)


def average_wait(retry: dict[str, Any]) -> float:
    """Return the average total wait of a retrier in seconds; full jitter halves each wait on average."""
    waits = (retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt for attempt in range(retry["MaxAttempts"]))
    return float(sum(min(wait, retry["MaxDelaySeconds"]) / 2 for wait in waits))


def test_a_bound_on_the_background_leaves_room_for_every_task_of_a_sync() -> None:
    machines = cfn.resources("AWS::Serverless::StateMachine").values()
    definitions = [yaml.safe_load((cfn.ROOT / machine["DefinitionUri"]).read_text()) for machine in machines]
    at_once = max(state.get("MaxConcurrency", 1) for each in definitions for state in each["States"].values())
    [rule] = cfn.template()["Rules"]["BackgroundConcurrencyIsEnoughForASync"]["Assertions"]

    refused = rule["Assert"]["Fn::Not"][0]["Fn::Contains"][0]
    assert refused == [str(bound) for bound in range(1, at_once)]
    assert f"at least {at_once};" in cfn.template()["Parameters"]["BackgroundConcurrency"]["Description"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reserves_at_least_what_its_queues_may_use(name: str) -> None:
    reserved = FUNCTIONS[name].get("ReservedConcurrentExecutions")
    bounds = [
        source["Properties"]["ScalingConfig"]["Fn::If"][1]["MaximumConcurrency"]
        for source in FUNCTIONS[name].get("Events", {}).values()
        if source["Type"] == "SQS"
    ]

    assert reserved is None or len(bounds) <= 1
    assert all(bound == {"Ref": "BackgroundConcurrency"} for bound in bounds)


def tasks(definition: Any) -> Iterator[dict[str, Any]]:
    """Yield every task of a state machine, including those inside maps."""
    return (state for _, state in states_of(definition) if state["Type"] == "Task")


@pytest.mark.parametrize(
    "name", [name for name, alarm in ALARMS.items() if "Coursebridge/" in json.dumps(alarm.get("Namespace"))]
)
def test_an_alarm_on_a_metric_of_ours_watches_one_that_its_function_counts(name: str) -> None:
    [service] = [each["Value"] for each in ALARMS[name]["Dimensions"]]
    folders = [cfn.ROOT / "functions" / service, cfn.ROOT / "layers" / "shared" / "coursebridge"]
    sources = "".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))

    assert f'"{ALARMS[name]["MetricName"]}"' in sources


def test_two_stacks_of_an_account_share_no_name() -> None:
    """Names that must be unique in an account or region contain the stack's; CloudFormation generates the others."""
    unique = ("Name", "LogGroupName", "DashboardName", "QueueName", "FunctionName", "TableName", "BucketName")
    named_after_others = ("AWS::Lambda::Permission", "AWS::Route53::RecordSet")
    names = {
        (logical_id, name): json.dumps(resource["Properties"][name])
        for logical_id, resource in cfn.template()["Resources"].items()
        for name in unique
        if resource["Type"] not in named_after_others and name in resource.get("Properties", {})
    } | {
        (logical_id, event): json.dumps(source["Properties"].get("Name"))
        for logical_id, function in FUNCTIONS.items()
        for event, source in function.get("Events", {}).items()
        if source["Type"] == "ScheduleV2"
    }

    assert names
    assert [place for place, name in names.items() if "AWS::StackName" not in name] == []


@pytest.mark.parametrize("name", ["ExportsFunction", "PurgeFunction"])
def test_a_function_that_calls_itself_until_it_is_done_is_not_taken_for_a_mistake(name: str) -> None:
    assert FUNCTIONS[name]["RecursiveLoop"] == "Allow"


def test_every_function_that_tells_callers_where_it_is_knows_the_domain_of_the_operator() -> None:
    told = [
        function["Environment"]["Variables"]["API_PUBLIC_URL"]
        for function in FUNCTIONS.values()
        if "API_PUBLIC_URL" in function.get("Environment", {}).get("Variables", {})
    ]

    assert told
    assert all(each["Fn::If"][0] == "HasDomainName" for each in told)


def test_who_keeps_dns_elsewhere_is_told_where_to_point_it() -> None:
    conditions, outputs = cfn.template()["Conditions"], cfn.template()["Outputs"]
    told = {name: output for name, output in outputs.items() if output.get("Condition") == "HasDnsElsewhere"}

    assert conditions["HasDnsElsewhere"]["Fn::And"] == [
        {"Condition": "HasDomainName"},
        {"Fn::Equals": [{"Ref": "HostedZoneId"}, ""]},
    ]
    assert [output["Value"] for output in told.values()] == [
        {"Fn::GetAtt": ["ApiDomain", "RegionalDomainName"]},
        {"Fn::GetAtt": ["ApiDomain", "RegionalHostedZoneId"]},
    ]
    described = (cfn.ROOT / "docs" / "configuration.md").read_text()
    assert all(f"`{name}`" in described for name in told)


def test_what_no_route_takes_is_refused_by_a_function_that_linkedin_does_not_wait_for() -> None:
    takers = [
        name
        for name, function in FUNCTIONS.items()
        for source in function.get("Events", {}).values()
        if source["Type"] == "HttpApi" and not {"Path", "Method"} & source["Properties"].keys()
    ]

    assert takers == ["LearningFunction"]


def test_the_repository_of_applications_is_told_no_intrinsic_function() -> None:
    metadata = cfn.template()["Metadata"]["AWS::ServerlessRepo::Application"]

    assert not [value for value in metadata.values() if isinstance(value, dict)]
    assert (cfn.ROOT / metadata["LicenseUrl"]).is_file()
    assert (cfn.ROOT / metadata["ReadmeUrl"]).is_file()


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_names_its_page_of_the_runbook_and_notifies(name: str) -> None:
    heading = ALARMS[name]["AlarmDescription"].rpartition("docs/operations.md#")[2]
    headings = {
        line.lstrip("#").strip().lower().replace(" ", "-")
        for line in (cfn.ROOT / "docs" / "operations.md").read_text().splitlines()
        if line.startswith("#")
    }

    assert heading in headings
    assert ALARMS[name]["AlarmActions"]["Fn::If"][0] == "HasAlarmTopic"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_handler_of_a_function_exists(name: str) -> None:
    module, _, attribute = FUNCTIONS[name]["Handler"].rpartition(".")
    source = cfn.ROOT / FUNCTIONS[name]["CodeUri"] / f"{module}.py"

    assert f"def {attribute}(" in source.read_text()


def test_no_two_functions_share_a_module_name() -> None:
    modules = [path.stem for path in (cfn.ROOT / "functions").rglob("*.py")]

    assert sorted(set(modules)) == sorted(modules)


def test_no_policy_has_a_wildcard_action_or_resource() -> None:
    loose = [
        (name, statement["Sid"])
        for name, statement in every_statement()
        if any("*" in action for action in listed(statement["Action"]))
        or ("*" in listed(statement["Resource"]) and statement["Sid"] != LOG_DELIVERY)
    ]

    assert loose == []


@pytest.mark.parametrize("kind", MANAGED)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_reader_of_a_queue_or_stream_may_read_no_other(name: str, kind: str) -> None:
    sources = [source["Properties"] for source in FUNCTIONS[name].get("Events", {}).values() if source["Type"] == kind]
    own = [source.get("Queue") or source["Stream"] for source in sources]
    spared = [
        listed(statement["NotResource"])
        for statement in statements(FUNCTIONS[name], "Deny")
        if set(statement["Action"]) == MANAGED[kind]
    ]

    assert spared == ([own] if own else [])


def test_access_to_the_table_is_bound_to_leading_keys_and_never_a_scan() -> None:
    loose = [
        (name, statement["Sid"])
        for name, statement in every_statement()
        for action in listed(statement["Action"])
        if action.startswith("dynamodb:")
        and (
            action == "dynamodb:Scan"
            or not statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        )
    ]

    assert loose == []


def test_whatever_is_allowed_on_the_table_is_asked_for_by_key() -> None:
    """A request without keys would pass a condition on leading keys (docs/decisions/0071-leading-keys.md)."""
    named = {"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
    allowed = {
        action.removeprefix("dynamodb:")
        for _, statement in every_statement()
        for action in listed(statement["Action"])
        if action.startswith("dynamodb:")
    }

    assert allowed <= named | {"ConditionCheckItem"}


def test_the_functions_that_take_statements_and_tokens_cannot_write_anything_else() -> None:
    written = {
        name: sorted(
            key
            for statement in statements(FUNCTIONS[name])
            if {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"} & set(listed(statement["Action"]))
            for key in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        )
        for name in ("TokenFunction", "StatementsFunction")
    }

    assert written == {"TokenFunction": ["CLIENT#*"], "StatementsFunction": ["STATEMENT#*"]}


def test_every_stream_and_schedule_keeps_what_it_could_not_deliver() -> None:
    missing = []
    for name, function in FUNCTIONS.items():
        for event, source in function.get("Events", {}).items():
            properties = source["Properties"]
            if source["Type"] in ("DynamoDB", "SQS"):
                kept = "DestinationConfig" in properties or source["Type"] == "SQS"
            elif source["Type"] == "ScheduleV2":
                kept = "DeadLetterConfig" in properties and "EventInvokeConfig" in function
            else:
                kept = True
            if not kept:
                missing.append((name, event))

    assert missing == []


def test_every_queue_that_is_worked_on_has_a_dead_letter_queue() -> None:
    worked_on = {
        source["Properties"]["Queue"]["Fn::GetAtt"][0]
        for function in FUNCTIONS.values()
        for source in function.get("Events", {}).values()
        if source["Type"] == "SQS"
    }
    queues = cfn.resources("AWS::SQS::Queue")

    assert [name for name in sorted(worked_on) if "RedrivePolicy" not in queues[name]] == []


QUEUES = cfn.resources("AWS::SQS::Queue")


@pytest.mark.parametrize("name", [name for name in QUEUES if "RedrivePolicy" in QUEUES[name]])
def test_a_letter_outlives_its_time_in_the_queue_it_came_from(name: str) -> None:
    """A moved message keeps the time it was first sent (SQS Developer Guide, "dead-letter queues")."""
    letters = QUEUES[QUEUES[name]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]
    a_week = 604_800

    assert letters["MessageRetentionPeriod"] - QUEUES[name]["MessageRetentionPeriod"] >= a_week


def test_a_delivery_is_tried_to_its_end_before_its_message_expires() -> None:
    queue = QUEUES["WebhookDeliveries"]
    # A try that is cut off reappears after the visibility timeout of the queue and is received once more.
    longest = sum(PAUSES) + MOST_RECEIVES * queue["VisibilityTimeout"]

    assert queue["MessageRetentionPeriod"] > 2 * longest


def test_the_stream_has_at_most_two_readers() -> None:
    readers = [
        name
        for name, function in FUNCTIONS.items()
        for source in function.get("Events", {}).values()
        if source["Type"] == "DynamoDB"
    ]

    assert len(readers) <= 2


def test_data_outlives_the_stack() -> None:
    kept = {
        name
        for name, resource in cfn.template()["Resources"].items()
        if resource["Type"] in ("AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::S3::Bucket")
        and resource.get("UpdateReplacePolicy") == "Retain"
        # A stack whose creation failed has no data to keep.
        and resource.get("DeletionPolicy") == "RetainExceptOnCreate"
    }

    assert kept == {"Table", "Bucket", "SigningKeys", "PseudonymKey", "AdminClient"}


def test_an_upload_that_was_cut_off_is_forgotten_whatever_it_was_for() -> None:
    rules = cfn.resources("AWS::S3::Bucket")["Bucket"]["LifecycleConfiguration"]["Rules"]
    [rule] = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]

    assert rule["Status"] == "Enabled"
    assert "Prefix" not in rule


def test_the_table_can_be_restored_and_is_encrypted_and_streams_both_images() -> None:
    table = cfn.resources("AWS::DynamoDB::Table")["Table"]

    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert "LocalSecondaryIndexes" not in table


def test_layers_are_built_for_the_architecture_the_functions_run_on() -> None:
    for name, resource in cfn.template()["Resources"].items():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            assert resource["Metadata"]["BuildArchitecture"] == {"Ref": "Architecture"}, name
    assert cfn.template()["Globals"]["Function"]["Architectures"] == [{"Ref": "Architecture"}]


def test_every_parameter_and_output_is_described_and_no_text_parameter_takes_anything() -> None:
    document = cfn.template()

    assert [name for name, entry in document["Parameters"].items() if "Description" not in entry] == []
    assert [name for name, entry in document["Outputs"].items() if "Description" not in entry] == []
    assert [
        name
        for name, entry in document["Parameters"].items()
        if entry["Type"] == "String" and not {"AllowedValues", "AllowedPattern"} & entry.keys()
    ] == []


def test_functions_are_told_what_the_settings_know_and_nothing_else() -> None:
    blocks = [cfn.template()["Globals"]["Function"], *FUNCTIONS.values()]
    told = {name for block in blocks for name in block.get("Environment", {}).get("Variables", {})}
    known = {name.upper() for name, field in vars(Settings).items() if isinstance(field, Variable)}

    # Only the emulator sets this one.
    assert {name for name in told if not name.startswith("POWERTOOLS_")} == known - {"AWS_ENDPOINT_URL"}


def test_no_secret_travels_in_the_environment() -> None:
    variables = {
        name: value
        for function in FUNCTIONS.values()
        for name, value in function.get("Environment", {}).get("Variables", {}).items()
    }

    assert "resolve:secretsmanager" not in json.dumps(variables)
    assert [name for name in variables if "SECRET" in name and not name.endswith(("_ARN", "_PREFIX"))] == []
