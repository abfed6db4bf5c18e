"""What must hold of everything that is deployed, whichever way."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk.aws_sqs import Queue
from cdk_nag import AwsSolutionsChecks, NagPack, ServerlessChecks
from constructs import IConstruct

from gans.database.roles import ROLES
from gans.sources import asked
from gans.storage.reference import snapshot_key
from gans.storage.watchlist import KEY
from gans.tables import metadata, table_facts
from tests.infra_cdk.conftest import WAYS, Deployment

# Actions that AWS knows for all resources only (Service Authorization Reference).
WITHOUT_RESOURCE = {
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def flat(value: Any) -> str:
    """A CloudFormation value as text: `${Name}` for a reference, `${Name.Attribute}` for an attribute of one."""
    match value:
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::ImportValue": name}:
            return f"${{{name}}}"
        case {"Fn::Join": [between, parts]}:
            return str(between).join(map(flat, parts))
        case {"Fn::Sub": text}:
            return str(text)
    return str(value)


def statements(deployment: Deployment) -> Iterator[tuple[str, dict[str, Any]]]:
    """The logical ids of roles, and each statement of what they may do."""
    for policy in deployment.of("IAM::Policy").values():
        for role in policy["Roles"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield role["Ref"], statement
    for name, role in deployment.of("IAM::Role").items():
        for policy in role.get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def allowed(deployment: Deployment, role: str) -> set[tuple[str, str]]:
    """Each action that a role may do, with each resource."""
    return {
        (action, flat(resource))
        for name, statement in statements(deployment)
        if name == role
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    }


def role_of(function: dict[str, Any]) -> str:
    return str(function["Role"]["Fn::GetAtt"][0])


def bucket(deployment: Deployment) -> str:
    (name,) = deployment.of("S3::Bucket")
    return f"${{{name}.Arn}}"


def test_no_role_may_more_than_it_must(deployment: Deployment) -> None:
    found = list(statements(deployment))
    assert found
    for role, statement in found:
        assert statement["Effect"] == "Allow"
        for action in _listed(statement["Action"]):
            assert "*" not in action, (role, action)
            if "*" in map(flat, _listed(statement["Resource"])):
                assert action in WITHOUT_RESOURCE, (role, action)


def test_only_the_function_of_the_cdk_has_a_policy_that_aws_keeps(deployment: Deployment) -> None:
    managed = {name for name, role in deployment.of("IAM::Role").items() if role.get("ManagedPolicyArns")}
    assert all(name.startswith("AWSCDKTriggerCustomResourceProvider") for name in managed)
    assert not deployment.of("IAM::ManagedPolicy")


def test_a_collector_may_land_its_own_and_read_its_own_key(deployment: Deployment) -> None:
    failures = next(name for name in deployment.of("SQS::Queue") if "Failures" in name)
    objects = bucket(deployment)
    assert deployment.collectors()
    for name, (_, function) in deployment.collectors().items():
        may = allowed(deployment, role_of(function))
        log = f"${{{function['LoggingConfig']['LogGroup']['Ref']}.Arn}}"
        expected = {
            ("logs:CreateLogStream", log),
            ("logs:PutLogEvents", log),
            ("s3:PutObject", f"{objects}/landing/{name}/*"),
            ("s3:GetObject", f"{objects}/reference/*"),
            ("s3:GetObject", f"{objects}/state/{name}.json"),
            ("s3:PutObject", f"{objects}/state/{name}.json"),
            ("s3:ListBucket", objects),
        } | {(f"sqs:{action}", f"${{{failures}.Arn}}") for action in ("SendMessage", "GetQueueAttributes", "GetQueueUrl")}
        if asked()[name].secret:
            secret = f"arn:${{AWS::Partition}}:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}:secret:gans/keys/{name}"
            expected |= {("secretsmanager:GetSecretValue", secret), ("secretsmanager:GetSecretValue", f"{secret}-??????")}
        assert may == expected


def test_load_may_not_land_and_the_others_read_no_bucket_they_need_not(deployment: Deployment) -> None:
    def of_bucket(module: str) -> set[tuple[str, str]]:
        (function,) = deployment.functions(module).values()
        may = allowed(deployment, role_of(function))
        return {(action, resource.removeprefix(bucket(deployment))) for action, resource in may if action.startswith("s3:")}

    snapshots = {snapshot_key(table.name) for table in metadata.tables.values() if table_facts(table).is_reference}
    mended = {(f"s3:{action}Object", f"/{key}") for action in ("Get", "Put") for key in snapshots} | {("s3:ListBucket", "")}
    assert ("s3:PutObject", f"/{KEY}") not in mended, "the watchlist is people's own"
    states = {("s3:GetObject", "/state/*"), ("s3:PutObject", "/state/*")}
    assert of_bucket("load") == mended | states | {("s3:GetObject", "/landing/*")}
    assert of_bucket("retain") == mended
    assert of_bucket("archive") == {
        ("s3:GetObject", "/landing/station_status/*"),
        ("s3:PutObject", "/archive/station_status/*"),
        ("s3:ListBucket", ""),
    }
    assert of_bucket("freshness") == of_bucket("migrate") == set()


def test_what_knows_the_database_reads_its_own_secret_and_no_key(deployment: Deployment) -> None:
    logins = {}
    for module in ("migrate", *ROLES):
        (function,) = deployment.functions(module).values()
        variables = {name: flat(value) for name, value in function["Environment"]["Variables"].items()}
        may = allowed(deployment, role_of(function))
        secrets = {resource for action, resource in may if action.startswith("secretsmanager:")}
        named = [value for name, value in variables.items() if name.endswith("_SECRET")]
        assert all(any(resource.removesuffix("-??????").endswith(name) for name in named) for resource in secrets)
        assert all(any(resource.removesuffix("-??????").endswith(name) for resource in secrets) for name in named)
        assert not any("gans/keys" in resource for resource in secrets)
        if module == "migrate":
            of_roles = {role: variables[f"GANS_{role.upper()}_SECRET"] for role in ROLES}
            assert len(named) == 1 + len(ROLES) + ("GANS_ANALYST_SECRET" in variables)
        else:
            assert len(named) == 1
        logins[module] = variables["GANS_DATABASE_SECRET"]
    master = logins.pop("migrate")
    assert logins == of_roles
    assert len({master, *logins.values()}) == 1 + len(ROLES)


def test_each_login_has_a_name_of_its_own_and_a_password_that_aws_makes_up(deployment: Deployment) -> None:
    made = [secret["GenerateSecretString"] for secret in deployment.of("SecretsManager::Secret").values()]
    users = {secret["SecretStringTemplate"] for secret in made}
    assert {f'{{"username": "gans_{role}"}}' for role in ROLES} <= users
    assert len(users) == len(made)
    assert {(secret["GenerateStringKey"], secret["PasswordLength"]) for secret in made} == {("password", 32)}


def trusts(deployment: Deployment) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each statement that lets in a service of AWS: where it stands, the service, and its conditions."""
    for name, found in deployment.resources.items():
        for document in ("AssumeRolePolicyDocument", "PolicyDocument", "KeyPolicy"):
            for statement in found.get("Properties", {}).get(document, {}).get("Statement", ()):
                principal = statement.get("Principal", {})
                for service in _listed(principal.get("Service", [])) if isinstance(principal, dict) else ():
                    conditions = statement.get("Condition", {})
                    yield name, service, {key: value for some in conditions.values() for key, value in some.items()}
        if found["Type"] == "AWS::Lambda::Permission":
            properties = found["Properties"]
            yield name, properties["Principal"], {"aws:SourceArn": properties["SourceArn"]}


def test_a_service_is_trusted_where_it_acts_for_this_account(deployment: Deployment) -> None:
    """But in the roles of an instance and of the CDK's own function, which can be passed within the account alone."""
    found = list(trusts(deployment))
    assert {service for _, service, _ in found} >= {"cloudwatch.amazonaws.com", "events.amazonaws.com", "lambda.amazonaws.com"}
    for name, service, conditions in found:
        if service == "ec2.amazonaws.com" or name.startswith("AWSCDKTrigger"):
            continue
        assert conditions.get("aws:SourceAccount") == {"Ref": "AWS::AccountId"} or conditions.get("aws:SourceArn"), (
            name,
            service,
        )


def test_no_secret_stands_in_an_environment_or_a_template(deployment: Deployment) -> None:
    expected = {
        "GANS_ANALYST_SECRET", "GANS_ARCHIVE_SECRET", "GANS_CONTACT", "GANS_DATABASE_CA", "GANS_DATABASE_SECRET",
        "GANS_DATABASE_URL", "GANS_EVERY_MINUTES", "GANS_FRESHNESS_SECRET", "GANS_KEY_SECRET", "GANS_LANDING", "GANS_LOAD_SECRET",
        "GANS_RETAIN_SECRET", "GANS_SIMULATOR_URL", "GANS_SOURCE",
        "POWERTOOLS_LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME",
    }  # fmt: skip
    for function in deployment.of("Lambda::Function").values():
        variables = function.get("Environment", {}).get("Variables", {})
        assert set(variables) <= expected
        assert re.fullmatch(r"(mysql\+pymysql://[^@]+/gans)?", flat(variables.get("GANS_DATABASE_URL", "")))
    assert "{{resolve:secretsmanager" not in str(deployment.templates)
    assert not any("MasterUserPassword" in database for database in deployment.of("RDS::DBInstance").values())


def test_every_queue_has_dead_letters(deployment: Deployment) -> None:
    queues = deployment.of("SQS::Queue")
    redriven = {
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for queue in queues.values() if "RedrivePolicy" in queue
    }
    of_rules = {target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] for target in _targets(deployment)}
    assert len(queues) == 3
    for name, queue in queues.items():
        assert queue["MessageRetentionPeriod"] == 14 * 86400
        assert queue["SqsManagedSseEnabled"] is True
        assert "RedrivePolicy" in queue or name in redriven | of_rules


def test_a_policy_of_a_queue_has_room_for_more_sources(deployment: Deployment) -> None:
    policies = deployment.of("SQS::QueuePolicy").values()
    assert all(len(policy["PolicyDocument"]["Statement"]) <= 3 for policy in policies)  # the quota is 20


def test_every_log_ends(deployment: Deployment) -> None:
    logs = deployment.of("Logs::LogGroup")
    assert all(log["RetentionInDays"] <= 90 for log in logs.values())
    named = {flat(log["LogGroupName"]) for log in logs.values() if "LogGroupName" in log}
    for name, function in deployment.of("Lambda::Function").items():
        if "LoggingConfig" in function:
            assert function["LoggingConfig"]["LogGroup"]["Ref"] in logs
        else:
            assert f"/aws/lambda/${{{name}}}" in named


def _targets(deployment: Deployment) -> list[dict[str, Any]]:
    return [target for rule in deployment.of("Events::Rule").values() for target in rule["Targets"]]


def test_every_asynchronous_run_is_retried_a_while_and_then_kept(deployment: Deployment) -> None:
    failures = {"Fn::GetAtt": [next(name for name in deployment.of("SQS::Queue") if "Failures" in name), "Arn"]}
    assert _targets(deployment)
    for target in _targets(deployment):
        assert target["DeadLetterConfig"]["Arn"] == failures
        assert target["RetryPolicy"]["MaximumRetryAttempts"] == 2
        assert 60 <= target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600
    configured = {found["FunctionName"]["Ref"]: found for found in deployment.of("Lambda::EventInvokeConfig").values()}
    ours = {name for name, function in deployment.of("Lambda::Function").items() if function["Handler"].startswith("lambdas.")}
    assert set(configured) == ours
    (every_minute,) = deployment.functions("freshness")
    of_the_next = configured.pop(every_minute)
    assert of_the_next["MaximumRetryAttempts"] == 0
    assert "DestinationConfig" not in of_the_next
    for found in configured.values():
        assert found["MaximumRetryAttempts"] == 2
        assert 60 <= found["MaximumEventAgeInSeconds"] <= 3600
        assert found["DestinationConfig"]["OnFailure"]["Destination"] == failures


def test_every_alarm_reaches_the_topic_and_cloudwatch_can_keep_it(deployment: Deployment) -> None:
    (topic,) = deployment.of("SNS::Topic")
    alarms = deployment.of("CloudWatch::Alarm")
    assert alarms
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": topic}]
        assert "Metrics" not in alarm  # no metric math: a local AWS knows none
        assert alarm["OKActions"] == [{"Ref": topic}]
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 86400
        assert alarm["TreatMissingData"] in ("breaching", "ignore", "notBreaching")


def test_the_bucket_is_private_and_takes_tls_alone(deployment: Deployment) -> None:
    (found,) = deployment.of("S3::Bucket").values()
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    assert found["BucketEncryption"]
    (policy,) = deployment.of("S3::BucketPolicy").values()
    assert {statement["Effect"] for statement in policy["PolicyDocument"]["Statement"]} == {"Deny"}
    assert {"Bool": {"aws:SecureTransport": "false"}} in [s["Condition"] for s in policy["PolicyDocument"]["Statement"]]


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("pack", [AwsSolutionsChecks, ServerlessChecks])
def test_cdk_nag_finds_nothing(deployed: Callable[[str], Deployment], way: str, pack: type[NagPack]) -> None:
    app = deployed(way).app
    found = pack(app).validate_scope(app)  # type: ignore[call-arg]
    assert [(violation.rule_name, violation.description) for violation in found.violations] == []


def test_cdk_nag_would_find_something() -> None:
    app = App()
    Queue(Stack(app, "Bare"), "Queue")
    found = AwsSolutionsChecks(app).validate_scope(app).violations
    assert "AwsSolutions-SQS3" in {violation.rule_name for violation in found}


def test_what_is_acknowledged_stands_on_its_construct_with_its_reason(deployment: Deployment) -> None:
    acknowledged: list[tuple[IConstruct, str, str]] = [
        (construct, finding.removeprefix("Annotation::"), reason)
        for construct in deployment.app.node.find_all()
        for entry in construct.node.metadata
        if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for finding, reason in entry.data.items()
    ]
    ours = [found for found in acknowledged if found[1].startswith(("AwsSolutions-", "Serverless-"))]
    assert ours
    for construct, finding, reason in ours:
        assert not Stack.is_stack(construct), finding
        assert construct.node.scope is not None, finding
        assert len(reason) > 20, finding


def test_synthesis_says_nothing_but_that_nobody_is_told_of_alarms(deployment: Deployment) -> None:
    messages = [str(message.entry.data) for stack in deployment.assembly.stacks for message in stack.messages]
    is_local = any(
        function["Environment"]["Variables"].get("GANS_SIMULATOR_URL") for _, function in deployment.collectors().values()
    )
    is_told = bool(deployment.of("SNS::Subscription")) or is_local
    assert ["Alarms reach nobody" in message for message in messages] == [True] * (not is_told)
