"""The database: engine, transactions, the one upsert, what a row must be, the views, the schema's versions, who may read."""
