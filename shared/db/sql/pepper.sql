-- name: keep_pepper_mark
-- The mark of the pepper in force, over an older one only while nobody is known under that.
INSERT INTO pepper_mark (mark) VALUES (%(mark)s)
ON CONFLICT (the_one) DO UPDATE SET mark = excluded.mark WHERE NOT EXISTS (SELECT 1 FROM shopper);

-- name: find_pepper_mark
-- The mark that counts.
SELECT mark FROM pepper_mark;

-- name: find_sealed_number
-- The sealed number of whoever came last.
SELECT phone_sealed FROM shopper WHERE phone_sealed IS NOT NULL ORDER BY shopper_id DESC LIMIT 1;

-- name: replace_pepper_mark
-- From now on this pepper counts, whoever is known.
INSERT INTO pepper_mark (mark) VALUES (%(mark)s) ON CONFLICT (the_one) DO UPDATE SET mark = excluded.mark;
