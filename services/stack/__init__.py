"""One machine's whole stack: PostgreSQL, broker, ingest and gateway as supervised child processes."""
