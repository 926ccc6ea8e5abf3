-- name: insert_refresh_token
-- A token of a family: a new login, or the next one of a rotation.
INSERT INTO refresh_token (token_hash, family_id, shopper_id, issued_at, expires_at)
VALUES (%(token_hash)s, %(family_id)s, %(shopper_id)s, %(now)s, %(expires_at)s);

-- name: replace_refresh_token
-- Takes a token out of service; of several that try, one gets the row.
UPDATE refresh_token AS t SET replaced_at = %(now)s
FROM shopper AS s
WHERE t.token_hash = %(token_hash)s AND s.shopper_id = t.shopper_id
  AND t.replaced_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > %(now)s
RETURNING t.family_id, t.shopper_id, s.is_profile_complete;

-- name: find_replaced_refresh_token
-- The family of a token that was replaced before a time: somebody kept a copy.
SELECT family_id FROM refresh_token
WHERE token_hash = %(token_hash)s AND replaced_at < %(before)s AND revoked_at IS NULL;

-- name: revoke_refresh_family
-- Ends a login on all its tokens.
UPDATE refresh_token SET revoked_at = %(now)s WHERE family_id = %(family_id)s AND revoked_at IS NULL;

-- name: delete_old_refresh_tokens
-- Retention: tokens that have ended.
DELETE FROM refresh_token WHERE ctid = ANY(ARRAY(SELECT ctid FROM refresh_token WHERE expires_at < %(before)s LIMIT %(limit)s));
