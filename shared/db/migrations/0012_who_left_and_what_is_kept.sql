-- Goods that leave without being paid call staff, and the weight check's verdict stays with the order.
ALTER TABLE alert DROP CONSTRAINT alert_kinds_are_known;
ALTER TABLE alert ADD CONSTRAINT alert_kinds_are_known
    CHECK (kind IN ('help', 'gap', 'late', 'conflict', 'abandoned', 'too_heavy'));
ALTER TABLE purchase_order ADD COLUMN weight_verdict text NOT NULL DEFAULT 'unknown'
    CONSTRAINT weight_verdicts_are_known CHECK (weight_verdict IN ('unknown', 'match', 'too_heavy', 'too_light'));
ALTER TABLE purchase_order ADD COLUMN expected_g integer;
ALTER TABLE purchase_order ADD COLUMN measured_g integer;

-- Answers are kept sealed (first byte 1). Of those in the clear only the ones about a person go: repeating a change of
-- the profile is the same change. The others (first byte 0) live a day longer, so that no repeat across the upgrade acts
-- twice.
DELETE FROM idempotency_key WHERE route ~ '/(profile|create_profile|complete_profile)$';
ALTER TABLE idempotency_key ALTER COLUMN response TYPE bytea USING '\x00'::bytea || convert_to(response, 'UTF8');

-- The newest code is the one that was drawn last, whatever the clock said; its life is also counted in running time.
ALTER TABLE otp_challenge ADD COLUMN challenge_number bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE otp_challenge ADD COLUMN sent_s double precision NOT NULL DEFAULT running_s();
CREATE INDEX otp_challenge_newest ON otp_challenge (phone_hash, challenge_number);

-- The next token of a login, sealed under the one that it replaced: an answer that got lost can be given again.
ALTER TABLE refresh_token ADD COLUMN successor_sealed bytea;

-- Logins that have ended while access and MQTT tokens of theirs may live on: gateways and the embedded broker read all
-- of it once a second. Without a family it is every login of a shopper, who is gone: numbers are never given twice.
CREATE TABLE ended_login (
    shopper_id integer NOT NULL,
    family_id  uuid,
    ended_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_login_ends_once UNIQUE NULLS NOT DISTINCT (shopper_id, family_id)
);
