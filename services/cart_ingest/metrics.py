"""What cart-ingest counts. Labels are stable reasons, never ids."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One registry per process, made in the entry point."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.received = Counter("ingest_received", "Deliveries taken from the inbox", registry=self.registry)
        self.unassured = Counter(
            "ingest_events_at_qos_0", "Events sent without asking for delivery", registry=self.registry
        )
        self.outcomes = Counter("ingest_outcomes", "What deliveries came to", ["outcome"], registry=self.registry)
        self.batch = Histogram(
            "ingest_batch_size",
            "Deliveries in a transaction",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
            registry=self.registry,
        )
        self.commit_s = Histogram("ingest_commit_seconds", "From taking a batch to its commit", registry=self.registry)
        self.inbox = Gauge("ingest_inbox", "Deliveries waiting in memory", registry=self.registry)
        self.overflows = Counter(
            "ingest_overflows", "Times the inbox stayed full and we hung up", registry=self.registry
        )
        self.stale_acks = Counter(
            "ingest_stale_acks_suppressed",
            "Acknowledgements held back because their connection had ended",
            registry=self.registry,
        )
        self.retries = Counter(
            "ingest_transaction_retries", "Transactions run again after a passing fault", registry=self.registry
        )
        self.halvings = Counter("ingest_halvings", "Batches halved to find a poisonous event", registry=self.registry)
        self.resends = Counter("ingest_resend_commands", "Carts asked to send again", registry=self.registry)
        self.published = Counter("ingest_states_published", "States confirmed by the broker", registry=self.registry)
        self.telemetry = Counter("ingest_telemetry", "Telemetry messages heard", ["outcome"], registry=self.registry)
        self.unkept = Counter(
            "ingest_dead_letters_only_counted", "Beyond what is kept of a cart in an hour", registry=self.registry
        )
        self.chores = Counter(
            "ingest_chores", "Rounds of the housekeeper's chores", ["chore", "outcome"], registry=self.registry
        )
        self.chore_s = Histogram(
            "ingest_chore_seconds", "How long a chore took in a round", ["chore"], registry=self.registry
        )
        self.threads = Gauge("ingest_thread_up", "1 while a lasting thread runs", ["thread"], registry=self.registry)
        self.database_up = Gauge("ingest_database_up", "1 while PostgreSQL answers", registry=self.registry)
