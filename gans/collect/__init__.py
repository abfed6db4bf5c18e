"""The first step: ask the upstreams, politely, and land what they answer."""
