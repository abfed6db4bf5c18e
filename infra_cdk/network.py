"""The network: subnets without a way to the internet, and the two services that the functions in them reach."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from aws_cdk import ArnFormat, Aws, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.function import LOG_RETENTION, Attachment, for_this_account

MYSQL_PORT: Final = 3306
MYSQL: Final = ec2.Port.tcp(MYSQL_PORT)
ISOLATED: Final = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
PUBLIC: Final = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)

BUCKET: Final = "ganspipeline-bucket*"
"""The bucket's name, as CloudFormation makes it up when the pipeline is deployed, which is after the network."""


class Network(Construct):
    """A VPC without a NAT gateway.

    Attributes:
        vpc: two zones, as RDS wants them; public subnets only where something has to be reached from outside.
        loader: the security group of the functions that use the database.
        attachment: where these stand.
    """

    def __init__(self, scope: Construct, name: str, *, has_public_subnets: bool) -> None:
        super().__init__(scope, name)
        subnets = [ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24)]
        if has_public_subnets:
            subnets.append(ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24))
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=subnets,
            # It would take a custom resource to empty the default security group, which nothing is in.
            restrict_default_security_group=False,
        )
        refused = logs.LogGroup(self, "RefusedLog", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY)
        role = iam.Role(self, "RefusedLogRole", assumed_by=for_this_account("vpc-flow-logs.amazonaws.com"))
        self.vpc.add_flow_log(
            "Refused",
            traffic_type=ec2.FlowLogTrafficType.REJECT,
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(refused, role),
        )

        self.loader = ec2.SecurityGroup(
            self, "Loader", vpc=self.vpc, description="Functions of Gans that use the database", allow_all_outbound=False
        )
        # S3 answers at public addresses, and the only route to them is its endpoint's.
        self.loader.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.HTTPS, "S3 and Secrets Manager through their endpoints")
        objects = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3, subnets=[ISOLATED])
        objects.add_to_policy(
            _of_this_account(
                ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
                [f"arn:{Aws.PARTITION}:s3:::{BUCKET}{rest}" for rest in ("", "/*")],
                {"aws:ResourceAccount": Aws.ACCOUNT_ID},
            )
        )
        secrets = ec2.SecurityGroup(
            self, "SecretsDoor", vpc=self.vpc, description="Endpoint of Secrets Manager", allow_all_outbound=False
        )
        secrets.add_ingress_rule(self.loader, ec2.Port.HTTPS, "Functions of Gans")
        logins = self.vpc.add_interface_endpoint(
            "Secrets",
            service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
            # One zone, for it is paid by the zone; functions in the other reach it too.
            subnets=ec2.SubnetSelection(subnets=self.vpc.isolated_subnets[:1]),
            security_groups=[secrets],
            open=False,
        )
        own = Stack.of(self).format_arn(
            service="secretsmanager", resource="secret", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        logins.add_to_policy(_of_this_account(["secretsmanager:GetSecretValue"], [own]))
        self.attachment = Attachment([subnet.subnet_id for subnet in self.vpc.isolated_subnets], self.loader.security_group_id)


def _of_this_account(
    actions: Sequence[str], resources: Sequence[str], conditions: Mapping[str, str] = MappingProxyType({})
) -> iam.PolicyStatement:
    """What may pass an endpoint: requests by who belongs to this account."""
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()],
        actions=[*actions],
        resources=[*resources],
        conditions={"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID, **conditions}},
    )
