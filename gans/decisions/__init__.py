"""The decisions: one module or package each, pure, rows in and answers out."""
