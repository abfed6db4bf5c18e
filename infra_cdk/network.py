"""The network: subnets without a way to the internet, and the two services that the functions in them reach."""

from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.function import LOG_RETENTION, Attachment

MYSQL_PORT: Final = 3306
MYSQL: Final = ec2.Port.tcp(MYSQL_PORT)
ISOLATED: Final = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
PUBLIC: Final = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)


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
        role = iam.Role(self, "RefusedLogRole", assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"))
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
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3, subnets=[ISOLATED])
        secrets = ec2.SecurityGroup(
            self, "SecretsDoor", vpc=self.vpc, description="Endpoint of Secrets Manager", allow_all_outbound=False
        )
        secrets.add_ingress_rule(self.loader, ec2.Port.HTTPS, "Functions of Gans")
        self.vpc.add_interface_endpoint(
            "Secrets",
            service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
            # One zone, for it is paid by the zone; functions in the other reach it too.
            subnets=ec2.SubnetSelection(subnets=self.vpc.isolated_subnets[:1]),
            security_groups=[secrets],
            open=False,
        )
        self.attachment = Attachment([subnet.subnet_id for subnet in self.vpc.isolated_subnets], self.loader.security_group_id)
