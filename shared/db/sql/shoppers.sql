-- name: upsert_shopper
-- The shopper of a number, made on the first login; the sealed number follows the pepper in force.
INSERT INTO shopper (phone_hash, phone_sealed) VALUES (%(phone_hash)s, %(phone_sealed)s)
ON CONFLICT (phone_hash) DO UPDATE SET phone_sealed = excluded.phone_sealed
RETURNING shopper_id, is_profile_complete;

-- name: lock_shoppers_of_spellings
-- The accounts of one number, the one to keep first: that with the number's own hash, then one that holds a cart, then
-- the oldest. No row while no older spelling is kept.
SELECT shopper_id, phone_hash = %(phone_hash)s AS has_it,
       EXISTS (SELECT FROM cart_session AS t WHERE t.shopper_id = s.shopper_id AND t.status = 'open') AS holds_cart
FROM shopper AS s
WHERE phone_hash = ANY(%(older_hashes)s::bytea[] || %(phone_hash)s::bytea)
  AND EXISTS (SELECT FROM shopper
              WHERE phone_hash = ANY(%(older_hashes)s::bytea[]) AND phone_hash <> %(phone_hash)s::bytea)
ORDER BY has_it DESC, holds_cart DESC, shopper_id
FOR UPDATE;

-- name: give_shopper_number
-- The account takes the number's one hash.
UPDATE shopper SET phone_hash = %(phone_hash)s WHERE shopper_id = %(shopper_id)s;

-- name: move_orders
-- Orders of an account that is joined to another.
UPDATE purchase_order SET shopper_id = %(kept)s WHERE shopper_id = %(other)s;

-- name: move_trips
-- Past trips of an account that is joined to another.
UPDATE cart_session SET shopper_id = %(kept)s WHERE shopper_id = %(other)s AND status <> 'open';

-- name: move_checklist
-- What is not on the list yet.
UPDATE checklist_item SET shopper_id = %(kept)s
WHERE shopper_id = %(other)s
  AND product_id NOT IN (SELECT product_id FROM checklist_item WHERE shopper_id = %(kept)s);

-- name: move_allergens
-- Warned of by either account, warned of from now on; behind those that were chosen in the account that stays.
INSERT INTO shopper_allergen (shopper_id, allergen_id, position)
SELECT %(kept)s, allergen_id, 1000 + position FROM shopper_allergen WHERE shopper_id = %(other)s
ON CONFLICT DO NOTHING;

-- name: move_name
-- A name, where there is none.
UPDATE shopper AS k SET user_name = o.user_name, is_profile_complete = true
FROM shopper AS o
WHERE k.shopper_id = %(kept)s AND o.shopper_id = %(other)s AND k.user_name IS NULL AND o.user_name IS NOT NULL;

-- name: find_shopper
-- A shopper's profile.
SELECT s.shopper_id, s.user_name, s.email, s.phone_sealed, s.is_profile_complete, s.created_at,
       ARRAY(SELECT food_type_id FROM shopper_food_type WHERE shopper_id = s.shopper_id ORDER BY position) AS food_type_ids,
       ARRAY(SELECT allergen_id FROM shopper_allergen WHERE shopper_id = s.shopper_id ORDER BY position) AS allergen_ids
FROM shopper AS s WHERE s.shopper_id = %(shopper_id)s;

-- name: update_shopper
-- Name, e-mail address and whether the profile is complete.
UPDATE shopper
SET user_name = %(user_name)s, email = %(email)s, is_profile_complete = %(is_profile_complete)s
WHERE shopper_id = %(shopper_id)s;

-- name: delete_shopper_food_types
-- Makes room for the new choice.
DELETE FROM shopper_food_type WHERE shopper_id = %(shopper_id)s;

-- name: insert_shopper_food_types
-- The chosen food types in the order given.
INSERT INTO shopper_food_type (shopper_id, food_type_id, position)
SELECT %(shopper_id)s, id, position FROM unnest(%(ids)s::integer[]) WITH ORDINALITY AS chosen (id, position);

-- name: delete_shopper_allergens
-- Makes room for the new choice.
DELETE FROM shopper_allergen WHERE shopper_id = %(shopper_id)s;

-- name: insert_shopper_allergens
-- The chosen allergens in the order given.
INSERT INTO shopper_allergen (shopper_id, allergen_id, position)
SELECT %(shopper_id)s, id, position FROM unnest(%(ids)s::integer[]) WITH ORDINALITY AS chosen (id, position);

-- name: lock_shopper
-- Holds the shopper's row; no row for a shopper who is gone.
SELECT phone_hash FROM shopper WHERE shopper_id = %(shopper_id)s FOR UPDATE;

-- name: release_shopper_from_sessions
-- Past sessions stay, without the person.
UPDATE cart_session SET shopper_id = NULL WHERE shopper_id = %(shopper_id)s;

-- name: release_shopper_from_orders
-- Orders stay, without the person.
UPDATE purchase_order SET shopper_id = NULL WHERE shopper_id = %(shopper_id)s;

-- name: delete_challenges_of_number
-- Codes sent to the number.
DELETE FROM otp_challenge WHERE phone_hash = %(phone_hash)s;

-- name: delete_code_failures_of_number
-- Wrong codes typed for the number.
DELETE FROM otp_failure WHERE phone_hash = %(phone_hash)s;

-- name: delete_shopper
-- The person, and everything that hangs on the row.
DELETE FROM shopper WHERE shopper_id = %(shopper_id)s;

-- name: list_sessions_of_shopper
-- A shopper's trips, newest first.
SELECT session_id, cart_id, store_id, status, total_items, total_minor, opened_at, closed_at
FROM cart_session WHERE shopper_id = %(shopper_id)s ORDER BY opened_at DESC;

-- name: list_logins_of_shopper
-- A shopper's logins with their last use.
SELECT family_id, min(issued_at) AS first_at, max(issued_at) AS last_at, bool_and(revoked_at IS NOT NULL) AS ended
FROM refresh_token WHERE shopper_id = %(shopper_id)s GROUP BY family_id ORDER BY last_at DESC;

-- name: list_pairing_tries_of_shopper
-- Wrong pairing codes a shopper typed.
SELECT cart_id, tried_at FROM pairing_try WHERE shopper_id = %(shopper_id)s ORDER BY tried_at DESC;

-- name: list_keyed_requests_of_shopper
-- Requests with an Idempotency-Key, kept for a day.
SELECT key, route, status, created_at FROM idempotency_key WHERE shopper_id = %(shopper_id)s ORDER BY created_at DESC;

-- name: list_code_sends_to_number
-- Codes sent to a number, kept for a day.
SELECT sent_at, used_at FROM otp_challenge WHERE phone_hash = %(phone_hash)s ORDER BY sent_at DESC;
