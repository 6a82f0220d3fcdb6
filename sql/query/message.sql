-- Messages.

-- name: message_send one
-- See the function. Parameters: conversation, sender, id, type, body, ciphertext, metadata, reply_to, digest,
-- event id, event id of the receipt that may come with it, attachments.
select outcome, seq, rev, created_at, extra, unknown
from message_send($1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, $6::text, $7::text::json,
	$8::uuid, $9::bytea, $10::uuid, $11::uuid, $12::text::uuid[])

-- name: message_page many
-- History before a seq, newest first: $3 exclusive (null: from the newest), $4 exclusive lower end (null: none), $5 rows.
-- No row: not a member. One row without id: a member, and nothing there.
select x.id, x.seq, x.rev, x.sender_id, x.type, x.body, x.ciphertext, x.metadata::text as metadata, x.reply_to,
	x.created_at, x.edited_at, x.deleted_at,
	case when has_extra(x) then message_extra(x, $2::uuid, me.floor_seq) end as extra,
	message_status(x.seq, x.sender_id, w.read_seq, w.delivered_seq, w.first_joined_seq,
		w.first_user_id, w.second_joined_seq) as status
from members me
cross join lateral conversation_watermarks($1::uuid) w
left join lateral (
	select *
	from messages m
	where m.conversation_id = $1::uuid and m.seq > greatest(me.floor_seq, coalesce($4::bigint, 0))
		and m.seq < coalesce($3::bigint, 9223372036854775807)
	order by m.seq desc
	limit $5::bigint
) x on true
where me.conversation_id = $1::uuid and me.user_id = $2::uuid and me.left_at is null
order by x.seq desc
limit $5::bigint

-- name: message_page_after many
-- The same, oldest first, above $4 exclusive.
select x.id, x.seq, x.rev, x.sender_id, x.type, x.body, x.ciphertext, x.metadata::text as metadata, x.reply_to,
	x.created_at, x.edited_at, x.deleted_at,
	case when has_extra(x) then message_extra(x, $2::uuid, me.floor_seq) end as extra,
	message_status(x.seq, x.sender_id, w.read_seq, w.delivered_seq, w.first_joined_seq,
		w.first_user_id, w.second_joined_seq) as status
from members me
cross join lateral conversation_watermarks($1::uuid) w
left join lateral (
	select *
	from messages m
	where m.conversation_id = $1::uuid and m.seq > greatest(me.floor_seq, coalesce($4::bigint, 0))
		and m.seq < coalesce($3::bigint, 9223372036854775807)
	order by m.seq
	limit $5::bigint
) x on true
where me.conversation_id = $1::uuid and me.user_id = $2::uuid and me.left_at is null
order by x.seq
limit $5::bigint

-- name: message_one maybe
-- One message that the user may read.
select x.id, x.seq, x.rev, x.sender_id, x.type, x.body, x.ciphertext, x.metadata::text as metadata, x.reply_to,
	x.created_at, x.edited_at, x.deleted_at,
	case when has_extra(x) then message_extra(x, $2::uuid, me.floor_seq) end as extra,
	message_status(x.seq, x.sender_id, w.read_seq, w.delivered_seq, w.first_joined_seq,
		w.first_user_id, w.second_joined_seq) as status
from members me
join messages x on x.conversation_id = me.conversation_id and x.seq > me.floor_seq
cross join lateral conversation_watermarks($1::uuid) w
where me.conversation_id = $1::uuid and me.user_id = $2::uuid and me.left_at is null and x.id = $3::uuid

-- name: message_position maybe
-- Where a message id or a time stands in a conversation, for those in it: id_seq (null: no such message),
-- at_seq (the first at or after the time), past_seq (the first after it).
select (select x.seq from messages x
		where x.conversation_id = $1::uuid and x.id = $3::uuid and x.seq > me.floor_seq) as id_seq,
	case when $4::timestamptz is not null then message_seq_at($1::uuid, $4::timestamptz) end as at_seq,
	case when $4::timestamptz is not null
		then message_seq_at($1::uuid, $4::timestamptz + interval '1 microsecond') end as past_seq
from members me
where me.conversation_id = $1::uuid and me.user_id = $2::uuid and me.left_at is null
