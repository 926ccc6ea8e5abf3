SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.change_version_of_names() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE catalogue_version SET names = gen_random_uuid();
    RETURN NULL;
END
$$;
CREATE FUNCTION public.change_version_of_renamed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM before JOIN after USING (product_id) WHERE before.search_text <> after.search_text) THEN
        UPDATE catalogue_version SET names = gen_random_uuid();
    END IF;
    RETURN NULL;
END
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.aisle_block (
    block_id integer NOT NULL,
    store_id integer NOT NULL,
    floor integer,
    x1 double precision,
    y1 double precision,
    x2 double precision,
    y2 double precision,
    connector integer,
    note text,
    blocked_by text NOT NULL,
    blocked_at timestamp with time zone DEFAULT now() NOT NULL,
    unblocked_by text,
    unblocked_at timestamp with time zone,
    CONSTRAINT a_block_is_a_rectangle_or_a_connector CHECK (((connector IS NULL) = ((floor IS NOT NULL) AND (x1 < x2) AND (y1 < y2))))
);
ALTER TABLE public.aisle_block ALTER COLUMN block_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.aisle_block_block_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.alert (
    alert_id bigint NOT NULL,
    store_id integer NOT NULL,
    cart_id integer,
    session_id uuid,
    kind text NOT NULL,
    detail text DEFAULT ''::text NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    claimed_by text,
    claimed_at timestamp with time zone,
    resolved_by text,
    resolved_at timestamp with time zone,
    CONSTRAINT alert_kinds_are_known CHECK ((kind = ANY (ARRAY['help'::text, 'gap'::text, 'late'::text, 'conflict'::text, 'abandoned'::text])))
);
ALTER TABLE public.alert ALTER COLUMN alert_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_alert_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.allergen (
    allergen_id integer NOT NULL,
    code text NOT NULL,
    name text NOT NULL
);
ALTER TABLE public.allergen ALTER COLUMN allergen_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.allergen_allergen_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.cart (
    cart_id integer NOT NULL,
    store_id integer NOT NULL,
    secret_hash bytea NOT NULL,
    previous_secret_hash bytea,
    previous_valid_until timestamp with time zone,
    credential_changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    revoked_at timestamp with time zone,
    ack_epoch bigint DEFAULT 0 NOT NULL,
    ack_seq bigint DEFAULT 0 NOT NULL,
    ahead int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    skipped int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    gap_since timestamp with time zone,
    head_sub integer DEFAULT 0 NOT NULL,
    has_unclaimed boolean DEFAULT false NOT NULL,
    last_closed_at timestamp with time zone,
    closed_epoch bigint DEFAULT 0 NOT NULL,
    closed_seq bigint DEFAULT 0 NOT NULL,
    closed_sub integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    published_version bigint DEFAULT 0 NOT NULL,
    pairing_code text NOT NULL,
    pairing_code_since timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT a_gap_has_a_beginning CHECK (((ahead = '{}'::int8multirange) = (gap_since IS NULL))),
    CONSTRAINT a_pairing_code_has_6_digits CHECK ((pairing_code ~ '^[0-9]{6}$'::text)),
    CONSTRAINT a_secret_hash_is_sha256 CHECK ((length(secret_hash) = 32)),
    CONSTRAINT an_old_secret_has_an_end CHECK (((previous_secret_hash IS NULL) = (previous_valid_until IS NULL)))
)
WITH (fillfactor='70');
ALTER TABLE public.cart ALTER COLUMN cart_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.cart_cart_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.cart_event (
    cart_id integer NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    sub integer DEFAULT 0 NOT NULL,
    source text NOT NULL,
    type text NOT NULL,
    session_id uuid,
    verdict text NOT NULL,
    reason text,
    product_id integer,
    code text,
    quantity integer,
    unit_price_minor bigint,
    unit_paid_minor bigint,
    unit_weight_g integer,
    weight_g integer,
    total_g integer,
    device_at timestamp with time zone,
    ts_suspect boolean DEFAULT false NOT NULL,
    received_at timestamp with time zone NOT NULL,
    payload bytea NOT NULL,
    CONSTRAINT event_sources_are_known CHECK ((source = ANY (ARRAY['cart'::text, 'http'::text, 'phone'::text]))),
    CONSTRAINT event_types_are_known CHECK ((type = ANY (ARRAY['scan'::text, 'remove'::text, 'weight'::text, 'help'::text, 'unreadable'::text]))),
    CONSTRAINT verdicts_are_known CHECK ((verdict = ANY (ARRAY['applied'::text, 'refused'::text, 'late'::text, 'quarantined'::text])))
);
CREATE TABLE public.cart_line (
    session_id uuid NOT NULL,
    line integer NOT NULL,
    product_id integer NOT NULL,
    code text NOT NULL,
    quantity integer NOT NULL,
    unit_price_minor bigint NOT NULL,
    unit_paid_minor bigint NOT NULL,
    unit_weight_g integer,
    CONSTRAINT quantities_never_fall_below_one CHECK ((quantity >= 1))
)
WITH (fillfactor='70');
CREATE TABLE public.cart_presence (
    cart_id integer NOT NULL,
    online boolean DEFAULT false NOT NULL,
    status_epoch bigint,
    firmware text,
    last_seen_at timestamp with time zone,
    x double precision,
    y double precision,
    floor integer,
    located_at timestamp with time zone,
    battery_pct integer,
    rssi_dbm integer,
    journal_length integer
)
WITH (fillfactor='70');
CREATE TABLE public.cart_session (
    session_id uuid NOT NULL,
    cart_id integer NOT NULL,
    store_id integer NOT NULL,
    shopper_id integer,
    status text DEFAULT 'open'::text NOT NULL,
    incomplete boolean DEFAULT false NOT NULL,
    after_epoch bigint NOT NULL,
    after_seq bigint NOT NULL,
    after_sub integer NOT NULL,
    next_line integer DEFAULT 1 NOT NULL,
    total_items integer DEFAULT 0 NOT NULL,
    subtotal_minor bigint DEFAULT 0 NOT NULL,
    total_minor bigint DEFAULT 0 NOT NULL,
    measured_g integer,
    opened_at timestamp with time zone NOT NULL,
    last_event_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    closed_version bigint,
    CONSTRAINT a_closed_session_has_an_end CHECK (((status = 'open'::text) = (closed_at IS NULL))),
    CONSTRAINT session_statuses_are_known CHECK ((status = ANY (ARRAY['open'::text, 'checked_out'::text, 'released'::text, 'abandoned'::text]))),
    CONSTRAINT totals_are_not_negative CHECK (((total_items >= 0) AND (subtotal_minor >= 0) AND (total_minor >= 0)))
)
WITH (fillfactor='70');
CREATE TABLE public.catalogue_version (
    only_row boolean DEFAULT true NOT NULL,
    names uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT there_is_one_catalogue CHECK (only_row)
)
WITH (fillfactor='50');
CREATE TABLE public.category (
    category_id integer NOT NULL,
    name text NOT NULL
);
ALTER TABLE public.category ALTER COLUMN category_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.category_category_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.checklist_item (
    checklist_id integer NOT NULL,
    shopper_id integer NOT NULL,
    product_id integer NOT NULL,
    quantity integer NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT checklist_quantities_are_positive CHECK (((quantity >= 1) AND (quantity <= 999)))
);
ALTER TABLE public.checklist_item ALTER COLUMN checklist_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.checklist_item_checklist_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.dead_letter (
    dead_letter_id bigint NOT NULL,
    topic text NOT NULL,
    cart_id integer,
    epoch bigint,
    seq bigint,
    reason text NOT NULL,
    detail text DEFAULT ''::text NOT NULL,
    payload bytea NOT NULL,
    payload_bytes integer NOT NULL,
    payload_sha256 bytea NOT NULL,
    occurrences bigint DEFAULT 1 NOT NULL,
    received_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    retried_at timestamp with time zone,
    outcome text,
    CONSTRAINT dead_letters_are_bounded CHECK ((length(payload) <= 8192))
);
ALTER TABLE public.dead_letter ALTER COLUMN dead_letter_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dead_letter_dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.delivery_count (
    worker text NOT NULL,
    received bigint DEFAULT 0 NOT NULL,
    duplicates bigint DEFAULT 0 NOT NULL,
    forgotten bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE public.food_type (
    food_type_id integer NOT NULL,
    name text NOT NULL
);
ALTER TABLE public.food_type ALTER COLUMN food_type_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.food_type_food_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.idempotency_key (
    shopper_id integer NOT NULL,
    key text NOT NULL,
    route text NOT NULL,
    request_hash bytea NOT NULL,
    status integer NOT NULL,
    response text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_are_short CHECK (((length(key) >= 1) AND (length(key) <= 64)))
);
CREATE TABLE public.operator (
    operator_id integer NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_salt bytea NOT NULL,
    password_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT a_password_has_16_bytes_of_salt CHECK ((length(password_salt) = 16)),
    CONSTRAINT a_password_hash_has_32_bytes CHECK ((length(password_hash) = 32)),
    CONSTRAINT operator_names_are_plain CHECK ((name ~ '^[a-z0-9][a-z0-9._-]{0,39}$'::text)),
    CONSTRAINT operator_roles_are_known CHECK ((role = ANY (ARRAY['staff'::text, 'manager'::text])))
);
CREATE TABLE public.operator_action (
    action_id bigint NOT NULL,
    operator_id integer NOT NULL,
    action text NOT NULL,
    subject_id bigint,
    cart_id integer,
    detail text DEFAULT ''::text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT operator_actions_are_known CHECK ((action = ANY (ARRAY['logged_in'::text, 'logged_out'::text, 'claimed_alert'::text, 'resolved_alert'::text, 'retried_dead_letter'::text, 'blocked_aisle'::text, 'unblocked_aisle'::text])))
);
ALTER TABLE public.operator_action ALTER COLUMN action_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.operator_action_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.operator_login_try (
    login_try_id bigint NOT NULL,
    name_hash bytea NOT NULL,
    address_hash bytea NOT NULL,
    tried_at timestamp with time zone NOT NULL
);
ALTER TABLE public.operator_login_try ALTER COLUMN login_try_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.operator_login_try_login_try_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.operator ALTER COLUMN operator_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.operator_operator_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.operator_session (
    token_hash bytea NOT NULL,
    operator_id integer NOT NULL,
    logged_in_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.order_line (
    order_id integer NOT NULL,
    line integer NOT NULL,
    product_id integer,
    product_name text NOT NULL,
    gtin text,
    code text NOT NULL,
    quantity integer NOT NULL,
    unit_price_minor bigint NOT NULL,
    unit_paid_minor bigint NOT NULL,
    tax_rate_bp integer NOT NULL,
    CONSTRAINT order_line_quantity_check CHECK ((quantity >= 1))
);
CREATE TABLE public.otp_challenge (
    challenge_id uuid NOT NULL,
    phone_hash bytea NOT NULL,
    code_hash bytea NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    used_at timestamp with time zone,
    address_hash bytea NOT NULL
);
CREATE TABLE public.otp_failure (
    phone_hash bytea NOT NULL,
    failures integer NOT NULL,
    since timestamp with time zone NOT NULL
);
CREATE TABLE public.pairing_try (
    pairing_try_id bigint NOT NULL,
    shopper_id integer NOT NULL,
    cart_id integer NOT NULL,
    tried_at timestamp with time zone NOT NULL
);
ALTER TABLE public.pairing_try ALTER COLUMN pairing_try_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.pairing_try_pairing_try_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.product (
    product_id integer NOT NULL,
    gtin text,
    barcode text NOT NULL,
    name text NOT NULL,
    brand text,
    quantity_text text,
    price_minor bigint NOT NULL,
    discounted_price_minor bigint,
    price_is_estimated boolean DEFAULT false NOT NULL,
    tax_rate_bp integer DEFAULT 700 NOT NULL,
    offer_name text,
    weight_g integer,
    expiry date,
    category_id integer,
    image text,
    allergens_are_known boolean DEFAULT false NOT NULL,
    search_text text DEFAULT ''::text NOT NULL,
    search_trigrams text[] DEFAULT '{}'::text[] NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT a_discount_lowers_the_price CHECK (((discounted_price_minor >= 0) AND (discounted_price_minor <= price_minor))),
    CONSTRAINT a_gtin_has_14_digits CHECK ((gtin ~ '^[0-9]{14}$'::text)),
    CONSTRAINT a_product_has_a_name CHECK ((name <> ''::text)),
    CONSTRAINT prices_are_not_negative CHECK ((price_minor >= 0)),
    CONSTRAINT tax_rates_are_basis_points CHECK (((tax_rate_bp >= 0) AND (tax_rate_bp <= 10000))),
    CONSTRAINT weights_are_positive CHECK ((weight_g > 0))
);
CREATE TABLE public.product_allergen (
    product_id integer NOT NULL,
    allergen_id integer NOT NULL,
    traces_only boolean DEFAULT false NOT NULL
);
CREATE TABLE public.product_code (
    code text NOT NULL,
    product_id integer NOT NULL
);
CREATE TABLE public.product_food_type (
    product_id integer NOT NULL,
    food_type_id integer NOT NULL
);
CREATE TABLE public.product_location (
    location_id integer NOT NULL,
    store_id integer NOT NULL,
    product_id integer NOT NULL,
    section_id integer,
    floor integer NOT NULL,
    x double precision NOT NULL,
    y double precision NOT NULL,
    aisle_num text,
    shelf_num text
);
ALTER TABLE public.product_location ALTER COLUMN location_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.product_location_location_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.product ALTER COLUMN product_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.product_product_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.purchase_order (
    order_id integer NOT NULL,
    store_id integer NOT NULL,
    shopper_id integer,
    cart_id integer NOT NULL,
    session_id uuid NOT NULL,
    receipt_number bigint NOT NULL,
    currency text NOT NULL,
    total_items integer NOT NULL,
    subtotal_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    incomplete boolean DEFAULT false NOT NULL,
    ordered_at timestamp with time zone NOT NULL
);
ALTER TABLE public.purchase_order ALTER COLUMN order_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.purchase_order_order_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.recipe (
    recipe_id integer NOT NULL,
    name text NOT NULL
);
CREATE TABLE public.recipe_product (
    recipe_id integer NOT NULL,
    product_id integer NOT NULL,
    quantity integer DEFAULT 1 NOT NULL,
    CONSTRAINT recipe_product_quantity_check CHECK ((quantity > 0))
);
ALTER TABLE public.recipe ALTER COLUMN recipe_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.recipe_recipe_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.refresh_token (
    token_hash bytea NOT NULL,
    family_id uuid NOT NULL,
    shopper_id integer NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone,
    revoked_at timestamp with time zone
);
CREATE TABLE public.schema_migration (
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.shopper (
    shopper_id integer NOT NULL,
    phone_hash bytea,
    phone_sealed bytea,
    user_name text,
    email text,
    is_profile_complete boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.shopper_allergen (
    shopper_id integer NOT NULL,
    allergen_id integer NOT NULL,
    "position" smallint NOT NULL
);
CREATE TABLE public.shopper_food_type (
    shopper_id integer NOT NULL,
    food_type_id integer NOT NULL,
    "position" smallint NOT NULL
);
ALTER TABLE public.shopper ALTER COLUMN shopper_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.shopper_shopper_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.store (
    store_id integer NOT NULL,
    name text NOT NULL,
    last_receipt_number bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT a_store_name_fits_a_topic CHECK ((name ~ '^[a-z0-9-]{1,36}$'::text))
);
CREATE TABLE public.store_layout (
    store_id integer NOT NULL,
    version integer NOT NULL,
    document jsonb NOT NULL,
    imported_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.store_section (
    section_id integer NOT NULL,
    store_id integer NOT NULL,
    name text NOT NULL,
    x1 double precision NOT NULL,
    y1 double precision NOT NULL,
    x2 double precision NOT NULL,
    y2 double precision NOT NULL,
    floor integer NOT NULL
);
ALTER TABLE public.store_section ALTER COLUMN section_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.store_section_section_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.store ALTER COLUMN store_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.store_store_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (1, 'gluten', 'Cereals containing gluten');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (2, 'crustaceans', 'Crustaceans');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (3, 'eggs', 'Eggs');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (4, 'fish', 'Fish');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (5, 'peanuts', 'Peanuts');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (6, 'soybeans', 'Soybeans');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (7, 'milk', 'Milk');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (8, 'nuts', 'Nuts');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (9, 'celery', 'Celery');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (10, 'mustard', 'Mustard');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (11, 'sesame-seeds', 'Sesame seeds');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (12, 'sulphur-dioxide-and-sulphites', 'Sulphur dioxide and sulphites');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (13, 'lupin', 'Lupin');
INSERT INTO public.allergen OVERRIDING SYSTEM VALUE VALUES (14, 'molluscs', 'Molluscs');
INSERT INTO public.cart OVERRIDING SYSTEM VALUE VALUES (1, 1, '\x74178d025185b6e89d9e2a72533070933515d9cc27011d4f7142e852e080f413', NULL, NULL, '2026-11-30 07:21:35.871918+00', NULL, 1, 1, '{}', '{}', NULL, 0, false, '2026-11-22 12:00:00+00', 1, 1, 0, 4, 0, '968003', '2026-11-22 12:00:00+00', '2026-11-30 07:21:35.850728+00');
INSERT INTO public.cart OVERRIDING SYSTEM VALUE VALUES (2, 1, '\x1612326b634d2028381db7a1b26b59070a9103de12d439fc685de441b1e5f048', NULL, NULL, '2026-11-30 07:21:35.872567+00', NULL, 1, 2, '{[5,6)}', '{}', '2026-11-22 12:00:00+00', 0, false, NULL, 0, 0, 0, 3, 0, '797448', '2026-11-22 12:00:00+00', '2026-11-30 07:21:35.850728+00');
INSERT INTO public.cart OVERRIDING SYSTEM VALUE VALUES (3, 1, '\x755e82e784b4ac0f3ae34a5acea8e757c4e7a2e18f4a544fc7149e1f6e36b0a5', NULL, NULL, '2026-11-30 07:21:35.872583+00', NULL, 1, 1, '{}', '{}', NULL, 0, false, NULL, 0, 0, 0, 2, 0, '428781', '2026-11-30 07:21:35.850728+00', '2026-11-30 07:21:35.850728+00');
INSERT INTO public.cart_event VALUES (1, 1, 1, 0, 'cart', 'scan', '1eecbb8e-e568-45a8-a448-4b001395e4c0', 'applied', NULL, 1, '9520000000011', 1, 189, 189, 1040, NULL, NULL, NULL, true, '2026-11-22 12:00:00+00', '\x7b2276223a20312c202265706f6368223a20312c2022736571223a20312c202274797065223a20227363616e222c2022636f6465223a202239353230303030303030303131227d');
INSERT INTO public.cart_event VALUES (2, 1, 1, 0, 'cart', 'scan', 'cb8c3d8c-564f-4ff2-898d-72bf8bdf3811', 'applied', NULL, 1, '9520000000011', 1, 189, 189, 1040, NULL, NULL, NULL, true, '2026-11-22 12:00:00+00', '\x7b2276223a20312c202265706f6368223a20312c2022736571223a20312c202274797065223a20227363616e222c2022636f6465223a202239353230303030303030303131227d');
INSERT INTO public.cart_event VALUES (2, 1, 2, 0, 'cart', 'scan', 'cb8c3d8c-564f-4ff2-898d-72bf8bdf3811', 'applied', NULL, 1, '9520000000011', 1, 189, 189, 1040, NULL, NULL, NULL, true, '2026-11-22 12:00:00+00', '\x7b2276223a20312c202265706f6368223a20312c2022736571223a20322c202274797065223a20227363616e222c2022636f6465223a202239353230303030303030303131227d');
INSERT INTO public.cart_event VALUES (2, 1, 5, 0, 'cart', 'scan', 'cb8c3d8c-564f-4ff2-898d-72bf8bdf3811', 'applied', NULL, 1, '9520000000011', 1, 189, 189, 1040, NULL, NULL, NULL, true, '2026-11-22 12:00:00+00', '\x7b2276223a20312c202265706f6368223a20312c2022736571223a20352c202274797065223a20227363616e222c2022636f6465223a202239353230303030303030303131227d');
INSERT INTO public.cart_event VALUES (3, 1, 1, 0, 'cart', 'unreadable', NULL, 'quarantined', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, '2026-11-22 12:00:00+00', '\x7b226576656e74223a20226e6f6e73656e7365222c202265706f6368223a20312c2022736571223a20317d');
INSERT INTO public.cart_line VALUES ('1eecbb8e-e568-45a8-a448-4b001395e4c0', 1, 1, '9520000000011', 1, 189, 189, 1040);
INSERT INTO public.cart_line VALUES ('cb8c3d8c-564f-4ff2-898d-72bf8bdf3811', 1, 1, '9520000000011', 3, 189, 189, 1040);
INSERT INTO public.cart_presence VALUES (1, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.cart_presence VALUES (2, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.cart_presence VALUES (3, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.cart_session VALUES ('1eecbb8e-e568-45a8-a448-4b001395e4c0', 1, 1, 1, 'checked_out', false, 0, 0, 0, 2, 1, 189, 189, NULL, '2026-11-22 12:00:00+00', '2026-11-22 12:00:00+00', '2026-11-22 12:00:00+00', 4);
INSERT INTO public.cart_session VALUES ('cb8c3d8c-564f-4ff2-898d-72bf8bdf3811', 2, 1, 2, 'open', false, 0, 0, 0, 2, 3, 567, 567, NULL, '2026-11-22 12:00:00+00', '2026-11-22 12:00:00+00', NULL, NULL);
INSERT INTO public.catalogue_version VALUES (true, '25ee7561-f7c0-4bd9-9ccc-2ba4406af420');
INSERT INTO public.dead_letter OVERRIDING SYSTEM VALUE VALUES (1, 'smartcart/v1/stores/main/carts/3/events', 3, 1, 1, 'field', 'payload: Unable to extract tag using discriminator ''type''', '\x7b226576656e74223a20226e6f6e73656e7365222c202265706f6368223a20312c2022736571223a20317d', 43, '\xecaea5ed9fdc13b7ac6ac2c86189d792f6c643462315704b88d1def700502635', 1, '2026-11-22 12:00:00+00', '2026-11-22 12:00:00+00', NULL, NULL);
INSERT INTO public.delivery_count VALUES ('ingest-0', 5, 0, 0);
INSERT INTO public.order_line VALUES (1, 1, 1, 'Oat Drink 1 L', '09520000000011', '9520000000011', 1, 189, 189, 700);
INSERT INTO public.product OVERRIDING SYSTEM VALUE VALUES (1, '09520000000011', '9520000000011', 'Oat Drink 1 L', NULL, NULL, 189, NULL, false, 700, NULL, 1040, NULL, NULL, NULL, false, '', '{}', '2026-11-30 07:21:35.850728+00');
INSERT INTO public.product OVERRIDING SYSTEM VALUE VALUES (2, '09520000000028', '9520000000028', 'Rye Bread 750 g', NULL, NULL, 329, 279, false, 700, NULL, 750, NULL, NULL, NULL, false, '', '{}', '2026-11-30 07:21:35.850728+00');
INSERT INTO public.product OVERRIDING SYSTEM VALUE VALUES (3, '09520000000035', '9520000000035', 'Butter 250 g', NULL, NULL, 249, NULL, false, 700, NULL, 260, NULL, NULL, NULL, false, '', '{}', '2026-11-30 07:21:35.850728+00');
INSERT INTO public.product_code VALUES ('09520000000011', 1);
INSERT INTO public.product_code VALUES ('09520000000028', 2);
INSERT INTO public.product_code VALUES ('09520000000035', 3);
INSERT INTO public.purchase_order OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 1, '1eecbb8e-e568-45a8-a448-4b001395e4c0', 1, 'EUR', 1, 189, 189, false, '2026-11-22 12:00:00+00');
INSERT INTO public.schema_migration VALUES ('0001_catalogue', '341993713a0071e6d8fa2c9dfeaa1fd51b607a6be63853aae484caa2168a0048', '2026-11-30 07:21:35.656911+00');
INSERT INTO public.schema_migration VALUES ('0002_store', 'db9297b4259ed6300dfe24756d253daa9bcabcad3e23d9382c8118f07bf75a8f', '2026-11-30 07:21:35.691524+00');
INSERT INTO public.schema_migration VALUES ('0003_shopper', '477007a0e37793568fcafc3b04fc613181378e8622038f6128d8865876e7ee9d', '2026-11-30 07:21:35.715793+00');
INSERT INTO public.schema_migration VALUES ('0004_cart', 'c2d984850470eb457fa5ef8272e98a7c8d1c54f1081413276f45d0e248442449', '2026-11-30 07:21:35.751786+00');
INSERT INTO public.schema_migration VALUES ('0005_orders', '48ef6633893a1c950a027217f480332c6e2b5c08fa5e6ace8ceec7c26355da3b', '2026-11-30 07:21:35.792653+00');
INSERT INTO public.schema_migration VALUES ('0006_operators', '9fafd7dbf8ba01821855a6053cead3de7cce63c8b2a6aadf2eb033b84c35dfe2', '2026-11-30 07:21:35.807221+00');
INSERT INTO public.schema_migration VALUES ('0007_one_time_codes_by_time', '8ed6ee3a2e2f9e905d8d1b06fb81c802a64a7b390e16ed80d1b90ce571b8e1e8', '2026-11-30 07:21:35.827074+00');
INSERT INTO public.schema_migration VALUES ('0008_version_of_product_names', '86b8220fde0f7eeae2cab6fc6664db726276cc09507f4bedab0928bcdce2c939', '2026-11-30 07:21:35.829238+00');
INSERT INTO public.shopper OVERRIDING SYSTEM VALUE VALUES (1, '\x00', NULL, NULL, NULL, false, '2026-11-30 07:21:35.850728+00');
INSERT INTO public.shopper OVERRIDING SYSTEM VALUE VALUES (2, '\x01', NULL, NULL, NULL, false, '2026-11-30 07:21:35.850728+00');
INSERT INTO public.store OVERRIDING SYSTEM VALUE VALUES (1, 'main', 1, '2026-11-30 07:21:35.850728+00');
SELECT pg_catalog.setval('public.aisle_block_block_id_seq', 1, false);
SELECT pg_catalog.setval('public.alert_alert_id_seq', 1, false);
SELECT pg_catalog.setval('public.allergen_allergen_id_seq', 14, true);
SELECT pg_catalog.setval('public.cart_cart_id_seq', 3, true);
SELECT pg_catalog.setval('public.category_category_id_seq', 1, false);
SELECT pg_catalog.setval('public.checklist_item_checklist_id_seq', 1, false);
SELECT pg_catalog.setval('public.dead_letter_dead_letter_id_seq', 1, true);
SELECT pg_catalog.setval('public.food_type_food_type_id_seq', 1, false);
SELECT pg_catalog.setval('public.operator_action_action_id_seq', 1, false);
SELECT pg_catalog.setval('public.operator_login_try_login_try_id_seq', 1, false);
SELECT pg_catalog.setval('public.operator_operator_id_seq', 1, false);
SELECT pg_catalog.setval('public.pairing_try_pairing_try_id_seq', 1, false);
SELECT pg_catalog.setval('public.product_location_location_id_seq', 1, false);
SELECT pg_catalog.setval('public.product_product_id_seq', 3, true);
SELECT pg_catalog.setval('public.purchase_order_order_id_seq', 1, true);
SELECT pg_catalog.setval('public.recipe_recipe_id_seq', 1, false);
SELECT pg_catalog.setval('public.shopper_shopper_id_seq', 2, true);
SELECT pg_catalog.setval('public.store_section_section_id_seq', 1, false);
SELECT pg_catalog.setval('public.store_store_id_seq', 1, true);
ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT a_dead_letter_is_kept_once UNIQUE (payload_sha256, topic, reason);
ALTER TABLE ONLY public.checklist_item
    ADD CONSTRAINT a_product_is_once_on_a_checklist UNIQUE (shopper_id, product_id);
ALTER TABLE ONLY public.product_location
    ADD CONSTRAINT a_product_stands_once_in_a_place UNIQUE (store_id, product_id, floor, x, y);
ALTER TABLE ONLY public.aisle_block
    ADD CONSTRAINT aisle_block_pkey PRIMARY KEY (block_id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (alert_id);
ALTER TABLE ONLY public.allergen
    ADD CONSTRAINT allergen_codes_are_unique UNIQUE (code);
ALTER TABLE ONLY public.allergen
    ADD CONSTRAINT allergen_pkey PRIMARY KEY (allergen_id);
ALTER TABLE ONLY public.cart_event
    ADD CONSTRAINT cart_event_pkey PRIMARY KEY (cart_id, epoch, seq, sub);
ALTER TABLE ONLY public.cart_line
    ADD CONSTRAINT cart_line_pkey PRIMARY KEY (session_id, line);
ALTER TABLE ONLY public.cart
    ADD CONSTRAINT cart_pkey PRIMARY KEY (cart_id);
ALTER TABLE ONLY public.cart_presence
    ADD CONSTRAINT cart_presence_pkey PRIMARY KEY (cart_id);
ALTER TABLE ONLY public.cart_session
    ADD CONSTRAINT cart_session_pkey PRIMARY KEY (session_id);
ALTER TABLE ONLY public.catalogue_version
    ADD CONSTRAINT catalogue_version_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY public.category
    ADD CONSTRAINT category_names_are_unique UNIQUE (name);
ALTER TABLE ONLY public.category
    ADD CONSTRAINT category_pkey PRIMARY KEY (category_id);
ALTER TABLE ONLY public.checklist_item
    ADD CONSTRAINT checklist_item_pkey PRIMARY KEY (checklist_id);
ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (dead_letter_id);
ALTER TABLE ONLY public.delivery_count
    ADD CONSTRAINT delivery_count_pkey PRIMARY KEY (worker);
ALTER TABLE ONLY public.food_type
    ADD CONSTRAINT food_type_names_are_unique UNIQUE (name);
ALTER TABLE ONLY public.food_type
    ADD CONSTRAINT food_type_pkey PRIMARY KEY (food_type_id);
ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (shopper_id, key);
ALTER TABLE ONLY public.purchase_order
    ADD CONSTRAINT one_order_per_session UNIQUE (session_id);
ALTER TABLE ONLY public.shopper
    ADD CONSTRAINT one_shopper_per_number UNIQUE (phone_hash);
ALTER TABLE ONLY public.operator_action
    ADD CONSTRAINT operator_action_pkey PRIMARY KEY (action_id);
ALTER TABLE ONLY public.operator_login_try
    ADD CONSTRAINT operator_login_try_pkey PRIMARY KEY (login_try_id);
ALTER TABLE ONLY public.operator
    ADD CONSTRAINT operator_pkey PRIMARY KEY (operator_id);
ALTER TABLE ONLY public.operator_session
    ADD CONSTRAINT operator_session_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.order_line
    ADD CONSTRAINT order_line_pkey PRIMARY KEY (order_id, line);
ALTER TABLE ONLY public.otp_challenge
    ADD CONSTRAINT otp_challenge_pkey PRIMARY KEY (challenge_id);
ALTER TABLE ONLY public.otp_failure
    ADD CONSTRAINT otp_failure_pkey PRIMARY KEY (phone_hash);
ALTER TABLE ONLY public.pairing_try
    ADD CONSTRAINT pairing_try_pkey PRIMARY KEY (pairing_try_id);
ALTER TABLE ONLY public.product_allergen
    ADD CONSTRAINT product_allergen_pkey PRIMARY KEY (product_id, allergen_id);
ALTER TABLE ONLY public.product_code
    ADD CONSTRAINT product_code_pkey PRIMARY KEY (code);
ALTER TABLE ONLY public.product_food_type
    ADD CONSTRAINT product_food_type_pkey PRIMARY KEY (product_id, food_type_id);
ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_gtins_are_unique UNIQUE (gtin);
ALTER TABLE ONLY public.product_location
    ADD CONSTRAINT product_location_pkey PRIMARY KEY (location_id);
ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_pkey PRIMARY KEY (product_id);
ALTER TABLE ONLY public.purchase_order
    ADD CONSTRAINT purchase_order_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY public.purchase_order
    ADD CONSTRAINT receipt_numbers_are_unique_in_a_store UNIQUE (store_id, receipt_number);
ALTER TABLE ONLY public.recipe
    ADD CONSTRAINT recipe_names_are_unique UNIQUE (name);
ALTER TABLE ONLY public.recipe
    ADD CONSTRAINT recipe_pkey PRIMARY KEY (recipe_id);
ALTER TABLE ONLY public.recipe_product
    ADD CONSTRAINT recipe_product_pkey PRIMARY KEY (recipe_id, product_id);
ALTER TABLE ONLY public.refresh_token
    ADD CONSTRAINT refresh_token_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.store_section
    ADD CONSTRAINT section_names_are_unique_on_a_floor UNIQUE (store_id, floor, name);
ALTER TABLE ONLY public.shopper_allergen
    ADD CONSTRAINT shopper_allergen_pkey PRIMARY KEY (shopper_id, allergen_id);
ALTER TABLE ONLY public.shopper_food_type
    ADD CONSTRAINT shopper_food_type_pkey PRIMARY KEY (shopper_id, food_type_id);
ALTER TABLE ONLY public.shopper
    ADD CONSTRAINT shopper_pkey PRIMARY KEY (shopper_id);
ALTER TABLE ONLY public.store_layout
    ADD CONSTRAINT store_layout_pkey PRIMARY KEY (store_id, version);
ALTER TABLE ONLY public.store
    ADD CONSTRAINT store_names_are_unique UNIQUE (name);
ALTER TABLE ONLY public.store
    ADD CONSTRAINT store_pkey PRIMARY KEY (store_id);
ALTER TABLE ONLY public.store_section
    ADD CONSTRAINT store_section_pkey PRIMARY KEY (section_id);
CREATE INDEX aisle_block_in_force ON public.aisle_block USING btree (store_id) WHERE (unblocked_at IS NULL);
CREATE INDEX alert_open_in_store ON public.alert USING btree (store_id, raised_at) WHERE (resolved_at IS NULL);
CREATE INDEX cart_by_credential_change ON public.cart USING btree (credential_changed_at);
CREATE INDEX cart_by_store ON public.cart USING btree (store_id);
CREATE INDEX cart_event_by_time ON public.cart_event USING brin (received_at) WITH (autosummarize='on');
CREATE INDEX cart_event_notice ON public.cart_event USING btree (cart_id, epoch, seq) WHERE (verdict = ANY (ARRAY['refused'::text, 'late'::text]));
CREATE INDEX cart_session_by_cart ON public.cart_session USING btree (cart_id, opened_at);
CREATE INDEX cart_session_by_closed_version ON public.cart_session USING btree (cart_id, closed_version) WHERE ((shopper_id IS NOT NULL) AND (closed_version IS NOT NULL));
CREATE INDEX cart_session_by_shopper ON public.cart_session USING btree (shopper_id) WHERE (shopper_id IS NOT NULL);
CREATE INDEX cart_to_publish ON public.cart USING btree (cart_id) WHERE (version > published_version);
CREATE INDEX cart_with_gap ON public.cart USING btree (gap_since) WHERE (gap_since IS NOT NULL);
CREATE INDEX dead_letter_by_cart ON public.dead_letter USING btree (cart_id, received_at);
CREATE UNIQUE INDEX one_open_alert_per_cart_and_kind ON public.alert USING btree (cart_id, kind) WHERE (resolved_at IS NULL);
CREATE UNIQUE INDEX one_open_session_per_cart ON public.cart_session USING btree (cart_id) WHERE (status = 'open'::text);
CREATE UNIQUE INDEX one_open_session_per_shopper ON public.cart_session USING btree (shopper_id) WHERE (status = 'open'::text);
CREATE UNIQUE INDEX one_operator_per_name ON public.operator USING btree (name) WHERE (removed_at IS NULL);
CREATE UNIQUE INDEX one_shopper_per_email ON public.shopper USING btree (lower(email));
CREATE INDEX operator_login_try_by_address ON public.operator_login_try USING btree (address_hash, tried_at);
CREATE INDEX operator_login_try_by_name ON public.operator_login_try USING btree (name_hash, tried_at);
CREATE INDEX operator_session_by_operator ON public.operator_session USING btree (operator_id);
CREATE INDEX otp_challenge_by_address ON public.otp_challenge USING btree (address_hash, sent_at);
CREATE INDEX otp_challenge_by_phone ON public.otp_challenge USING btree (phone_hash, sent_at);
CREATE INDEX otp_challenge_by_time ON public.otp_challenge USING btree (sent_at);
CREATE INDEX pairing_try_by_cart ON public.pairing_try USING btree (cart_id, tried_at);
CREATE INDEX pairing_try_by_shopper ON public.pairing_try USING btree (shopper_id, tried_at);
CREATE INDEX product_by_category ON public.product USING btree (category_id);
CREATE INDEX product_by_trigram ON public.product USING gin (search_trigrams);
CREATE INDEX product_code_by_product ON public.product_code USING btree (product_id);
CREATE INDEX product_on_offer ON public.product USING btree (product_id) WHERE ((offer_name IS NOT NULL) OR (discounted_price_minor IS NOT NULL));
CREATE INDEX purchase_order_by_shopper ON public.purchase_order USING btree (shopper_id, order_id);
CREATE INDEX recipe_product_by_product ON public.recipe_product USING btree (product_id);
CREATE INDEX refresh_token_by_family ON public.refresh_token USING btree (family_id);
CREATE INDEX refresh_token_by_shopper ON public.refresh_token USING btree (shopper_id);
CREATE TRIGGER names_change AFTER UPDATE ON public.product REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.change_version_of_renamed();
CREATE TRIGGER names_come_and_go AFTER INSERT OR DELETE OR TRUNCATE ON public.product FOR EACH STATEMENT EXECUTE FUNCTION public.change_version_of_names();
ALTER TABLE ONLY public.aisle_block
    ADD CONSTRAINT aisle_block_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.store(store_id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_cart_id_fkey FOREIGN KEY (cart_id) REFERENCES public.cart(cart_id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.store(store_id);
ALTER TABLE ONLY public.cart_line
    ADD CONSTRAINT cart_line_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id);
ALTER TABLE ONLY public.cart_line
    ADD CONSTRAINT cart_line_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.cart_session(session_id);
ALTER TABLE ONLY public.cart_presence
    ADD CONSTRAINT cart_presence_cart_id_fkey FOREIGN KEY (cart_id) REFERENCES public.cart(cart_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.cart_session
    ADD CONSTRAINT cart_session_cart_id_fkey FOREIGN KEY (cart_id) REFERENCES public.cart(cart_id);
ALTER TABLE ONLY public.cart_session
    ADD CONSTRAINT cart_session_shopper_id_fkey FOREIGN KEY (shopper_id) REFERENCES public.shopper(shopper_id);
ALTER TABLE ONLY public.cart_session
    ADD CONSTRAINT cart_session_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.store(store_id);
ALTER TABLE ONLY public.cart
    ADD CONSTRAINT cart_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.store(store_id);
ALTER TABLE ONLY public.checklist_item
    ADD CONSTRAINT checklist_item_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.checklist_item
    ADD CONSTRAINT checklist_item_shopper_id_fkey FOREIGN KEY (shopper_id) REFERENCES public.shopper(shopper_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_shopper_id_fkey FOREIGN KEY (shopper_id) REFERENCES public.shopper(shopper_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.operator_action
    ADD CONSTRAINT operator_action_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES public.operator(operator_id);
ALTER TABLE ONLY public.operator_session
    ADD CONSTRAINT operator_session_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES public.operator(operator_id);
ALTER TABLE ONLY public.order_line
    ADD CONSTRAINT order_line_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.purchase_order(order_id);
ALTER TABLE ONLY public.order_line
    ADD CONSTRAINT order_line_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id) ON DELETE SET NULL;
ALTER TABLE ONLY public.pairing_try
    ADD CONSTRAINT pairing_try_shopper_id_fkey FOREIGN KEY (shopper_id) REFERENCES public.shopper(shopper_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.product_allergen
    ADD CONSTRAINT product_allergen_allergen_id_fkey FOREIGN KEY (allergen_id) REFERENCES public.allergen(allergen_id);
ALTER TABLE ONLY public.product_allergen
    ADD CONSTRAINT product_allergen_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_category_id_fkey FOREIGN KEY (category_id) REFERENCES public.category(category_id);
ALTER TABLE ONLY public.product_code
    ADD CONSTRAINT product_code_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.product_food_type
    ADD CONSTRAINT product_food_type_food_type_id_fkey FOREIGN KEY (food_type_id) REFERENCES public.food_type(food_type_id);
ALTER TABLE ONLY public.product_food_type
    ADD CONSTRAINT product_food_type_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.product_location
    ADD CONSTRAINT product_location_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.product_location
    ADD CONSTRAINT product_location_section_id_fkey FOREIGN KEY (section_id) REFERENCES public.store_section(section_id) ON DELETE SET NULL;
ALTER TABLE ONLY public.product_location
    ADD CONSTRAINT product_location_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.store(store_id);
ALTER TABLE ONLY public.purchase_order
    ADD CONSTRAINT purchase_order_cart_id_fkey FOREIGN KEY (cart_id) REFERENCES public.cart(cart_id);
ALTER TABLE ONLY public.purchase_order
    ADD CONSTRAINT purchase_order_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.cart_session(session_id);
ALTER TABLE ONLY public.purchase_order
    ADD CONSTRAINT purchase_order_shopper_id_fkey FOREIGN KEY (shopper_id) REFERENCES public.shopper(shopper_id);
ALTER TABLE ONLY public.purchase_order
    ADD CONSTRAINT purchase_order_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.store(store_id);
ALTER TABLE ONLY public.recipe_product
    ADD CONSTRAINT recipe_product_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.recipe_product
    ADD CONSTRAINT recipe_product_recipe_id_fkey FOREIGN KEY (recipe_id) REFERENCES public.recipe(recipe_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.refresh_token
    ADD CONSTRAINT refresh_token_shopper_id_fkey FOREIGN KEY (shopper_id) REFERENCES public.shopper(shopper_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.shopper_allergen
    ADD CONSTRAINT shopper_allergen_allergen_id_fkey FOREIGN KEY (allergen_id) REFERENCES public.allergen(allergen_id);
ALTER TABLE ONLY public.shopper_allergen
    ADD CONSTRAINT shopper_allergen_shopper_id_fkey FOREIGN KEY (shopper_id) REFERENCES public.shopper(shopper_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.shopper_food_type
    ADD CONSTRAINT shopper_food_type_food_type_id_fkey FOREIGN KEY (food_type_id) REFERENCES public.food_type(food_type_id);
ALTER TABLE ONLY public.shopper_food_type
    ADD CONSTRAINT shopper_food_type_shopper_id_fkey FOREIGN KEY (shopper_id) REFERENCES public.shopper(shopper_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.store_layout
    ADD CONSTRAINT store_layout_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.store(store_id);
ALTER TABLE ONLY public.store_section
    ADD CONSTRAINT store_section_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.store(store_id);
