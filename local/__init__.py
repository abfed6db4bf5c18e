"""The laptop's door to Gans: the `gans` command, a simulator of the upstreams, local MySQL."""
