"""A Lambda function as all of ours are: its role written out, its logs kept for a while, its failures kept for a person."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from gans.schedule import Schedule
from infra_cdk.context import Context
from infra_cdk.nag import acknowledge
from infra_cdk.packaging import LAMBDA, LOCAL, Asset, package

LOG_RETENTION: Final = logs.RetentionDays.THREE_MONTHS
RETRIES: Final = 2
"""After a minute and after two more: what Lambda does with an asynchronous invocation that failed."""


def cron(schedule: Schedule) -> events.Schedule:
    """`schedule` as EventBridge's cron expression."""
    fields = schedule.cron()
    return events.Schedule.cron(minute=fields["minute"], hour=fields["hour"], week_day=fields["day_of_week"])


def for_this_account(service: str) -> iam.ServicePrincipal:
    """A service of AWS as a principal, where it acts for something of this account."""
    return iam.ServicePrincipal(service, conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}})


class Attachment(NamedTuple):
    """Where in a VPC a function stands, by ids."""

    subnets: Sequence[str]
    security_group: str


class Function(lambda_.Function):
    """The function `lambdas.<module>.handler`."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        module: str,
        *,
        asset: Asset,
        context: Context,
        description: str,
        environment: Mapping[str, str],
        allows: Sequence[iam.PolicyStatement],
        memory_mb: int,
        timeout: Duration,
        max_age: Duration,
        failures: sqs.IQueue | None,
        attachment: Attachment | None = None,
        reserved: int | None = None,
    ) -> None:
        """Makes the function, its role and its log group.

        Args:
            environment: beside what all functions have.
            allows: what its role may do, beside writing its own log and telling `failures`.
            max_age: for how long after its firing an asynchronous run is tried again.
            failures: the queue for what failed to the last; None for what is neither kept nor tried again.
            attachment: None outside any VPC.
            reserved: of the account's concurrent executions, how many are this function's alone, and its most; None for none.
        """
        target = LOCAL if context.is_local else LAMBDA
        # Beside the function, since these are made before it.
        log_group = logs.LogGroup(scope, f"{name}Log", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY)
        role = iam.Role(scope, f"{name}Role", assumed_by=for_this_account("lambda.amazonaws.com"))
        role.add_to_policy(_allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn]))
        for statement in (*allows, *(_interfaces(Stack.of(scope)) if attachment else ())):
            role.add_to_policy(statement)
        super().__init__(
            scope,
            name,
            handler=f"lambdas.{module}.handler",
            description=description,
            code=lambda_.Code.from_asset(str(package(asset, target))),
            runtime=lambda_.Runtime(f"python{target.python}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.X86_64 if target.machine == "x86_64" else lambda_.Architecture.ARM_64,
            memory_size=memory_mb,
            timeout=timeout,
            environment={
                "POWERTOOLS_LOG_LEVEL": "INFO",
                "POWERTOOLS_METRICS_NAMESPACE": "Gans",
                "POWERTOOLS_SERVICE_NAME": "gans",
                **environment,
            },
            role=role,
            log_group=log_group,
            on_failure=destinations.SqsDestination(failures) if failures else None,
            retry_attempts=RETRIES if failures else 0,
            max_event_age=max_age,
            reserved_concurrent_executions=reserved,
        )
        if attachment:
            resource = self.node.default_child
            assert isinstance(resource, lambda_.CfnFunction)
            resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=[*attachment.subnets], security_group_ids=[attachment.security_group]
            )
        acknowledge(
            self,
            "The ledger, and log lines with the run's source and slot, tell the way of every batch",
            "Serverless-LambdaTracing",
        )
        acknowledge(
            self,
            "Runs that failed to the last go to the destination on failure, which also keeps the error",
            "Serverless-LambdaDLQ",
        )
        acknowledge(
            self,
            "The wheels and the bytecode are those of this Python, which AWS supports until 2029",
            "AwsSolutions-L1",
            "Serverless-LambdaLatestVersion",
        )
        if attachment:
            acknowledge(
                role,
                "Lambda makes the function's network interfaces in the role's name: their ids are not known before, and "
                "describing them knows no resource",
                "AwsSolutions-IAM5[Resource::*]",
                "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:*/*]",
            )


def _allow(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[*actions], resources=[*resources])


def _interfaces(stack: Stack) -> list[iam.PolicyStatement]:
    """What a function in a VPC needs, as narrow as https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html has it."""
    changes = ["CreateNetworkInterface", "DeleteNetworkInterface", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"]
    anything = stack.format_arn(service="ec2", resource="*", resource_name="*")
    return [
        _allow([f"ec2:{change}" for change in changes], [anything]),
        _allow(["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], ["*"]),
    ]
