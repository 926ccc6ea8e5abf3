-- name: insert_operator
-- A new operator; no row when somebody has this name already.
INSERT INTO operator (name, role, password_salt, password_hash, created_at)
VALUES (%(name)s, %(role)s, %(salt)s, %(hash)s, %(now)s)
ON CONFLICT (name) WHERE removed_at IS NULL DO NOTHING
RETURNING operator_id;

-- name: list_operators
-- Everybody who may log in, with the time of their last login.
SELECT o.name, o.role, o.created_at,
       (SELECT max(a.at) FROM operator_action AS a WHERE a.operator_id = o.operator_id AND a.action = 'logged_in')
           AS last_login_at
FROM operator AS o
WHERE o.removed_at IS NULL
ORDER BY o.name;

-- name: remove_operator
-- An operator who may no longer log in; the row stays for the log of actions.
UPDATE operator SET removed_at = %(now)s WHERE name = %(name)s AND removed_at IS NULL RETURNING operator_id;

-- name: change_operator_password
-- Another password.
UPDATE operator SET password_salt = %(salt)s, password_hash = %(hash)s
WHERE name = %(name)s AND removed_at IS NULL
RETURNING operator_id;

-- name: find_operator_password
-- What a password is compared with.
SELECT operator_id, name, role, password_salt, password_hash FROM operator WHERE name = %(name)s AND removed_at IS NULL;

-- name: lock_operator_logins
-- Tries from one address wait for each other, so that the count of them holds.
SELECT pg_advisory_xact_lock(%(key)s);

-- name: count_login_tries
-- Tries since a time: for this name from this source, from this source, for this name, and the last of the first kind.
SELECT count(*) FILTER (WHERE name_hash = %(name_hash)s AND address_hash = %(address_hash)s) AS of_both,
       count(*) FILTER (WHERE address_hash = %(address_hash)s)                               AS from_address,
       count(*) FILTER (WHERE name_hash = %(name_hash)s)                                     AS for_name,
       max(tried_at) FILTER (WHERE name_hash = %(name_hash)s AND address_hash = %(address_hash)s) AS last_of_both
FROM operator_login_try
WHERE tried_at > %(since)s AND (name_hash = %(name_hash)s OR address_hash = %(address_hash)s);

-- name: insert_login_try
-- A try, counted before it is made.
INSERT INTO operator_login_try (name_hash, address_hash, tried_at) VALUES (%(name_hash)s, %(address_hash)s, %(now)s);

-- name: forget_login_tries
-- A right password ends the row of wrong ones from this address.
DELETE FROM operator_login_try WHERE name_hash = %(name_hash)s AND address_hash = %(address_hash)s;

-- name: delete_old_login_tries
-- Retention: tries that no longer count.
DELETE FROM operator_login_try WHERE tried_at < %(before)s;

-- name: insert_operator_session
-- A login.
INSERT INTO operator_session (token_hash, operator_id, logged_in_at, expires_at)
VALUES (%(token_hash)s, %(operator_id)s, %(now)s, %(expires_at)s);

-- name: find_operator_session
-- Who is logged in with this token.
SELECT o.operator_id, o.name, o.role, s.expires_at
FROM operator_session AS s JOIN operator AS o USING (operator_id)
WHERE s.token_hash = %(token_hash)s AND s.expires_at > %(now)s AND o.removed_at IS NULL;

-- name: delete_operator_session
-- The end of one login.
DELETE FROM operator_session WHERE token_hash = %(token_hash)s;

-- name: delete_sessions_of_operator
-- The end of all logins of an operator.
DELETE FROM operator_session WHERE operator_id = %(operator_id)s;

-- name: delete_old_operator_sessions
-- Retention: logins that have ended.
DELETE FROM operator_session WHERE expires_at < %(now)s;

-- name: record_operator_action
-- Who did what, and when.
INSERT INTO operator_action (operator_id, action, subject_id, cart_id, detail, at)
VALUES (%(operator_id)s, %(action)s, %(subject_id)s, %(cart_id)s, %(detail)s, %(now)s);

-- name: list_operator_actions
-- What operators did, the newest first.
SELECT a.action_id, o.name AS operator, a.action, a.subject_id, a.cart_id, a.detail, a.at
FROM operator_action AS a JOIN operator AS o USING (operator_id)
WHERE %(before)s::bigint IS NULL OR a.action_id < %(before)s
ORDER BY a.action_id DESC
LIMIT %(limit)s;
