"""The queues: what was landed and waits to be loaded, and what failed to the last and waits for a person."""

from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.nag import acknowledge

RETENTION: Final = Duration.days(14)
"""The most that SQS keeps anything."""

RECEIVES: Final = 400
"""One in each visibility time-out: a database may be away for five days, and then a person has the rest of the 14."""


def _queue(scope: Construct, name: str, **rest: object) -> sqs.Queue:
    return sqs.Queue(
        scope,
        name,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=RETENTION,
        **rest,  # type: ignore[arg-type]
    )


class Queues(Construct):
    """All queues of the pipeline, each with dead letters or for them.

    Attributes:
        landed: notifications of S3, for the load function.
        not_loaded: those that could not be loaded in `RECEIVES` tries.
        failures: runs of functions that failed to the last.
        unfired: the same queue, for rules whose firings reached no function.
    """

    def __init__(self, scope: Construct, name: str, *, load_timeout: Duration) -> None:
        """`load_timeout`: that of the function that reads `landed`."""
        super().__init__(scope, name)
        self.not_loaded = _queue(self, "NotLoaded")
        acknowledge(self.not_loaded, "It is where dead letters go", "Serverless-SQSRedrivePolicy")
        self.failures = _queue(self, "Failures")
        acknowledge(self.failures, "It is where dead letters go", "AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy")
        # One statement for all rules: CDK would write one for each, and a queue's policy has room for 20.
        rules = Stack.of(self).format_arn(service="events", resource="rule", resource_name="*")
        self.failures.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"],
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                resources=[self.failures.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": rules}},
            )
        )
        self.unfired = sqs.Queue.from_queue_arn(self, "Unfired", self.failures.queue_arn)
        self.landed = _queue(
            self,
            "Landed",
            visibility_timeout=Duration.seconds(6 * load_timeout.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.not_loaded, max_receive_count=RECEIVES),
        )
