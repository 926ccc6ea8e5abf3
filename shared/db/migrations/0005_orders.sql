-- Orders: what was bought, with names, prices and tax rates as they were.

CREATE TABLE purchase_order (
    order_id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id       integer NOT NULL REFERENCES store,
    shopper_id     integer REFERENCES shopper,
    cart_id        integer NOT NULL REFERENCES cart,
    session_id     uuid NOT NULL REFERENCES cart_session CONSTRAINT one_order_per_session UNIQUE,
    receipt_number bigint NOT NULL,
    currency       text NOT NULL,
    total_items    integer NOT NULL,
    subtotal_minor bigint NOT NULL,
    total_minor    bigint NOT NULL,
    incomplete     boolean NOT NULL DEFAULT false,
    ordered_at     timestamptz NOT NULL,
    CONSTRAINT receipt_numbers_are_unique_in_a_store UNIQUE (store_id, receipt_number)
);
CREATE INDEX purchase_order_by_shopper ON purchase_order (shopper_id, order_id);

CREATE TABLE order_line (
    order_id         integer NOT NULL REFERENCES purchase_order,
    line             integer NOT NULL,
    product_id       integer REFERENCES product ON DELETE SET NULL,
    product_name     text NOT NULL,
    gtin             text,
    code             text NOT NULL,
    quantity         integer NOT NULL CHECK (quantity >= 1),
    unit_price_minor bigint NOT NULL,
    unit_paid_minor  bigint NOT NULL,
    tax_rate_bp      integer NOT NULL,
    PRIMARY KEY (order_id, line)
);
