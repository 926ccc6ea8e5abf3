-- Time that nobody sets. Ingest advances this clock by its own monotonic time while it runs, so that a clock set wrong,
-- or hours switched off, end no trip, show no new code and delete nothing. Seconds since the first start.
CREATE TABLE running_time (
    the_one   boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_running_time CHECK (the_one),
    running_s double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO running_time DEFAULT VALUES;

CREATE FUNCTION running_s() RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT r.running_s FROM running_time AS r);

-- What was there before counts from now on.
ALTER TABLE cart_session ADD COLUMN last_event_s double precision NOT NULL DEFAULT 0;
ALTER TABLE cart ADD COLUMN pairing_code_s double precision NOT NULL DEFAULT 0;
ALTER TABLE dead_letter ADD COLUMN last_seen_s double precision NOT NULL DEFAULT 0;
ALTER TABLE dead_letter ADD COLUMN received_s double precision NOT NULL DEFAULT 0;
CREATE INDEX dead_letter_by_running_time ON dead_letter (last_seen_s);
DROP INDEX dead_letter_by_cart;
CREATE INDEX dead_letter_by_cart ON dead_letter (coalesce(cart_id, 0), received_s);

-- Dead letters beyond what is kept of one cart in an hour: only their number is left.
ALTER TABLE delivery_count ADD COLUMN unkept bigint NOT NULL DEFAULT 0;

-- A shopper is told of an event that could not be read as well.
DROP INDEX cart_event_notice;
CREATE INDEX cart_event_notice ON cart_event (cart_id, epoch, seq) WHERE verdict IN ('refused', 'late', 'quarantined');
