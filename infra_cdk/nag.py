"""Findings of cdk-nag that are meant to be: each stands on its construct, with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reason: str, *findings: str) -> None:
    """Says that `findings`, like "AwsSolutions-IAM5[Resource::*]", on `construct` and what is in it are meant to be, and why."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=finding, reason=reason) for finding in findings))
