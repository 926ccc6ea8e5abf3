-- A store: its plan, and where its products stand. Metres in the store's plan.

CREATE TABLE store (
    store_id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                text NOT NULL CONSTRAINT store_names_are_unique UNIQUE
                        CONSTRAINT a_store_name_fits_a_topic CHECK (name ~ '^[a-z0-9-]{1,36}$'),
    last_receipt_number bigint NOT NULL DEFAULT 0,
    created_at          timestamptz NOT NULL DEFAULT now()
);

-- Each import of a layout is a version; the highest is in force.
CREATE TABLE store_layout (
    store_id    integer NOT NULL REFERENCES store,
    version     integer NOT NULL,
    document    jsonb NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (store_id, version)
);

CREATE TABLE store_section (
    section_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id   integer NOT NULL REFERENCES store,
    name       text NOT NULL,
    x1         double precision NOT NULL,
    y1         double precision NOT NULL,
    x2         double precision NOT NULL,
    y2         double precision NOT NULL,
    floor      integer NOT NULL,
    CONSTRAINT section_names_are_unique_on_a_floor UNIQUE (store_id, floor, name)
);

CREATE TABLE product_location (
    location_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id    integer NOT NULL REFERENCES store,
    product_id  integer NOT NULL REFERENCES product ON DELETE CASCADE,
    section_id  integer REFERENCES store_section ON DELETE SET NULL,
    floor       integer NOT NULL,
    x           double precision NOT NULL,
    y           double precision NOT NULL,
    aisle_num   text,
    shelf_num   text,
    CONSTRAINT a_product_stands_once_in_a_place UNIQUE (store_id, product_id, floor, x, y)
);

-- What an operator has closed for now: a rectangle of floor, or a connector of the layout by its number.
CREATE TABLE aisle_block (
    block_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id     integer NOT NULL REFERENCES store,
    floor        integer,
    x1           double precision,
    y1           double precision,
    x2           double precision,
    y2           double precision,
    connector    integer,
    note         text,
    blocked_by   text NOT NULL,
    blocked_at   timestamptz NOT NULL DEFAULT now(),
    unblocked_by text,
    unblocked_at timestamptz,
    CONSTRAINT a_block_is_a_rectangle_or_a_connector
        CHECK ((connector IS NULL) = (floor IS NOT NULL AND x1 < x2 AND y1 < y2))
);
CREATE INDEX aisle_block_in_force ON aisle_block (store_id) WHERE unblocked_at IS NULL;
