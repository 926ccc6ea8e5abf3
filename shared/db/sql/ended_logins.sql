-- name: insert_ended_login
-- A login that is over, or every login of a shopper when no family is named; harmless when it was over before.
INSERT INTO ended_login (shopper_id, family_id) VALUES (%(shopper_id)s, %(family_id)s) ON CONFLICT DO NOTHING;

-- name: list_ended_logins
-- All that may still have a token somewhere.
SELECT shopper_id, family_id FROM ended_login;

-- name: login_lasts
-- Whether a login was not ended and its shopper is there.
SELECT EXISTS (SELECT FROM shopper WHERE shopper_id = %(shopper_id)s)
   AND NOT EXISTS (SELECT FROM ended_login
                   WHERE shopper_id = %(shopper_id)s AND (family_id IS NULL OR family_id = %(family_id)s));

-- name: delete_old_ended_logins
-- Retention: no token outlives this.
DELETE FROM ended_login
WHERE ctid = ANY(ARRAY(SELECT ctid FROM ended_login WHERE ended_at < now() - %(kept)s::interval LIMIT %(limit)s));
