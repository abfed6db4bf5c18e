"""Who may read which secret."""

from aws_cdk import ArnFormat, Stack, Token
from aws_cdk import aws_iam as iam
from constructs import Construct


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
