"""What may be replaced at any time: the bucket, the collectors, the queue, the functions behind it, and what watches them."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from gans.sources import registry
from infra_cdk.bucket import Bucket
from infra_cdk.collectors import Collector
from infra_cdk.context import Context
from infra_cdk.database import DatabaseAccess, existing_database
from infra_cdk.database_functions import LOAD_TIMEOUT, DatabaseFunctions
from infra_cdk.monitoring import Monitoring
from infra_cdk.queues import Queues


class Pipeline(Stack):
    """The stack `GansPipeline`."""

    def __init__(self, scope: Construct, name: str, *, database: DatabaseAccess | None, context: Context) -> None:
        """`database`: None for the one that the context describes."""
        super().__init__(scope, name, description="Gans: from the upstreams to the database")
        database = database or existing_database(context)
        sources = [source for source in registry().values() if source.name not in context.without]
        queues = Queues(self, "Queues", load_timeout=LOAD_TIMEOUT)
        bucket = Bucket(self, "Bucket", landed=queues.landed, context=context)
        loading = DatabaseFunctions(self, "Loading", database=database, bucket=bucket, queues=queues, context=context)
        for source in sources:
            collector = Collector(self, source, bucket=bucket, queues=queues, context=context)
            loading.migrated.execute_before(collector)
        watch = Monitoring(self, "Watch", sources=sources, queues=queues, instance=database.instance, context=context)
        CfnOutput(self, "BucketName", value=bucket.bucket_name)
        CfnOutput(self, "LandedQueue", value=queues.landed.queue_url)
        CfnOutput(self, "NotLoadedQueue", value=queues.not_loaded.queue_url)
        CfnOutput(self, "FailuresQueue", value=queues.failures.queue_url)
        CfnOutput(self, "AlarmTopic", value=watch.topic.topic_arn)
