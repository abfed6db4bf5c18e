"""One runner for all decisions, a module a step."""
