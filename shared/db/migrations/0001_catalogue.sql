-- The catalogue: shared by all stores of a chain.

CREATE TABLE category (
    category_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL CONSTRAINT category_names_are_unique UNIQUE
);

CREATE TABLE food_type (
    food_type_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL CONSTRAINT food_type_names_are_unique UNIQUE
);

CREATE TABLE allergen (
    allergen_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL CONSTRAINT allergen_codes_are_unique UNIQUE,
    name        text NOT NULL
);

-- The 14 allergens of Regulation (EU) No 1169/2011, annex II.
INSERT INTO allergen (code, name) VALUES
    ('gluten', 'Cereals containing gluten'),
    ('crustaceans', 'Crustaceans'),
    ('eggs', 'Eggs'),
    ('fish', 'Fish'),
    ('peanuts', 'Peanuts'),
    ('soybeans', 'Soybeans'),
    ('milk', 'Milk'),
    ('nuts', 'Nuts'),
    ('celery', 'Celery'),
    ('mustard', 'Mustard'),
    ('sesame-seeds', 'Sesame seeds'),
    ('sulphur-dioxide-and-sulphites', 'Sulphur dioxide and sulphites'),
    ('lupin', 'Lupin'),
    ('molluscs', 'Molluscs');

CREATE TABLE product (
    product_id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gtin                   text CONSTRAINT product_gtins_are_unique UNIQUE
                           CONSTRAINT a_gtin_has_14_digits CHECK (gtin ~ '^[0-9]{14}$'),
    barcode                text NOT NULL,          -- as printed on the pack
    name                   text NOT NULL CONSTRAINT a_product_has_a_name CHECK (name <> ''),
    brand                  text,
    quantity_text          text,                   -- "350 g", as printed on the pack
    price_minor            bigint NOT NULL CONSTRAINT prices_are_not_negative CHECK (price_minor >= 0),
    discounted_price_minor bigint CONSTRAINT a_discount_lowers_the_price
                           CHECK (discounted_price_minor >= 0 AND discounted_price_minor <= price_minor),
    price_is_estimated     boolean NOT NULL DEFAULT false,
    tax_rate_bp            integer NOT NULL DEFAULT 700
                           CONSTRAINT tax_rates_are_basis_points CHECK (tax_rate_bp BETWEEN 0 AND 10000),
    offer_name             text,
    weight_g               integer CONSTRAINT weights_are_positive CHECK (weight_g > 0),
    expiry                 date,
    category_id            integer REFERENCES category,
    image                  text,
    allergens_are_known    boolean NOT NULL DEFAULT false,
    search_text            text NOT NULL DEFAULT '', -- lower case, accents taken off
    search_trigrams        text[] NOT NULL DEFAULT '{}',
    updated_at             timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX product_by_trigram ON product USING gin (search_trigrams);
CREATE INDEX product_by_category ON product (category_id);
CREATE INDEX product_on_offer ON product (product_id)
    WHERE offer_name IS NOT NULL OR discounted_price_minor IS NOT NULL;

-- Every code that leads to a product, normalised: GTIN-14, or a house code as it is.
CREATE TABLE product_code (
    code       text PRIMARY KEY,
    product_id integer NOT NULL REFERENCES product ON DELETE CASCADE
);
CREATE INDEX product_code_by_product ON product_code (product_id);

CREATE TABLE product_food_type (
    product_id   integer NOT NULL REFERENCES product ON DELETE CASCADE,
    food_type_id integer NOT NULL REFERENCES food_type,
    PRIMARY KEY (product_id, food_type_id)
);

CREATE TABLE product_allergen (
    product_id  integer NOT NULL REFERENCES product ON DELETE CASCADE,
    allergen_id integer NOT NULL REFERENCES allergen,
    traces_only boolean NOT NULL DEFAULT false,
    PRIMARY KEY (product_id, allergen_id)
);

CREATE TABLE recipe (
    recipe_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL CONSTRAINT recipe_names_are_unique UNIQUE
);

CREATE TABLE recipe_product (
    recipe_id  integer NOT NULL REFERENCES recipe ON DELETE CASCADE,
    product_id integer NOT NULL REFERENCES product ON DELETE CASCADE,
    quantity   integer NOT NULL DEFAULT 1 CHECK (quantity > 0),
    PRIMARY KEY (recipe_id, product_id)
);
CREATE INDEX recipe_product_by_product ON recipe_product (product_id);
