"""The database: MySQL on RDS, or one that is there already."""

from typing import Final

import msgspec
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from constructs import Construct

from infra_cdk.context import Context
from infra_cdk.function import Attachment
from infra_cdk.nag import acknowledge
from infra_cdk.network import ISOLATED, MYSQL, MYSQL_PORT, PUBLIC, Network
from infra_cdk.secret import LoginSecret

NAME: Final = "gans"
STORAGE_GIB: Final = 20
"""The least of gp3; RDS adds more when it runs short."""


class DatabaseAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What the functions need to know of a database.

    Attributes:
        secret: name or ARN of the secret of the user who makes tables and users: the migrate function alone connects as it.
        analyst_secret: that of the user for analysts; "" for none.
        has_amazon_certificate: whether an authority of Amazon RDS signed its certificate.
        attachment: where the functions stand to reach it.
        instance: where it is ours, the instance to watch.
    """

    host: str
    port: int
    secret: str
    analyst_secret: str
    has_amazon_certificate: bool
    attachment: Attachment | None
    instance: rds.IDatabaseInstance | None = None


class Database(Construct):
    """MySQL 8.4, the long-term release, on the smallest Graviton instance.

    Attributes:
        instance: the instance.
        access: what the functions need to know.
    """

    def __init__(self, scope: Construct, name: str, *, network: Network, context: Context) -> None:
        super().__init__(scope, name)
        is_public = context.access == "public"
        security_group = ec2.SecurityGroup(
            self, "Door", vpc=network.vpc, description="Database of Gans", allow_all_outbound=False
        )
        security_group.add_ingress_rule(network.loader, MYSQL, "Functions of Gans")
        network.loader.add_egress_rule(security_group, MYSQL, "Database of Gans")
        for cidr in context.analyst_cidrs:
            security_group.add_ingress_rule(ec2.Peer.ipv4(cidr), MYSQL, "Analysts")
        engine = rds.DatabaseInstanceEngine.mysql(version=rds.MysqlEngineVersion.VER_8_4_10)
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
            database_name=NAME,
            # RDS makes the password, keeps it in a secret and changes it every week by itself: no function has to.
            credentials=rds.Credentials.from_username("gans"),
            manage_master_user_password=True,
            parameters={"require_secure_transport": "ON"},
            vpc=network.vpc,
            vpc_subnets=PUBLIC if is_public else ISOLATED,
            publicly_accessible=is_public,
            security_groups=[security_group],
            storage_type=rds.StorageType.GP3,
            allocated_storage=STORAGE_GIB,
            max_allocated_storage=10 * STORAGE_GIB,
            storage_encrypted=True,
            multi_az=False,
            backup_retention=Duration.days(14),
            delete_automated_backups=False,
            copy_tags_to_snapshot=True,
            preferred_backup_window="00:30-01:00",
            preferred_maintenance_window="sun:01:15-sun:01:45",
            auto_minor_version_upgrade=True,
            deletion_protection=True,
            removal_policy=RemovalPolicy.SNAPSHOT,
        )
        acknowledge(
            self.instance,
            "A second zone doubles the price; while the database is away the queue keeps every batch",
            "AwsSolutions-RDS3",
        )
        acknowledge(
            self.instance, "Analysts' clients expect MySQL's own port, and another one would hide nothing", "AwsSolutions-RDS11"
        )
        if is_public:
            acknowledge(
                self.instance, "The context asks for it: TLS only, from `analyst_cidrs` alone", "CloudFormation-Validate::W9011"
            )
        self.analyst_secret = LoginSecret(
            self,
            "Analyst",
            username="analyst",
            description="User and password with which analysts read the database of Gans",
            unrotated="People keep it in their clients, and it only reads; to change it, set another value and run the migrate "
            "function",
        )
        secret = self.instance.secret
        assert secret is not None
        self.access = DatabaseAccess(
            host=self.instance.db_instance_endpoint_address,
            port=MYSQL_PORT,
            secret=secret.secret_arn,
            analyst_secret=self.analyst_secret.secret_arn,
            has_amazon_certificate=True,
            attachment=network.attachment,
            instance=self.instance,
        )


def existing_database(context: Context) -> DatabaseAccess:
    """The database that the context describes."""
    attachment = context.database_subnets and Attachment(context.database_subnets, context.database_security_group)
    return DatabaseAccess(
        host=context.database_host,
        port=context.database_port,
        secret=context.database_secret,
        analyst_secret=context.analyst_secret,
        has_amazon_certificate=context.database_host.endswith(".rds.amazonaws.com"),
        attachment=attachment or None,
    )
