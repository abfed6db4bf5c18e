"""What may be replaced at any time: the bucket, the collectors, the queue, the functions behind it, and what watches them."""

from aws_cdk import Annotations, Aws, CfnOutput, Stack
from constructs import Construct

from gans.sources import asked
from infra_cdk.bucket import Bucket
from infra_cdk.collectors import Collector
from infra_cdk.context import Context
from infra_cdk.database import DatabaseAccess, existing_database
from infra_cdk.database_functions import LOAD_TIMEOUT, DatabaseFunctions
from infra_cdk.function import Function
from infra_cdk.monitoring import Monitoring
from infra_cdk.queries import SavedQueries
from infra_cdk.queues import Queues


class Pipeline(Stack):
    """The stack `GansPipeline`."""

    def __init__(self, scope: Construct, name: str, *, database: DatabaseAccess | None, context: Context) -> None:
        """`database`: None for the one that the context describes."""
        super().__init__(scope, name, description="Gans: from the upstreams to the database")
        database = database or existing_database(context)
        sources = [source for source in asked().values() if source.name not in context.without]
        queues = Queues(self, "Queues", load_timeout=LOAD_TIMEOUT)
        bucket = Bucket(self, "Bucket", landed=queues.landed, context=context)
        loading = DatabaseFunctions(self, "Loading", database=database, bucket=bucket, queues=queues, context=context)
        functions = {function.node.id: function for function in loading.functions}
        for source in sources:
            collector = Collector(self, source, bucket=bucket, queues=queues, context=context)
            loading.migrated.execute_before(collector)
            functions[collector.node.id] = collector.function
        watch = Monitoring(self, "Watch", sources=sources, queues=queues, instance=database.instance, context=context)
        CfnOutput(self, "BucketName", value=bucket.bucket_name)
        CfnOutput(self, "LandedQueue", value=queues.landed.queue_url)
        CfnOutput(self, "NotLoadedQueue", value=queues.not_loaded.queue_url)
        CfnOutput(self, "FailuresQueue", value=queues.failures.queue_url)
        for name, login in loading.logins.items():
            CfnOutput(self, f"{name}Secret", value=login.arn)
        self._say_where_to_look(watch, functions, context)

    def _say_where_to_look(self, watch: Monitoring, functions: dict[str, Function], context: Context) -> None:
        CfnOutput(self, "AlarmTopic", value=watch.topic.topic_arn)
        CfnOutput(self, "AlarmsGoTo", value=context.alarm_email or "nobody: set alarm_email")
        if not (context.alarm_email or context.is_local):
            Annotations.of(self).add_warning_v2(
                "gans:nobody-is-told",
                "Alarms reach nobody: no alarm_email is set. Add the address of whoever looks after Gans to the context in "
                "cdk.json, deploy, and confirm the e-mail that comes; or subscribe something else to the output AlarmTopic.",
            )
        console = f"https://{Aws.REGION}.console.aws.amazon.com/cloudwatch/home?region={Aws.REGION}"
        CfnOutput(self, "DashboardUrl", value=f"{console}#dashboards/dashboard/{watch.dashboard.dashboard_name}")
        for name, function in functions.items():
            CfnOutput(self, f"{name}Log", value=function.log_group.log_group_name)
        if not context.is_local:  # a local AWS runs queries, but cannot save them
            SavedQueries(self, "Queries", log_groups=[function.log_group for function in functions.values()])
