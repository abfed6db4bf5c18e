"""One module per source. A module whose name begins with `_` is shared by several sources and is no source."""
