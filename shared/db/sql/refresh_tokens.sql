-- name: insert_refresh_token
-- A token of a family: a new login, or the next one of a rotation.
INSERT INTO refresh_token (token_hash, family_id, shopper_id, issued_at, expires_at)
VALUES (%(token_hash)s, %(family_id)s, %(shopper_id)s, %(now)s, %(expires_at)s);

-- name: replace_refresh_token
-- Takes a token out of service; of several that try, one gets the row.
UPDATE refresh_token AS t SET replaced_at = %(now)s, successor_sealed = %(successor_sealed)s
FROM shopper AS s
WHERE t.token_hash = %(token_hash)s AND s.shopper_id = t.shopper_id
  AND t.replaced_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > %(now)s
RETURNING t.family_id, t.shopper_id, s.is_profile_complete;

-- name: find_replaced_refresh_token
-- A token that was replaced and whose login lasts, with what replaced it, and whether that was near this moment.
SELECT t.family_id, t.shopper_id, s.is_profile_complete, t.successor_sealed,
       t.replaced_at BETWEEN %(now)s::timestamptz - %(grace)s::interval
                         AND %(now)s::timestamptz + %(grace)s::interval AS is_recent
FROM refresh_token AS t JOIN shopper AS s USING (shopper_id)
WHERE t.token_hash = %(token_hash)s AND t.replaced_at IS NOT NULL AND t.revoked_at IS NULL;

-- name: refresh_token_is_live
-- Whether a token could be used now.
SELECT EXISTS (SELECT FROM refresh_token
               WHERE token_hash = %(token_hash)s AND replaced_at IS NULL AND revoked_at IS NULL
                 AND expires_at > %(now)s);

-- name: revoke_refresh_family
-- Ends a login on all its tokens.
UPDATE refresh_token SET revoked_at = %(now)s WHERE family_id = %(family_id)s AND revoked_at IS NULL;

-- name: delete_old_refresh_tokens
-- Retention: tokens that have ended.
DELETE FROM refresh_token WHERE ctid = ANY(ARRAY(SELECT ctid FROM refresh_token WHERE expires_at < %(before)s LIMIT %(limit)s));
