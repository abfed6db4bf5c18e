"""The servers that run on this machine: MySQL, the local AWS and what is deployed to it, the dashboard."""
