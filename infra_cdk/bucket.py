"""The bucket: `landing/`, `archive/`, `reference/` and `state/`, and who is notified of what is put there."""

from datetime import timedelta

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from gans.sources import registry
from infra_cdk.context import Context
from infra_cdk.nag import acknowledge


class Bucket(s3.Bucket):
    """Private, encrypted, TLS only. A new object under `landing/` goes to the queue; any to EventBridge."""

    def __init__(self, scope: Construct, name: str, *, landed: sqs.Queue, context: Context) -> None:
        """`landed`: the queue that is notified of new objects under `landing/`."""
        super().__init__(
            scope,
            name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,  # the watchlist gives cities their numbers: an overwritten one must come back
            removal_policy=RemovalPolicy.DESTROY if context.is_local else RemovalPolicy.RETAIN,
            lifecycle_rules=[
                # Kept for ever, for a replay. What is seldom read lies cheaper elsewhere; S3 leaves alone what is under 128 KB.
                s3.LifecycleRule(
                    id="landing",
                    prefix="landing/",
                    transitions=[
                        s3.Transition(storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=Duration.days(90))
                    ],
                    noncurrent_version_expiration=Duration.days(30),
                ),
                # S3 looks once a day, so what may be kept for a day can lie there for two, and another as an old version.
                *(
                    s3.LifecycleRule(
                        id=f"landing-{source.name}",
                        prefix=f"landing/{source.name}/",
                        expiration=Duration.days(-(-source.retention // timedelta(days=1))),
                        noncurrent_version_expiration=Duration.days(1),
                    )
                    for source in registry().values()
                    if source.retention
                ),
                # A file is kept for ever too; what an hour was before a late capture is not.
                s3.LifecycleRule(id="archive", prefix="archive/", noncurrent_version_expiration=Duration.days(30)),
                s3.LifecycleRule(id="reference", prefix="reference/", noncurrent_version_expiration=Duration.days(90)),
                s3.LifecycleRule(id="state", prefix="state/", noncurrent_version_expiration=Duration.days(1)),
                # What is deleted leaves a marker behind, which goes once there is no version left under it.
                s3.LifecycleRule(
                    id="leftovers", abort_incomplete_multipart_upload_after=Duration.days(1), expired_object_delete_marker=True
                ),
            ],
        )
        acknowledge(
            self,
            "Only the functions' roles may use it, and what they do stands in their logs and in the ledger",
            "AwsSolutions-S1",
        )
        # S3 tries the queue when it is named, so the permission comes first; it cannot name the bucket, which comes second.
        landed.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"],
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                resources=[landed.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        self.node.add_dependency(landed.node.find_child("Policy"))
        # The higher-level way makes a function that may change any bucket's notifications.
        resource = self.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True),
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=landed.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(
                            rules=[s3.CfnBucket.FilterRuleProperty(name="prefix", value="landing/")]
                        )
                    ),
                )
            ],
        )

    def may(self, *actions: str, prefixes: tuple[str, ...]) -> iam.PolicyStatement:
        """`actions`, like "GetObject", on the objects under `prefixes`; one without a slash at its end is a whole key."""
        return iam.PolicyStatement(
            actions=[f"s3:{action}" for action in actions],
            resources=[self.arn_for_objects(f"{prefix}*" if prefix.endswith("/") else prefix) for prefix in prefixes],
        )

    def may_list(self) -> iam.PolicyStatement:
        """To list what objects there are, and to learn that one is not there: without it S3 says 403 instead of 404.

        A condition on `s3:prefix` would not do: a request for an object has none.
        """
        return iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket_arn])

    def acknowledge_prefixes(self, function: lambda_.IFunction, *prefixes: str) -> None:
        """Says of the wildcards behind `prefixes` in what `function` may do that they are meant to be."""
        stack = Stack.of(self)
        resource = self.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        assert function.role is not None
        arn = f"<{stack.get_logical_id(resource)}.Arn>"
        acknowledge(
            function.role,
            "The objects under one prefix, whose names tell slots and attempts to come",
            *(f"AwsSolutions-IAM5[Resource::{arn}/{prefix}*]" for prefix in prefixes),
        )
