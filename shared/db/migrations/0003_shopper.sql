-- Shoppers and how they log in. A phone number is never stored in the clear: a keyed hash finds it, a sealed
-- copy shows it to its owner. Erasure deletes the shopper's row and everything that hangs on it.

CREATE TABLE shopper (
    shopper_id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone_hash          bytea CONSTRAINT one_shopper_per_number UNIQUE,
    phone_sealed        bytea,
    user_name           text,
    email               text,
    is_profile_complete boolean NOT NULL DEFAULT false,
    created_at          timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX one_shopper_per_email ON shopper (lower(email));

CREATE TABLE shopper_food_type (
    shopper_id   integer NOT NULL REFERENCES shopper ON DELETE CASCADE,
    food_type_id integer NOT NULL REFERENCES food_type,
    position     smallint NOT NULL, -- the first is the one that older apps know
    PRIMARY KEY (shopper_id, food_type_id)
);

CREATE TABLE shopper_allergen (
    shopper_id  integer NOT NULL REFERENCES shopper ON DELETE CASCADE,
    allergen_id integer NOT NULL REFERENCES allergen,
    position    smallint NOT NULL,
    PRIMARY KEY (shopper_id, allergen_id)
);

CREATE TABLE otp_challenge (
    challenge_id uuid PRIMARY KEY,
    phone_hash   bytea NOT NULL,
    code_hash    bytea NOT NULL,
    sent_at      timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    tries        integer NOT NULL DEFAULT 0,
    used_at      timestamptz,
    address_hash bytea NOT NULL
);
CREATE INDEX otp_challenge_by_phone ON otp_challenge (phone_hash, sent_at);
CREATE INDEX otp_challenge_by_address ON otp_challenge (address_hash, sent_at);

-- Wrong codes in a row for one number, over all its challenges (NIST SP 800-63B, 5.2.2).
CREATE TABLE otp_failure (
    phone_hash bytea PRIMARY KEY,
    failures   integer NOT NULL,
    since      timestamptz NOT NULL
);

CREATE TABLE refresh_token (
    token_hash  bytea PRIMARY KEY,
    family_id   uuid NOT NULL,
    shopper_id  integer NOT NULL REFERENCES shopper ON DELETE CASCADE,
    issued_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    replaced_at timestamptz,
    revoked_at  timestamptz
);
CREATE INDEX refresh_token_by_family ON refresh_token (family_id);
CREATE INDEX refresh_token_by_shopper ON refresh_token (shopper_id);

CREATE TABLE checklist_item (
    checklist_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shopper_id   integer NOT NULL REFERENCES shopper ON DELETE CASCADE,
    product_id   integer NOT NULL REFERENCES product ON DELETE CASCADE,
    quantity     integer NOT NULL CONSTRAINT checklist_quantities_are_positive CHECK (quantity BETWEEN 1 AND 999),
    added_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_product_is_once_on_a_checklist UNIQUE (shopper_id, product_id)
);

-- The first answer to a keyed request, written in the transaction of its effect.
CREATE TABLE idempotency_key (
    shopper_id   integer NOT NULL REFERENCES shopper ON DELETE CASCADE,
    key          text NOT NULL CONSTRAINT idempotency_keys_are_short CHECK (length(key) BETWEEN 1 AND 64),
    route        text NOT NULL,
    request_hash bytea NOT NULL,
    status       integer NOT NULL,
    response     text NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (shopper_id, key)
);

-- Pairing codes under way or found wrong.
CREATE TABLE pairing_try (
    pairing_try_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shopper_id     integer NOT NULL REFERENCES shopper ON DELETE CASCADE,
    cart_id        integer NOT NULL,
    tried_at       timestamptz NOT NULL
);
CREATE INDEX pairing_try_by_shopper ON pairing_try (shopper_id, tried_at);
CREATE INDEX pairing_try_by_cart ON pairing_try (cart_id, tried_at);
