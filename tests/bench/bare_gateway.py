"""The yardsticks: FastAPI, a SELECT 1 and an INSERT with its commit, through the same pool, served the same way.

Arguments: a port. The table `bare_row` must be there.
"""

import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from services.gateway.pool import make_pool
from services.gateway.server import server_config

pool = make_pool(os.environ["DATABASE_URL"], 10)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    pool.open(wait=True)
    yield
    pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/")
def one() -> dict[str, int]:
    with pool.connection() as connection:
        row = connection.execute("SELECT 1").fetchone()
    return {"one": row[0] if row else 0}


@app.post("/row")
def row() -> dict[str, int]:
    with pool.connection() as connection, connection.transaction():
        connection.execute("INSERT INTO bare_row (n) VALUES (1)")
    return {"rows": 1}


if __name__ == "__main__":
    uvicorn.Server(server_config(app)).run(sockets=[socket.create_server(("127.0.0.1", int(sys.argv[1])))])
