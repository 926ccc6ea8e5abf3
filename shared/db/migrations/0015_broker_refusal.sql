-- What the broker refused a cart, so that whoever builds its firmware finds the mistake: a row for each thing refused,
-- the newest few of a cart. Only carts that exist have rows: names that strangers make up stand in the log alone.
CREATE TABLE broker_refusal (
    cart_id bigint NOT NULL REFERENCES cart ON DELETE CASCADE,
    act text NOT NULL CONSTRAINT broker_acts_are_known CHECK (act IN ('connect', 'publish', 'retain', 'subscribe', 'packet')),
    reason text NOT NULL CHECK (char_length(reason) <= 64),
    topic text NOT NULL CHECK (char_length(topic) <= 200),
    detail text NOT NULL CHECK (char_length(detail) <= 64),
    times bigint NOT NULL CHECK (times > 0),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (cart_id, act, reason, topic)
);
CREATE INDEX broker_refusal_last_at ON broker_refusal (last_at);
