"""What must outlive a deploy: the network and the database."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra_cdk.bastion import Bastion
from infra_cdk.context import Context
from infra_cdk.database import Database
from infra_cdk.network import Network


class Foundation(Stack):
    """The stack `GansFoundation`; protected from deletion, as its database is.

    Attributes:
        database: what the pipeline needs to know of the database.
    """

    def __init__(self, scope: Construct, name: str, *, context: Context) -> None:
        super().__init__(scope, name, description="Gans: the network and the database", termination_protection=True)
        network = Network(self, "Network", has_public_subnets=context.access != "none")
        database = Database(self, "Database", network=network, context=context)
        self.database = database.access
        CfnOutput(self, "DatabaseHost", value=database.access.host)
        CfnOutput(self, "DatabaseSecret", value=database.access.secret)
        CfnOutput(self, "AnalystSecret", value=database.access.analyst_secret)
        if context.access == "bastion":
            bastion = Bastion(self, "Bastion", network=network, database=database.instance)
            CfnOutput(self, "BastionId", value=bastion.instance.instance_id)
