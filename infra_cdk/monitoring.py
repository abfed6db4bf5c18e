"""What notifies a person: alarms to one topic, and a dashboard."""

from collections.abc import Sequence
from datetime import timedelta
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

from gans.source import Source
from infra_cdk.context import Context
from infra_cdk.queues import Queues

HOUR: Final = Duration.hours(1)
REJECTED_PCT: Final = 10
STORAGE_LEFT_BYTES: Final = 2 * 1024**3
CPU_PCT: Final = 80


def measured(source: Source, name: str, statistic: str, period: Duration) -> cloudwatch.Metric:
    """A metric of the functions, as `lambdas/telemetry.py` emits it."""
    return cloudwatch.Metric(
        namespace="Gans",
        metric_name=name,
        dimensions_map={"service": "gans", "source": source.name},
        statistic=statistic,
        period=period,
    )


class Monitoring(Construct):
    """Alarms and dashboard.

    Attributes:
        topic: where every alarm goes, and its end.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        sources: Sequence[Source],
        queues: Queues,
        instance: rds.IDatabaseInstance | None,
        context: Context,
    ) -> None:
        """`instance`: the database to watch, where it is ours."""
        super().__init__(scope, name)
        # CloudWatch may not use the key that SNS brings.
        key = kms.Key(self, "Key", description="Alarms of Gans", enable_key_rotation=True)
        alarms = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        key.add_to_resource_policy(
            iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey*"], principals=[alarms], resources=["*"])
        )
        self.topic = sns.Topic(self, "Alarms", display_name="Alarms of Gans", master_key=key, enforce_ssl=True)
        self.topic.grant_publish(alarms)
        if context.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(context.alarm_email, dead_letter_queue=queues.failures))
        self._watch_queues(queues)
        for source in sources:
            self._watch_source(source)
        if instance:
            self._watch_database(instance)
        self._draw(sources, queues, instance)

    def _alarm(
        self,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        *,
        is_over: bool = True,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        compared = cloudwatch.ComparisonOperator
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"Gans: {description}",
            metric=metric,
            threshold=threshold,
            comparison_operator=compared.GREATER_THAN_OR_EQUAL_TO_THRESHOLD if is_over else compared.LESS_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))

    def _watch_queues(self, queues: Queues) -> None:
        five = Duration.minutes(5)
        waiting = queues.not_loaded.metric_approximate_number_of_messages_visible(period=five, statistic="Maximum")
        self._alarm("NotLoaded", "batches that could not be loaded wait in the dead letters", waiting, 1)
        failed = queues.failures.metric_approximate_number_of_messages_visible(period=five, statistic="Maximum")
        self._alarm("Failed", "runs of functions failed to the last, and wait in the queue of failures", failed, 1)
        age = queues.landed.metric_approximate_age_of_oldest_message(period=five, statistic="Maximum")
        self._alarm("Waiting", "a landed batch waits for an hour; is the database away?", age, HOUR.to_seconds())

    def _watch_source(self, source: Source) -> None:
        name = source.name
        # Freshness is emitted every hour, whatever happens: silence is an alarm too.
        self._alarm(
            f"Stale-{name}",
            f"{name} has gone stale",
            measured(source, "IsStale", "Maximum", HOUR),
            1,
            periods=3,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            f"Rejects-{name}",
            f"{REJECTED_PCT} % of what {name} told is rejected",
            measured(source, "RejectedPct", "Maximum", HOUR),
            REJECTED_PCT,
        )
        period = max(timedelta(hours=1), min(source.schedule.period, timedelta(days=1)))
        failures = measured(source, "Failures", "Sum", Duration.seconds(period.total_seconds()))
        self._alarm(f"Failures-{name}", f"a run of {name} failed, or a part of it", failures, 1)

    def _watch_database(self, instance: rds.IDatabaseInstance) -> None:
        five = Duration.minutes(5)
        storage = instance.metric_free_storage_space(period=five, statistic="Minimum")
        self._alarm("Storage", "the database runs out of storage", storage, STORAGE_LEFT_BYTES, is_over=False)
        cpu = instance.metric_cpu_utilization(period=five, statistic="Average")
        self._alarm("Cpu", "the database's processor is busy", cpu, CPU_PCT, periods=6)

    def _draw(self, sources: Sequence[Source], queues: Queues, instance: rds.IDatabaseInstance | None) -> None:
        def graph(title: str, name: str, statistic: str) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(
                title=title,
                width=8,
                left=[measured(source, name, statistic, HOUR).with_(label=source.name) for source in sources],
            )

        queue_metrics = [
            queues.landed.metric_approximate_number_of_messages_visible(label="landed"),
            queues.not_loaded.metric_approximate_number_of_messages_visible(label="not loaded"),
            queues.failures.metric_approximate_number_of_messages_visible(label="failures"),
        ]
        widgets: list[cloudwatch.IWidget] = [
            graph("Stale (1) or fresh (0)", "IsStale", "Maximum"),
            graph("Rows written", "RowsWritten", "Sum"),
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
        cloudwatch.Dashboard(self, "Dashboard", widgets=[widgets])
