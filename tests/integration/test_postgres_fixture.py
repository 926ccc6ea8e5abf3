"""What the database fixtures promise to every other test."""

import psycopg

from tests.conftest import TestServer


def test_an_empty_database_answers_and_keeps_checksums(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT current_setting('data_checksums')").fetchone() == ("on",)


def test_a_database_is_dropped_although_a_connection_was_left_open(postgres_server: TestServer) -> None:
    postgres_server.create_database("left_over")
    with psycopg.connect(postgres_server.url("left_over"), autocommit=True):
        postgres_server.drop_database("left_over")
    with psycopg.connect(postgres_server.admin_url) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'left_over'").fetchone()
    assert found is None


def test_urls_of_both_kinds_get_another_database_name() -> None:
    socket = TestServer("postgresql://postgres@/postgres?host=%2Frun")
    assert socket.url("other") == "postgresql://postgres@/other?host=%2Frun"
    network = TestServer("postgresql://me:word@db:5432/postgres")
    assert network.url("other") == "postgresql://me:word@db:5432/other"
    assert TestServer("postgresql://me@db").url("other") == "postgresql://me@db/other"
