-- Carts, their sessions, and the log of everything they said.

CREATE TABLE cart (
    cart_id               integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id              integer NOT NULL REFERENCES store,
    secret_hash           bytea NOT NULL CONSTRAINT a_secret_hash_is_sha256 CHECK (length(secret_hash) = 32),
    previous_secret_hash  bytea,
    previous_valid_until  timestamptz,
    credential_changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at            timestamptz,
    -- The delivery frontier: (ack_epoch, ack_seq) ends the unbroken run; `ahead` are known numbers beyond it;
    -- `skipped` are numbers below it that were given up after the gap timeout and may still come.
    ack_epoch             bigint NOT NULL DEFAULT 0,
    ack_seq               bigint NOT NULL DEFAULT 0,
    ahead                 int8multirange NOT NULL DEFAULT '{}',
    skipped               int8multirange NOT NULL DEFAULT '{}',
    gap_since             timestamptz,
    -- Changes made on the phone stand behind the newest known event: (epoch, head seq, sub 1, 2, 3 …).
    head_sub              integer NOT NULL DEFAULT 0,
    has_unclaimed         boolean NOT NULL DEFAULT false,
    last_closed_at        timestamptz,
    -- Events after this key belong to the next session; set when a session closes.
    closed_epoch          bigint NOT NULL DEFAULT 0,
    closed_seq            bigint NOT NULL DEFAULT 0,
    closed_sub            integer NOT NULL DEFAULT 0,
    version               bigint NOT NULL DEFAULT 1,
    published_version     bigint NOT NULL DEFAULT 0,
    pairing_code          text NOT NULL CONSTRAINT a_pairing_code_has_6_digits CHECK (pairing_code ~ '^[0-9]{6}$'),
    pairing_code_since    timestamptz NOT NULL DEFAULT now(),
    created_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_gap_has_a_beginning CHECK ((ahead = '{}') = (gap_since IS NULL)),
    CONSTRAINT an_old_secret_has_an_end CHECK ((previous_secret_hash IS NULL) = (previous_valid_until IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX cart_to_publish ON cart (cart_id) WHERE version > published_version;
CREATE INDEX cart_with_gap ON cart (gap_since) WHERE gap_since IS NOT NULL;
CREATE INDEX cart_by_credential_change ON cart (credential_changed_at);
CREATE INDEX cart_by_store ON cart (store_id);

-- Presence changes often and may be lost; it is kept apart so that it never waits for, nor bloats, the row above.
CREATE TABLE cart_presence (
    cart_id        integer PRIMARY KEY REFERENCES cart ON DELETE CASCADE,
    online         boolean NOT NULL DEFAULT false,
    status_epoch   bigint,
    firmware       text,
    last_seen_at   timestamptz,
    x              double precision,
    y              double precision,
    floor          integer,
    located_at     timestamptz,
    battery_pct    integer,
    rssi_dbm       integer,
    journal_length integer
) WITH (fillfactor = 70);

CREATE TABLE cart_session (
    session_id     uuid PRIMARY KEY,
    cart_id        integer NOT NULL REFERENCES cart,
    store_id       integer NOT NULL REFERENCES store,
    shopper_id     integer REFERENCES shopper,
    status         text NOT NULL DEFAULT 'open'
                   CONSTRAINT session_statuses_are_known
                   CHECK (status IN ('open', 'checked_out', 'released', 'abandoned')),
    incomplete     boolean NOT NULL DEFAULT false,
    -- The session's events are those of its cart after this key.
    after_epoch    bigint NOT NULL,
    after_seq      bigint NOT NULL,
    after_sub      integer NOT NULL,
    next_line      integer NOT NULL DEFAULT 1,
    total_items    integer NOT NULL DEFAULT 0,
    subtotal_minor bigint NOT NULL DEFAULT 0,
    total_minor    bigint NOT NULL DEFAULT 0,
    measured_g     integer,
    opened_at      timestamptz NOT NULL,
    last_event_at  timestamptz NOT NULL,
    closed_at      timestamptz,
    closed_version bigint,
    CONSTRAINT a_closed_session_has_an_end CHECK ((status = 'open') = (closed_at IS NULL)),
    CONSTRAINT totals_are_not_negative CHECK (total_items >= 0 AND subtotal_minor >= 0 AND total_minor >= 0)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX one_open_session_per_cart ON cart_session (cart_id) WHERE status = 'open';
CREATE UNIQUE INDEX one_open_session_per_shopper ON cart_session (shopper_id) WHERE status = 'open';
CREATE INDEX cart_session_by_cart ON cart_session (cart_id, opened_at);
CREATE INDEX cart_session_by_shopper ON cart_session (shopper_id) WHERE shopper_id IS NOT NULL;
-- The publisher asks before each state whether somebody has to be told that his trip ended: a cart has thousands behind it.
CREATE INDEX cart_session_by_closed_version ON cart_session (cart_id, closed_version)
    WHERE shopper_id IS NOT NULL AND closed_version IS NOT NULL;

CREATE TABLE cart_line (
    session_id       uuid NOT NULL REFERENCES cart_session,
    line             integer NOT NULL,
    product_id       integer NOT NULL REFERENCES product,
    code             text NOT NULL,
    quantity         integer NOT NULL CONSTRAINT quantities_never_fall_below_one CHECK (quantity >= 1),
    unit_price_minor bigint NOT NULL,
    unit_paid_minor  bigint NOT NULL,
    unit_weight_g    integer,
    PRIMARY KEY (session_id, line)
) WITH (fillfactor = 70);

-- The log: append-only facts. `verdict`, `reason` and `session_id` are the fold's decision about a fact; a session that
-- is folded again while it is open may decide anew.
CREATE TABLE cart_event (
    cart_id          integer NOT NULL,
    epoch            bigint NOT NULL,
    seq              bigint NOT NULL,
    sub              integer NOT NULL DEFAULT 0,
    source           text NOT NULL CONSTRAINT event_sources_are_known CHECK (source IN ('cart', 'http', 'phone')),
    type             text NOT NULL CONSTRAINT event_types_are_known
                     CHECK (type IN ('scan', 'remove', 'weight', 'help', 'unreadable')),
    session_id       uuid,
    verdict          text NOT NULL CONSTRAINT verdicts_are_known
                     CHECK (verdict IN ('applied', 'refused', 'late', 'quarantined')),
    reason           text,
    product_id       integer,
    code             text,
    quantity         integer,
    unit_price_minor bigint,
    unit_paid_minor  bigint,
    unit_weight_g    integer,
    weight_g         integer,
    total_g          integer,
    device_at        timestamptz,
    ts_suspect       boolean NOT NULL DEFAULT false,
    received_at      timestamptz NOT NULL,
    payload          bytea NOT NULL,
    PRIMARY KEY (cart_id, epoch, seq, sub)
);
CREATE INDEX cart_event_notice ON cart_event (cart_id, epoch, seq) WHERE verdict IN ('refused', 'late');
CREATE INDEX cart_event_by_time ON cart_event USING brin (received_at);

-- What could not be understood or accepted, with the reason and enough bytes to try again.
CREATE TABLE dead_letter (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic          text NOT NULL,
    cart_id        integer,
    epoch          bigint,
    seq            bigint,
    reason         text NOT NULL,
    detail         text NOT NULL DEFAULT '',
    payload        bytea NOT NULL CONSTRAINT dead_letters_are_bounded CHECK (length(payload) <= 8192),
    payload_bytes  integer NOT NULL,
    payload_sha256 bytea NOT NULL,
    occurrences    bigint NOT NULL DEFAULT 1,
    received_at    timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    retried_at     timestamptz,
    outcome        text,
    CONSTRAINT a_dead_letter_is_kept_once UNIQUE (payload_sha256, topic, reason)
);
CREATE INDEX dead_letter_by_cart ON dead_letter (cart_id, received_at);

CREATE TABLE alert (
    alert_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id    integer NOT NULL REFERENCES store,
    cart_id     integer REFERENCES cart,
    session_id  uuid,
    kind        text NOT NULL CONSTRAINT alert_kinds_are_known
                CHECK (kind IN ('help', 'gap', 'late', 'conflict', 'abandoned')),
    detail      text NOT NULL DEFAULT '',
    times       integer NOT NULL DEFAULT 1,
    raised_at   timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    claimed_by  text,
    claimed_at  timestamptz,
    resolved_by text,
    resolved_at timestamptz
);
CREATE UNIQUE INDEX one_open_alert_per_cart_and_kind ON alert (cart_id, kind) WHERE resolved_at IS NULL;

-- How many deliveries changed nothing because their number was known: the log keeps no row for them, and
-- received = applied + refused + late + duplicates + dead letters must still add up.
CREATE TABLE delivery_count (
    worker     text PRIMARY KEY,
    received   bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    forgotten  bigint NOT NULL DEFAULT 0 -- dead letters that were deleted after their keeping time
) WITH (fillfactor = 50);
