"""The collectors: for every source a function, the rule that fires it, and the one that does when what it reads has changed."""

import re
from datetime import timedelta
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from gans.schedule import every
from gans.source import CollectedSource, Source
from gans.storage.reference import snapshot_key
from gans.storage.watchlist import KEY
from infra_cdk.bucket import Bucket
from infra_cdk.context import Context
from infra_cdk.function import RETRIES, Function, cron
from infra_cdk.packaging import COLLECT
from infra_cdk.queues import Queues
from infra_cdk.secret import may_read_secret

MEMORY_MB: Final = 256
TIMEOUT: Final = Duration.minutes(15)
MAX_AGE: Final = timedelta(hours=1)
"""A run that is so late is left to the next one."""

RESERVED: Final = 5
"""Of a source that is asked every minute: no other function can take its turn, and slow runs do not pile up."""

_IN_WATCHLIST: Final = ("watched_cities", "watched_systems", "watchlist")


def key_secret(source: CollectedSource) -> str:
    """The name of the secret in which the operator keeps the key of `source`; its value is the key as it is."""
    return f"gans/keys/{source.name}"


def reference_keys(source: Source) -> list[str]:
    """The objects that `source` reads; where it is asked, their change fires it."""
    return sorted({KEY if table in _IN_WATCHLIST else snapshot_key(table) for table in source.reads})


class Collector(Construct):
    """A source on AWS. Outside any VPC, since it talks to strangers and to no database."""

    def __init__(self, scope: Construct, source: CollectedSource, *, bucket: Bucket, queues: Queues, context: Context) -> None:
        super().__init__(scope, _camel(source.name))
        schedule = every(minutes=context.every_minutes) if context.every_minutes else source.schedule
        max_age = Duration.seconds(min(schedule.period, MAX_AGE).total_seconds())
        environment = {"GANS_SOURCE": source.name, "GANS_LANDING": f"s3://{bucket.bucket_name}"}
        allows = [
            bucket.may("PutObject", prefixes=(f"landing/{source.name}/",)),
            bucket.may("GetObject", prefixes=("reference/",)),
            bucket.may("GetObject", "PutObject", prefixes=(f"state/{source.name}.json",)),
            bucket.may_list(),
        ]
        if source.secret:
            environment["GANS_KEY_SECRET"] = key_secret(source)
            allows.append(may_read_secret(self, key_secret(source)))
        if context.contact:
            environment["GANS_CONTACT"] = context.contact
        if context.every_minutes:
            environment["GANS_EVERY_MINUTES"] = str(context.every_minutes)
        if context.simulator_url:
            environment["GANS_SIMULATOR_URL"] = context.simulator_url
        self.function = Function(
            self,
            "Function",
            "collect",
            asset=COLLECT,
            context=context,
            description=f"Gans: collects {source.name} from {source.provider}",
            environment=environment,
            allows=allows,
            memory_mb=MEMORY_MB,
            timeout=TIMEOUT,
            max_age=max_age,
            failures=queues.failures,
            reserved=RESERVED if source.schedule.period <= timedelta(minutes=1) else None,
        )
        bucket.acknowledge_prefixes(self.function, f"landing/{source.name}/", "reference/")
        target = targets.LambdaFunction(
            self.function, dead_letter_queue=queues.unfired, max_event_age=max_age, retry_attempts=RETRIES
        )
        events.Rule(
            self,
            "Schedule",
            description=f"Gans: {source.name}, {schedule}",
            schedule=cron(schedule),
            targets=[target],
        )
        events.Rule(
            self,
            "Reference",
            description=f"Gans: {source.name}, when what it reads has changed",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": reference_keys(source)}},
            ),
            targets=[target],
        )


def _camel(name: str) -> str:
    return re.sub(r"(?:^|_)([a-z0-9])", lambda found: found[1].upper(), name)
