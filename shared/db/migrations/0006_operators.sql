-- The store's staff: their logins at /console, and everything they did there. An operator who is removed keeps the
-- row, so that the log of actions keeps its names.

CREATE TABLE operator (
    operator_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL CONSTRAINT operator_names_are_plain CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,39}$'),
    role          text NOT NULL CONSTRAINT operator_roles_are_known CHECK (role IN ('staff', 'manager')),
    password_salt bytea NOT NULL CONSTRAINT a_password_has_16_bytes_of_salt CHECK (length(password_salt) = 16),
    password_hash bytea NOT NULL CONSTRAINT a_password_hash_has_32_bytes CHECK (length(password_hash) = 32),
    created_at    timestamptz NOT NULL,
    removed_at    timestamptz
);
CREATE UNIQUE INDEX one_operator_per_name ON operator (name) WHERE removed_at IS NULL;

CREATE TABLE operator_session (
    token_hash   bytea PRIMARY KEY,
    operator_id  integer NOT NULL REFERENCES operator,
    logged_in_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX operator_session_by_operator ON operator_session (operator_id);

-- Passwords under way or found wrong. Names are what was typed, so only their hash is kept.
CREATE TABLE operator_login_try (
    login_try_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name_hash    bytea NOT NULL,
    address_hash bytea NOT NULL,
    tried_at     timestamptz NOT NULL
);
CREATE INDEX operator_login_try_by_name ON operator_login_try (name_hash, tried_at);
CREATE INDEX operator_login_try_by_address ON operator_login_try (address_hash, tried_at);

CREATE TABLE operator_action (
    action_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id integer NOT NULL REFERENCES operator,
    action      text NOT NULL CONSTRAINT operator_actions_are_known
                CHECK (action IN ('logged_in', 'logged_out', 'claimed_alert', 'resolved_alert', 'retried_dead_letter',
                                  'blocked_aisle', 'unblocked_aisle')),
    subject_id  bigint, -- the number of the alert, dead letter or block
    cart_id     integer,
    detail      text NOT NULL DEFAULT '',
    at          timestamptz NOT NULL
);

-- What the console asks every two seconds.
CREATE INDEX alert_open_in_store ON alert (store_id, raised_at) WHERE resolved_at IS NULL;
-- Whoever asks for the last seconds of the log must not read what no vacuum has summarised yet.
ALTER INDEX cart_event_by_time SET (autosummarize = on);
