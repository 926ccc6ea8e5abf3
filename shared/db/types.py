"""The transaction type that store functions take first. Only the edge opens and commits one."""

from psycopg import Connection
from psycopg.rows import TupleRow

Tx = Connection[TupleRow]
