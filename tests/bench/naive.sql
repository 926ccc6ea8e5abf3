-- The transaction of naive_worker.py as a script of pgbench: the same statements without Python and MQTT. Each client has
-- `each` carts of its own, of which each says one event after the other; :n counts them.
\set n :n + 1
\set cart 1 + :client_id * :each + :n % :each
\set seq 1 + :n / :each
BEGIN;
INSERT INTO cart_event (cart_id, epoch, seq, source, type, verdict, code, received_at, payload)
VALUES (:cart, 1, :seq, 'cart', 'scan', 'applied', ('{9520000000011,9520000000028,9520000000035}'::text[])[1 + :n % 3],
        now(), convert_to('{"v":1,"epoch":1,"seq":' || lpad((:seq)::text, 7)
                          || ',"at":1790000000123,"type":"scan","code":"9520000000011"}', 'UTF8'))
ON CONFLICT DO NOTHING;
SELECT session_id AS session FROM cart_session WHERE cart_id = :cart AND status = 'open' \gset
INSERT INTO cart_line (session_id, line, product_id, code, quantity, unit_price_minor, unit_paid_minor)
SELECT :session::uuid, p.product_id, p.product_id, c.code, 1, p.price_minor, p.price_minor
FROM product_code c JOIN product p USING (product_id)
WHERE c.code = ('{09520000000011,09520000000028,09520000000035}'::text[])[1 + :n % 3]
ON CONFLICT (session_id, line) DO UPDATE SET quantity = cart_line.quantity + 1;
UPDATE cart SET ack_epoch = 1, ack_seq = :seq, version = version + 1 WHERE cart_id = :cart;
SELECT line, code, quantity, unit_price_minor FROM cart_line WHERE session_id = :session::uuid;
COMMIT;
