"""The second step: from a landed part to rows, rejects and a line in the ledger, and the snapshots that follow."""
