"""The web pages: the shopper's page at /app/, the files they share at /shell/, and the plan they draw."""
