"""Secrets: the logins of the database's users, and who may read which."""

from aws_cdk import ArnFormat, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra_cdk.nag import acknowledge


class LoginSecret(secretsmanager.Secret):
    """The login of a user of the database, with a password that AWS makes up; the migrate function lets the user in.

    Attributes:
        arn: the secret's. Of AWS it is what `Ref` gives too, but of a local AWS only this.
    """

    def __init__(self, scope: Construct, name: str, *, username: str, description: str, unrotated: str) -> None:
        """`unrotated`: why the password is not changed by itself."""
        super().__init__(
            scope,
            name,
            description=description,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=f'{{"username": "{username}"}}',
                generate_string_key="password",
                exclude_punctuation=True,
                password_length=32,
            ),
        )
        acknowledge(self, unrotated, "AwsSolutions-SMG4")
        resource = self.node.default_child
        assert isinstance(resource, secretsmanager.CfnSecret)
        self.arn = resource.attr_id


def may_read_secret(scope: Construct, secret: str) -> iam.PolicyStatement:
    """To read the secret of that name or ARN, and no other.

    By its name a secret is allowed as its ARN, in which six characters follow the name, and as the name alone: that is how AWS
    asks for one that is not there, and would else say "denied" of it instead of "not found".
    """
    if Token.is_unresolved(secret) or secret.startswith("arn:"):
        resources = [secret]
    else:
        resources = [
            Stack.of(scope).format_arn(
                service="secretsmanager", resource="secret", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
            )
            for name in (secret, f"{secret}-??????")
        ]
    return iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=resources)
