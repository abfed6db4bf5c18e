"""A door for analysts: the smallest instance, without any inbound rule, which only passes on what SSM brings it."""

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra_cdk.nag import acknowledge
from infra_cdk.network import MYSQL, PUBLIC, Network


class Bastion(Construct):
    """Port-forwarding by SSM: whoever may start a session reaches the database, and nobody else.

    Attributes:
        instance: the instance, which the command names.
    """

    def __init__(self, scope: Construct, name: str, *, network: Network, database: ec2.IConnectable) -> None:
        super().__init__(scope, name)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        channels = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"]
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["ssm:UpdateInstanceInformation", *(f"ssmmessages:{channel}" for channel in channels)], resources=["*"]
            )
        )
        acknowledge(role, "These actions of the SSM agent know no resource", "AwsSolutions-IAM5[Resource::*]")
        security_group = ec2.SecurityGroup(self, "Door", vpc=network.vpc, description="Bastion of Gans", allow_all_outbound=False)
        security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.HTTPS, "SSM")
        self.instance = ec2.Instance(
            self,
            "Instance",
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.NANO),
            machine_image=ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64),
            vpc=network.vpc,
            vpc_subnets=PUBLIC,
            security_group=security_group,
            role=role,
            require_imdsv2=True,
            block_devices=[ec2.BlockDevice(device_name="/dev/xvda", volume=ec2.BlockDeviceVolume.ebs(8, encrypted=True))],
        )
        self.instance.connections.allow_to(database, MYSQL, "Analysts through the bastion")
        acknowledge(self.instance, "It holds nothing and may be replaced at any time", "AwsSolutions-EC29")
        acknowledge(self.instance, "It only passes bytes on: figures every five minutes will do", "AwsSolutions-EC28")
