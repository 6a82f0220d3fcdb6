-- Watermarks.

-- name: receipt_advance one
-- See the function: conversation, user, 'read' or 'delivered', seq or null, event id.
select outcome, last_read_seq, last_delivered_seq, unread_count
from receipt_advance($1::uuid, $2::uuid, $3::text, $4::bigint, $5::uuid)

-- name: receipt_list many
-- A message's recipients by id, and since when each has which status ($4: behind whom, null: from the first; $5 rows): those who were
-- members when it was committed and still are. at is null for those who have not had it, and when it has been forgotten.
-- No row: no message that the user may read. One row without user_id: it has no recipients there.
select o.user_id, o.status, t.at
from members me
join messages x on x.conversation_id = me.conversation_id and x.id = $3::uuid and x.seq > me.floor_seq
left join lateral (
	select r.user_id, case when x.seq <= r.last_read_seq then 2 when x.seq <= r.last_delivered_seq then 1 else 0 end as status
	from members r
	where r.conversation_id = $1::uuid and r.left_at is null and r.joined_seq < x.seq
		and r.user_id is distinct from x.sender_id and ($4::uuid is null or r.user_id > $4::uuid)
	order by r.user_id
	limit $5::bigint
) o on true
-- the movement by which the watermark passed the message, if it is still there: a later one began above it
left join lateral (
	select case when l.above_seq < x.seq then l.at end as at
	from receipts l
	where l.conversation_id = $1::uuid and l.user_id = o.user_id and l.read = (o.status = 2) and l.seq >= x.seq
	order by l.seq
	limit 1
) t on true
where me.conversation_id = $1::uuid and me.user_id = $2::uuid and me.left_at is null
order by o.user_id
limit $5::bigint
