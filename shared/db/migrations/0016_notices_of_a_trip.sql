-- What display and phone tell of a cart: the newest few of its events that had no effect, since its last trip ended. One
-- rule for both, by number: an event that came before that end, or before this trip began, may be decided after it. What
-- was late for the last trip is told until a shopper takes the cart. A number from before the last end tells nothing of
-- this trip: such an event is told when it names the trip, or came after the trip began (`since`; without a trip, after
-- the last one ended).
CREATE FUNCTION notices_of(
    told_cart_id integer, closed_epoch bigint, closed_seq bigint, trip uuid, is_held boolean, since timestamptz, most bigint
) RETURNS TABLE (epoch bigint, seq bigint, reason text, code text)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT e.epoch, e.seq, coalesce(e.reason, 'unreadable'), e.code
    FROM cart_event e
    WHERE e.cart_id = told_cart_id AND e.verdict IN ('refused', 'late', 'quarantined')
      AND (((e.epoch, e.seq) > (closed_epoch, closed_seq) AND (e.verdict <> 'late' OR NOT is_held))
           OR e.session_id = trip OR e.received_at >= since)
    ORDER BY e.epoch DESC, e.seq DESC
    LIMIT most
$$;
