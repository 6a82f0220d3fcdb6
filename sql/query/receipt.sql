-- Watermarks.

-- name: receipt_advance one
-- See the function: conversation, user, 'read' or 'delivered', seq or null, event id.
select outcome, last_read_seq, last_delivered_seq, unread_count
from receipt_advance($1::uuid, $2::uuid, $3::text, $4::bigint, $5::uuid)
