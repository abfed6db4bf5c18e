"""The article, README.md, and what keeps its figures true. It is read, not installed."""
