"""The functions that know the database: load, migrate, archive, retain, freshness."""

from typing import Final

from aws_cdk import CfnResource, Duration, RemovalPolicy, Stack, triggers
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from gans import jobs
from gans.schedule import Schedule, every
from gans.sources import registry
from gans.storage.watchlist import KEY as WATCHLIST
from infra_cdk import packaging
from infra_cdk.bucket import Bucket
from infra_cdk.collectors import reference_keys
from infra_cdk.context import Context
from infra_cdk.database import NAME, DatabaseAccess
from infra_cdk.function import LOG_RETENTION, RETRIES, Function, cron
from infra_cdk.nag import acknowledge
from infra_cdk.queues import Queues
from infra_cdk.secret import LoginSecret, may_read_secret

MEMORY_MB: Final = 512
ARCHIVE_MEMORY_MB: Final = 1024
"""An hour of Vélib' takes a quarter of it, and 11 MB of the 512 in `/tmp`."""

LANDED: Final = "landing/station_status/"
ARCHIVED: Final = "archive/station_status/"

SNAPSHOTS: Final = tuple(sorted({key for source in registry().values() for key in reference_keys(source)} - {WATCHLIST}))
"""What is published, for the collectors and for `gans import` to read; the watchlist is not: it is people's own."""

ROLES: Final = ("Load", "Archive", "Retain", "Freshness")
"""The functions that connect as a user of their own, who has the rights that `gans.database.roles` gives."""

LOAD_TIMEOUT: Final = Duration.minutes(3)
LOADERS: Final = 4
"""At most so many at once, so that the database is never stormed."""

BATCH: Final = 5
MIGRATE_TIMEOUT: Final = Duration.minutes(15)
MAX_AGE: Final = Duration.hours(1)
FRESHNESS: Final = every(minutes=1)


class DatabaseFunctions(Construct):
    """What stands behind the queue.

    Attributes:
        migrated: runs the migrate function in every deploy that changes it, before the other functions change.
        migrate, load, archive, retain, freshness: the functions.
        functions: all of them.
        logins: the secrets of the users as which they connect, by the names of `ROLES`.
    """

    def __init__(
        self, scope: Construct, name: str, *, database: DatabaseAccess, bucket: Bucket, queues: Queues, context: Context
    ) -> None:
        super().__init__(scope, name)
        self._database, self._bucket, self._queues, self._context = database, bucket, queues, context

        self.logins = {
            name: LoginSecret(
                self,
                f"{name}Login",
                username=f"gans_{name.lower()}",
                description=f"User and password with which the function {name} of Gans connects to the database",
                unrotated="Its function alone reads it, and may do only what that does; to change it, set another value and "
                "run the migrate function",
            )
            for name in ROLES
        }
        users = {f"GANS_{name.upper()}_SECRET": login.arn for name, login in self.logins.items()}
        if database.analyst_secret:
            users["GANS_ANALYST_SECRET"] = database.analyst_secret
        self.migrate = self._function(
            "Migrate",
            "brings the schema to the newest revision, and lets in who may",
            allows=[may_read_secret(self, secret) for secret in users.values()],
            environment=users,
            timeout=MIGRATE_TIMEOUT,
        )
        self.load = self._function(
            "Load",
            "stores what was landed",
            environment={"GANS_SIMULATOR_URL": context.simulator_url} if context.simulator_url else {},
            allows=[
                bucket.may("GetObject", prefixes=("landing/",)),
                bucket.may("GetObject", "PutObject", prefixes=(*SNAPSHOTS, "state/")),
                bucket.may_list(),
            ],
            timeout=LOAD_TIMEOUT,
        )
        bucket.acknowledge_prefixes(self.load, "landing/", "state/")
        self.archive = self._function(
            "Archive",
            "compacts the hours of the stations that are over",
            asset=packaging.ARCHIVE,
            allows=[
                bucket.may("GetObject", prefixes=(LANDED,)),
                bucket.may("PutObject", prefixes=(ARCHIVED,)),
                bucket.may_list(),
            ],
            memory_mb=ARCHIVE_MEMORY_MB,
            timeout=Duration.minutes(15),
        )
        bucket.acknowledge_prefixes(self.archive, LANDED, ARCHIVED)
        self.retain = self._function(
            "Retain",
            "thins old vintages and publishes the references anew",
            allows=[bucket.may("GetObject", "PutObject", prefixes=SNAPSHOTS), bucket.may_list()],
            timeout=Duration.minutes(15),
        )
        self.freshness = self._function(
            "Freshness",
            "tells how fresh every source is",
            allows=[],
            timeout=Duration.minutes(1),
            is_kept=False,
        )
        acknowledge(
            self.freshness,
            "The next minute measures again, and an alarm says where it does not",
            "Serverless-LambdaAsyncFailureDestination",
        )
        self.functions = [self.migrate, self.load, self.archive, self.retain, self.freshness]

        queues.landed.grant_consume_messages(self.load)
        deliveries = lambda_.EventSourceMapping(
            self,
            "Deliveries",
            target=self.load,
            event_source_arn=queues.landed.queue_arn,
            batch_size=BATCH,
            max_concurrency=LOADERS,
            report_batch_item_failures=True,
        )
        acknowledge(deliveries, "It reads a queue, which has dead letters", "Serverless-LambdaEventSourceMappingDestination")
        rules = [
            self._rule("Archiving", jobs.ARCHIVE, self.archive),
            self._rule("Nightly", jobs.RETAIN, self.retain),
            self._rule("Missed", jobs.MISSED, self.load),
            self._rule("Measuring", FRESHNESS, self.freshness),
        ]

        self.migrated = triggers.Trigger(self, "Migrated", handler=self.migrate, timeout=MIGRATE_TIMEOUT)
        # Changed in the meantime, they would meet the old schema; the old ones can live with the new schema.
        self.migrated.execute_before(self.load, deliveries, self.archive, self.retain, self.freshness, *rules)
        self._keep_log_of_trigger()

    def _function(
        self,
        name: str,
        does: str,
        *,
        allows: list[iam.PolicyStatement],
        timeout: Duration,
        asset: packaging.Asset = packaging.LOAD,
        memory_mb: int = MEMORY_MB,
        environment: dict[str, str] | None = None,
        is_kept: bool = True,
    ) -> Function:
        """`is_kept`: whether what failed to the last is tried again, and kept for a person."""
        database = self._database
        secret = self.logins[name].arn if name in self.logins else database.secret
        known = {
            "GANS_LANDING": f"s3://{self._bucket.bucket_name}",
            "GANS_DATABASE_URL": f"mysql+pymysql://{database.host}:{database.port}/{NAME}",
            "GANS_DATABASE_SECRET": secret,
        }
        if database.has_amazon_certificate:
            known["GANS_DATABASE_CA"] = "/var/task/rds-ca.pem"
        return Function(
            self,
            name,
            name.lower(),
            asset=asset,
            context=self._context,
            description=f"Gans: {does}",
            environment=known | (environment or {}),
            allows=[may_read_secret(self, secret), *allows],
            memory_mb=memory_mb,
            timeout=timeout,
            max_age=MAX_AGE,
            failures=self._queues.failures if is_kept else None,
            attachment=database.attachment,
        )

    def _rule(self, name: str, schedule: Schedule, function: Function) -> events.Rule:
        target = targets.LambdaFunction(
            function, dead_letter_queue=self._queues.unfired, max_event_age=MAX_AGE, retry_attempts=RETRIES
        )
        description = f"Gans: {function.node.id.lower()}"
        return events.Rule(self, name, description=description, schedule=cron(schedule), targets=[target])

    def _keep_log_of_trigger(self) -> None:
        """Gives the log of CDK's own function, which runs triggers, its retention: made by Lambda it would stay for ever."""
        provider = Stack.of(self).node.find_child("AWSCDK.TriggerCustomResourceProviderCustomResourceProvider")
        function = provider.node.find_child("Handler")
        assert isinstance(function, CfnResource)
        log_group = logs.LogGroup(
            self,
            "MigratedLog",
            log_group_name=f"/aws/lambda/{function.ref}",
            retention=LOG_RETENTION,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.migrated.node.add_dependency(log_group)
