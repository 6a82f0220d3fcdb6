-- Changes of messages that were sent.

-- name: message_edit one
-- See the function. Parameters: conversation, sender, id, edited_at as it was, body, ciphertext, metadata, window in seconds, whether what was is kept,
-- event id.
select outcome, rev, edited_at, extra, status
from message_edit($1::uuid, $2::uuid, $3::uuid, $4::timestamptz, $5::text, $6::text, $7::text::json,
	$8::bigint, $9::boolean, $10::uuid)

-- name: message_delete one
-- See the function: conversation, user, id.
select outcome
from message_delete($1::uuid, $2::uuid, $3::uuid)

-- name: message_versions many
-- What a message was before it was edited, latest first: $1 conversation, $2 user, $3 message, $4 rev exclusive (null: from the latest), $5 rows. No row: no
-- such message for the user. is_own: it is the user's; where it is not, or there is nothing, one row without rev.
select x.sender_id is not distinct from me.user_id as is_own, v.rev, v.body, v.ciphertext, v.metadata::text as metadata, v.at
from members me
join messages x on x.conversation_id = me.conversation_id and x.seq > me.floor_seq
left join lateral (
	select *
	from message_versions o
	where o.conversation_id = x.conversation_id and o.seq = x.seq and x.sender_id = me.user_id
		and o.rev < coalesce($4::bigint, 9223372036854775807)
	order by o.rev desc
	limit $5::bigint
) v on true
where me.conversation_id = $1::uuid and me.user_id = $2::uuid and me.left_at is null and x.id = $3::uuid
order by v.rev desc
limit $5::bigint
