"""What notifies a person: alarms to one topic, and a dashboard."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from gans.source import CollectedSource
from infra_cdk.context import Context
from infra_cdk.function import for_this_account
from infra_cdk.queues import Queues

RUNBOOK: Final = "docs/runbook.md"
MINUTE: Final = Duration.minutes(1)
FIVE: Final = Duration.minutes(5)
HOUR: Final = Duration.hours(1)
FAILED_PCT: Final = 20
REJECTED_PCT: Final = 10
FAILED_TRIES: Final = 3
WAITING_S: Final = 1800
STORAGE_LEFT_BYTES: Final = 2 * 1024**3
CPU_PCT: Final = 80

BREACHING: Final = cloudwatch.TreatMissingData.BREACHING
IGNORE: Final = cloudwatch.TreatMissingData.IGNORE
NOT_BREACHING: Final = cloudwatch.TreatMissingData.NOT_BREACHING


def measured(name: str, statistic: str, period: Duration, source: CollectedSource | None = None) -> cloudwatch.Metric:
    """A metric of the functions, as `lambdas/telemetry.py` emits it."""
    return cloudwatch.Metric(
        namespace="Gans",
        metric_name=name,
        dimensions_map={"service": "gans"} | ({"source": source.name} if source else {}),
        statistic=statistic,
        period=period,
    )


class Monitoring(Construct):
    """Alarms and dashboard.

    Attributes:
        topic: where every alarm goes, and its end.
        dashboard: all figures of the alarms, and more.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        sources: Sequence[CollectedSource],
        queues: Queues,
        instance: rds.IDatabaseInstance | None,
        context: Context,
    ) -> None:
        """`instance`: the database to watch, where it is ours."""
        super().__init__(scope, name)
        # CloudWatch may not use the key that SNS brings.
        key = kms.Key(self, "Key", description="Alarms of Gans", enable_key_rotation=True)
        alarms = for_this_account("cloudwatch.amazonaws.com")
        key.add_to_resource_policy(
            iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey*"], principals=[alarms], resources=["*"])
        )
        self.topic = sns.Topic(self, "Alarms", display_name="Alarms of Gans", master_key=key, enforce_ssl=True)
        self.topic.grant_publish(alarms)
        if context.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(context.alarm_email, dead_letter_queue=queues.failures))
        self._watch_the_watch()
        for source in sources:
            self._watch_source(source)
        self._watch_queues(queues)
        if instance:
            self._watch_database(instance)
        self.dashboard = self._draw(sources, queues, instance)

    def _alarm(
        self,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        *,
        is_over: bool = True,
        breaching: int = 1,
        of: int = 1,
        missing: cloudwatch.TreatMissingData = NOT_BREACHING,
    ) -> None:
        """An alarm of the kind, and for the source, in `name`: "Stale-weather". The runbook has a section for each kind.

        It begins once `breaching` of the last `of` periods are beyond the threshold, and ends when fewer are: with few of many it
        speaks soon, and then not again while things come and go.
        """
        kind, compared = name.partition("-")[0], cloudwatch.ComparisonOperator
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"Gans: {description}. What to do: {RUNBOOK}#{kind.lower()}",
            metric=metric,
            threshold=threshold,
            comparison_operator=compared.GREATER_THAN_OR_EQUAL_TO_THRESHOLD if is_over else compared.LESS_THAN_THRESHOLD,
            datapoints_to_alarm=breaching,
            evaluation_periods=of,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))

    def _watch_the_watch(self) -> None:
        """Of all alarms this one alone breaches on silence, for those of the sources: an outage is told once."""
        self._alarm(
            "Unmeasured",
            "the database is away, or the function that measures what is fresh does not run",
            measured("IsMeasured", "Maximum", MINUTE),
            1,
            is_over=False,
            breaching=4,
            of=5,
            missing=BREACHING,
        )

    def _watch_source(self, source: CollectedSource) -> None:
        name = source.name
        stale = measured("IsStale", "Maximum", MINUTE, source)
        self._alarm(f"Stale-{name}", f"{name} has gone stale", stale, 1, breaching=2, of=30, missing=IGNORE)
        for kind, metric, least_pct, what in (
            ("Failing", "FailedPct", FAILED_PCT, f"of what {name} asked for failed"),
            ("Rejects", "RejectedPct", REJECTED_PCT, f"of what {name} told is rejected"),
        ):
            share = measured(metric, "Maximum", FIVE, source)
            self._alarm(f"{kind}-{name}", f"{least_pct} % {what}", share, least_pct, of=12, missing=IGNORE)

    def _watch_queues(self, queues: Queues) -> None:
        # SQS leaves a message that was received three times out of the age of the oldest: who receives it has to say so. It comes
        # again after the visibility time-out, so that half an hour without a failure means that nothing fails any more.
        tries = measured("FailedTries", "Maximum", FIVE)
        self._alarm("NotLoading", f"loading a landed part failed {FAILED_TRIES} times or more", tries, FAILED_TRIES, of=6)
        age = queues.landed.metric_approximate_age_of_oldest_message(period=FIVE, statistic="Maximum")
        self._alarm("Waiting", "what was landed waits, and no loader takes it", age, WAITING_S, breaching=3, of=3)
        for kind, queue, what in (
            ("NotLoaded", queues.not_loaded, "parts that could not be loaded for days wait in the dead letters"),
            ("Failed", queues.failures, "runs of functions failed to the last, and wait in the queue of failures"),
        ):
            depth = queue.metric_approximate_number_of_messages_visible(period=FIVE, statistic="Maximum")
            self._alarm(kind, what, depth, 1)

    def _watch_database(self, instance: rds.IDatabaseInstance) -> None:
        storage = instance.metric_free_storage_space(period=FIVE, statistic="Minimum")
        left = f"less than {STORAGE_LEFT_BYTES / 1024**3:.0f} GiB of storage are left to the database"
        self._alarm("Storage", left, storage, STORAGE_LEFT_BYTES, is_over=False)
        cpu = instance.metric_cpu_utilization(period=FIVE, statistic="Average")
        self._alarm("Cpu", f"the database's processor is {CPU_PCT} % busy for half an hour", cpu, CPU_PCT, breaching=6, of=6)

    def _draw(
        self, sources: Sequence[CollectedSource], queues: Queues, instance: rds.IDatabaseInstance | None
    ) -> cloudwatch.Dashboard:
        def graph(title: str, name: str, statistic: str) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(
                title=title,
                width=8,
                left=[measured(name, statistic, HOUR, source).with_(label=source.name) for source in sources],
            )

        queue_metrics = [
            queues.landed.metric_approximate_number_of_messages_visible(label="landed"),
            queues.not_loaded.metric_approximate_number_of_messages_visible(label="not loaded"),
            queues.failures.metric_approximate_number_of_messages_visible(label="failures"),
        ]
        widgets: list[cloudwatch.IWidget] = [
            graph("Stale (1) or fresh (0)", "IsStale", "Maximum"),
            graph("Rows written", "RowsWritten", "Sum"),
            graph("Failed, % of what was asked", "FailedPct", "Maximum"),
            graph("Rejected, % of what was told", "RejectedPct", "Maximum"),
            graph("Requests", "Requests", "Sum"),
            graph("Failures, units", "Failures", "Sum"),
            graph("From answer to row, s, p95", "LagSeconds", "p95"),
            cloudwatch.GraphWidget(title="Queues", width=8, left=queue_metrics),
        ]
        if instance:
            storage, cpu = instance.metric_free_storage_space(), instance.metric_cpu_utilization()
            widgets.append(cloudwatch.GraphWidget(title="Database: processor, %", width=8, left=[cpu]))
            widgets.append(cloudwatch.GraphWidget(title="Database: free storage, bytes", width=8, left=[storage]))
        return cloudwatch.Dashboard(self, "Dashboard", widgets=[widgets])
