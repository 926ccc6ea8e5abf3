"""What Prometheus may know: counts and times by route template, never by person, cart or address."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("gateway_requests_total", "Requests answered", ("route", "method", "status"))
SECONDS = Histogram(
    "gateway_request_seconds",
    "Time to answer",
    ("route",),
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
IN_FLIGHT = Gauge("gateway_requests_in_flight", "Requests being answered")
AUTH_FAILURES = Counter("gateway_auth_failures_total", "Missing or bad credentials", ("kind",))
CODES = Counter("gateway_one_time_codes_total", "One-time codes by what became of them", ("outcome",))
PAIRING_FAILURES = Counter("gateway_pairing_failures_total", "Wrong or refused pairing codes", ("outcome",))
REFRESH_REUSE = Counter("gateway_refresh_reuse_total", "Old refresh tokens that came back; each ended a login")
REPEATS = Counter("gateway_idempotent_repeats_total", "Keyed requests by what was found", ("outcome",))
ROUNDS_FAILED = Counter("gateway_rounds_failed_total", "Rounds of work beside the requests that failed", ("rounds",))
POOL = Gauge("gateway_pool", "Connections to PostgreSQL", ("what",))
