"""The `gans` command."""
