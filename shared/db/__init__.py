"""PostgreSQL: migrations, named queries, and typed store functions. SQL is written nowhere else."""
