-- What a program remembers of product names holds as long as this row says the same. An id, not a count: a database that
-- was restored from a backup would count to the same number again, with other names.
CREATE TABLE catalogue_version (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_catalogue CHECK (only_row),
    names    uuid NOT NULL DEFAULT gen_random_uuid()
) WITH (fillfactor = 50);
INSERT INTO catalogue_version DEFAULT VALUES;

CREATE FUNCTION change_version_of_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalogue_version SET names = gen_random_uuid();
    RETURN NULL;
END
$$;

CREATE FUNCTION change_version_of_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM before JOIN after USING (product_id) WHERE before.search_text <> after.search_text) THEN
        UPDATE catalogue_version SET names = gen_random_uuid();
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER names_come_and_go AFTER INSERT OR DELETE OR TRUNCATE ON product
    FOR EACH STATEMENT EXECUTE FUNCTION change_version_of_names();
-- A new price leaves the names as they are.
CREATE TRIGGER names_change AFTER UPDATE ON product REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION change_version_of_renamed();
