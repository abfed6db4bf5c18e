"""What each way of deploying gives."""

import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from gans.database.roles import ROLES
from gans.errors import ConfigError
from gans.sources import asked
from tests.infra_cdk.conftest import Deployment, new_app
from tests.infra_cdk.test_policies import allowed, role_of

Deploy = Callable[[str], Deployment]


def rules_of(deployment: Deployment, function: str) -> list[dict[str, Any]]:
    return [
        rule
        for rule in deployment.of("Events::Rule").values()
        if any(target["Arn"] == {"Fn::GetAtt": [function, "Arn"]} for target in rule["Targets"])
    ]


def test_every_source_has_a_function_its_schedule_and_what_it_reads(deployed: Deploy) -> None:
    deployment = deployed("none")
    assert set(deployment.collectors()) == set(asked())
    expressions = {}
    for name, (function, _) in deployment.collectors().items():
        rules = rules_of(deployment, function)
        (expressions[name],) = (rule["ScheduleExpression"] for rule in rules if "ScheduleExpression" in rule)
        (pattern,) = (rule["EventPattern"] for rule in rules if "EventPattern" in rule)
        assert pattern["source"] == ["aws.s3"]
        assert pattern["detail-type"] == ["Object Created"]
        assert pattern["detail"]["bucket"]["name"] == [{"Ref": next(iter(deployment.of("S3::Bucket")))}]
    assert expressions["weather"] == "cron(0 0/3 ? * * *)"
    assert expressions["cities"] == "cron(10 3 ? * * *)"
    assert expressions["airports"] == "cron(10 2 ? * MON *)"


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ("cities", ["reference/watchlist.json"]),
        ("airports", ["reference/cities.json", "reference/watchlist.json"]),
        ("weather", ["reference/cities.json"]),
        ("flights", ["reference/airports.json", "reference/city_airports.json", "reference/watchlist.json"]),
    ],
)
def test_a_source_is_fired_by_what_it_reads(deployed: Deploy, source: str, keys: list[str]) -> None:
    deployment = deployed("none")
    function, _ = deployment.collectors()[source]
    (pattern,) = (rule["EventPattern"] for rule in rules_of(deployment, function) if "EventPattern" in rule)
    assert pattern["detail"]["object"]["key"] == keys


def test_a_collector_knows_what_it_collects_and_no_database(deployed: Deploy) -> None:
    deployment = deployed("none")
    for name, (_, function) in deployment.collectors().items():
        variables = function["Environment"]["Variables"]
        assert not [name for name in variables if "DATABASE" in name]
        assert variables["GANS_CONTACT"] == "ops@example.org"
        assert variables.get("GANS_KEY_SECRET") == (f"gans/keys/{name}" if asked()[name].secret else None)
        assert "VpcConfig" not in function
        assert (function["MemorySize"], function["Timeout"]) == (256, 900)
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])


def test_what_knows_the_database_stands_without_internet(deployed: Deploy) -> None:
    deployment = deployed("none")
    for module in ("load", "migrate", "archive", "retain", "freshness"):
        (function,) = deployment.functions(module).values()
        assert len(function["VpcConfig"]["SubnetIds"]) == 2
        assert function["Environment"]["Variables"]["GANS_DATABASE_CA"] == "/var/task/rds-ca.pem"
        assert function["MemorySize"] == (1024 if module == "archive" else 512)
    assert not deployment.of("EC2::NatGateway")
    assert not deployment.of("EC2::InternetGateway")
    assert not [route for route in deployment.of("EC2::Route").values() if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
    endpoints = {str(endpoint["ServiceName"]): endpoint for endpoint in deployment.of("EC2::VPCEndpoint").values()}
    (secrets,) = (endpoint for service, endpoint in endpoints.items() if "secretsmanager" in service)
    assert len(secrets["SubnetIds"]) == 1
    assert len(endpoints) == 2


def test_the_endpoints_pass_only_what_the_functions_need(deployed: Deploy) -> None:
    deployment = deployed("none")
    account = {"Ref": "AWS::AccountId"}
    statements = {}
    for endpoint in deployment.of("EC2::VPCEndpoint").values():
        (statement,) = endpoint["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Allow"
        assert statement["Condition"]["StringEquals"]["aws:PrincipalAccount"] == account
        statements["s3" if ".s3" in str(endpoint["ServiceName"]) else "secrets"] = statement
    assert statements["secrets"]["Action"] == "secretsmanager:GetSecretValue"
    assert account in statements["secrets"]["Resource"]["Fn::Join"][1]
    objects = statements["s3"]
    assert objects["Condition"]["StringEquals"]["aws:ResourceAccount"] == account
    functions = [function for module in ROLES for function in deployment.functions(module).values()]
    used = {action for function in functions for action, _ in allowed(deployment, role_of(function)) if action.startswith("s3:")}
    assert set(objects["Action"]) == used
    (logical_id,) = deployment.of("S3::Bucket")
    name = f"GansPipeline-{logical_id}-1a2b3c4d5e6f".lower()  # as CloudFormation makes it up
    patterns = [resource["Fn::Join"][1][-1].removeprefix(":s3:::") for resource in objects["Resource"]]
    assert fnmatch(name, patterns[0])
    assert fnmatch(f"{name}/landing/x", patterns[1])
    assert not any(fnmatch("another-bucket/x", pattern) for pattern in patterns)


def test_the_minute_source_has_its_share_of_the_account(deployed: Deploy) -> None:
    reserved = {
        name: function.get("ReservedConcurrentExecutions") for name, (_, function) in deployed("none").collectors().items()
    }
    assert {name for name, executions in reserved.items() if executions} == {"station_status"}
    assert reserved["station_status"] == 5


@pytest.mark.parametrize(
    ("module", "expression", "timeout"),
    [
        ("archive", "cron(5 0/1 ? * * *)", 900),
        ("retain", "cron(40 1 ? * * *)", 900),
        ("freshness", "cron(0/1 * ? * * *)", 60),
        ("load", "cron(20 2 ? * * *)", 180),
    ],
)
def test_what_is_stored_is_looked_after_by_the_clock(deployed: Deploy, module: str, expression: str, timeout: int) -> None:
    deployment = deployed("none")
    ((name, function),) = deployment.functions(module).items()
    (rule,) = rules_of(deployment, name)
    assert rule["ScheduleExpression"] == expression
    assert function["Timeout"] == timeout


def test_the_database_is_guarded(deployed: Deploy) -> None:
    deployment = deployed("none")
    (database,) = deployment.of("RDS::DBInstance").values()
    expected = {
        "DBInstanceClass": "db.t4g.micro",
        "DeletionProtection": True,
        "ManageMasterUserPassword": True,
        "PubliclyAccessible": False,
        "StorageEncrypted": True,
        "StorageType": "gp3",
    }
    assert expected.items() <= database.items()
    assert database["EngineVersion"].startswith("8.4")
    assert database["BackupRetentionPeriod"] >= 7
    (parameters,) = deployment.of("RDS::DBParameterGroup").values()
    assert parameters["Parameters"]["require_secure_transport"] == "ON"
    (instance,) = (found for found in deployment.resources.values() if found["Type"] == "AWS::RDS::DBInstance")
    assert instance["DeletionPolicy"] == instance["UpdateReplacePolicy"] == "Snapshot"
    (bucket,) = (found for found in deployment.resources.values() if found["Type"] == "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == "Retain"
    assert deployment.assembly.get_stack_by_name("GansFoundation").termination_protection
    alarmed = {(alarm["Namespace"], alarm["MetricName"]) for alarm in deployment.of("CloudWatch::Alarm").values()}
    assert {("AWS/RDS", "FreeStorageSpace"), ("AWS/RDS", "CPUUtilization")} <= alarmed


def test_without_access_only_the_loader_reaches_the_database(deployed: Deploy) -> None:
    ingress = deployed("none").of("EC2::SecurityGroupIngress").values()
    to_database = [rule for rule in ingress if rule["FromPort"] == 3306]
    assert [rule["ToPort"] for rule in to_database] == [3306]
    assert "Loader" in str(to_database[0]["SourceSecurityGroupId"])
    assert not [group for group in deployed("none").of("EC2::SecurityGroup").values() if "SecurityGroupIngress" in group]


def test_nobody_reaches_the_bastion(deployed: Deploy) -> None:
    deployment = deployed("bastion")
    (instance,) = deployment.of("EC2::Instance").values()
    assert instance["InstanceType"] == "t4g.nano"
    assert "KeyName" not in instance
    door = next(name for name in deployment.of("EC2::SecurityGroup") if "Bastion" in name)
    assert "SecurityGroupIngress" not in deployment.of("EC2::SecurityGroup")[door]
    ingress = deployment.of("EC2::SecurityGroupIngress").values()
    assert not [rule for rule in ingress if door in str(rule["GroupId"])]
    assert [rule for rule in ingress if door in str(rule["SourceSecurityGroupId"]) and rule["FromPort"] == 3306]
    (database,) = deployment.of("RDS::DBInstance").values()
    assert database["PubliclyAccessible"] is False
    assert not deployment.of("EC2::NatGateway")


def test_a_public_database_is_open_to_the_listed_addresses(deployed: Deploy) -> None:
    deployment = deployed("public")
    (database,) = deployment.of("RDS::DBInstance").values()
    assert database["PubliclyAccessible"] is True
    groups = deployment.of("EC2::SecurityGroup").values()
    ((rule,),) = (group["SecurityGroupIngress"] for group in groups if "SecurityGroupIngress" in group)
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == ("203.0.113.0/24", 3306, 3306)
    (subnets,) = deployment.of("RDS::DBSubnetGroup").values()
    assert all("Public" in subnet["Ref"] for subnet in subnets["SubnetIds"])


def test_the_queue_outlasts_a_database_that_is_away(deployed: Deploy) -> None:
    deployment = deployed("none")
    (load,) = deployment.functions("load").values()
    (queue,) = (queue for queue in deployment.of("SQS::Queue").values() if "RedrivePolicy" in queue)
    assert queue["VisibilityTimeout"] >= 6 * load["Timeout"]
    away_s = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    assert 3 * 86400 <= away_s <= queue["MessageRetentionPeriod"] - 2 * 86400  # and leaves a person some days
    (mapping,) = deployment.of("Lambda::EventSourceMapping").values()
    assert mapping["BatchSize"] <= 10
    assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 8
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_only_what_is_landed_notifies_the_queue(deployed: Deploy) -> None:
    deployment = deployed("none")
    (bucket,) = deployment.of("S3::Bucket").values()
    notifications = bucket["NotificationConfiguration"]
    assert set(notifications) == {"EventBridgeConfiguration", "QueueConfigurations"}
    (notified,) = notifications["QueueConfigurations"]
    assert notified["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "landing/"}]
    rules = {rule.get("Prefix"): rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules[None]["ExpiredObjectDeleteMarker"] is True
    assert "ExpirationInDays" not in rules[None], "S3 refuses both in one rule"
    assert {"landing/", "archive/", "reference/", "state/"} <= set(rules)
    expiring = {prefix for prefix, rule in rules.items() if "ExpirationInDays" in rule}
    assert expiring == {f"landing/{source.name}/" for source in asked().values() if source.retention}


def test_the_schema_is_brought_up_before_anything_fires(deployed: Deploy) -> None:
    resources = deployed("none").resources
    (trigger,) = (name for name, found in resources.items() if found["Type"] == "Custom::Trigger")
    after = {name for name, found in resources.items() if trigger in _listed(found.get("DependsOn", []))}
    firing = ("AWS::Events::Rule", "AWS::Lambda::EventSourceMapping")
    assert {name for name, found in resources.items() if found["Type"] in firing} <= after
    handlers = {resources[name]["Properties"].get("Handler") for name in after}
    assert {f"lambdas.{module}.handler" for module in ("load", "archive", "retain", "freshness")} <= handlers


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_a_given_database_needs_the_pipeline_alone(deployed: Deploy) -> None:
    deployment = deployed("given")
    assert set(deployment.templates) == {"GansPipeline"}
    assert set(deployment.collectors()) == set(asked()) - {"flights", "openweather"}
    (load,) = deployment.functions("load").values()
    assert load["VpcConfig"] == {"SubnetIds": ["subnet-0a1b2c3d", "subnet-1a2b3c4d"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
    variables = load["Environment"]["Variables"]
    assert variables["GANS_DATABASE_URL"] == "mysql+pymysql://db.example.org:3306/gans"
    assert "GANS_DATABASE_CA" not in variables
    (migrate,) = deployment.functions("migrate").values()
    assert migrate["Environment"]["Variables"]["GANS_DATABASE_SECRET"] == "company/gans"
    assert "GANS_ANALYST_SECRET" not in migrate["Environment"]["Variables"]


def test_a_local_aws_runs_in_this_python_and_asks_the_simulator(deployed: Deploy) -> None:
    deployment = deployed("local")
    assert set(deployment.templates) == {"GansPipeline"}
    (load,) = deployment.functions("load").values()
    assert "VpcConfig" not in load
    assert load["Environment"]["Variables"]["GANS_SIMULATOR_URL"] == "http://127.0.0.1:8099", "it marks what is landed"
    for _, function in deployment.collectors().values():
        variables = function["Environment"]["Variables"]
        assert variables["GANS_EVERY_MINUTES"] == "2"
        assert variables["GANS_SIMULATOR_URL"] == "http://127.0.0.1:8099"
        assert function["Runtime"] == f"python3.{sys.version_info.minor}"
    expressions = {rule.get("ScheduleExpression") for rule in deployment.of("Events::Rule").values()}
    assert "cron(0/2 * ? * * *)" in expressions
    (bucket,) = (found for found in deployment.resources.values() if found["Type"] == "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == "Delete"


def test_an_email_hears_of_alarms(deployed: Deploy) -> None:
    (subscription,) = deployed("none").of("SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.org")
    assert not deployed("given").of("SNS::Subscription")


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"platform": "x86"}, "context does not fit"),
        ({"database_port": "none"}, "context does not fit"),
        ({"database_host": "db.example.org"}, "database_secret"),
        ({"access": "public"}, "analyst_cidrs"),
        ({"access": "none", "analyst_cidrs": "203.0.113.0/24"}, "analyst_cidrs"),
        ({"database_host": "db", "database_secret": "s", "database_subnets": "subnet-1"}, "belong together"),
        ({"alarm_email": "ops"}, "no address for e-mail"),
        *(
            (
                {"access": "public", "analyst_cidrs": ["203.0.113.0/24", cidr]},
                f"analyst_cidrs has {cidr}, which lets half the world",
            )
            for cidr in ("0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "2001:db8::/32")
        ),
        ({"access": "public", "analyst_cidrs": "203.0.113.7/24"}, "which is no network: .* has host bits set"),
        ({"without": "wether"}, "wether is no source. Known: .*weather"),
    ],
)
def test_a_wrong_context_is_told_plainly(tmp_path: Path, context: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        new_app(tmp_path, **context)
