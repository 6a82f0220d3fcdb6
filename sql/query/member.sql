-- Members.

-- name: member_put one
-- See the function: conversation, caller, user, role or null, most members of a group, event id, whether with a system message.
select outcome
from member_put($1::uuid, $2::uuid, $3::uuid, $4::text, $5::bigint, $6::uuid, $7::boolean)

-- name: member_remove one
-- See the function: conversation, caller, user, event id, whether with a system message.
select outcome
from member_remove($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::boolean)

-- name: membership_update maybe
-- One's own view: conversation, user, whether muted_until was sent and what to, pinned or null, archived or null. Of the others'
-- business it is none: no lock on the conversation, no rev; the user's other devices find it by changed_xid.
update members m
set muted_until = case when $3::boolean then $4::timestamptz else m.muted_until end,
	pinned = coalesce($5::boolean, m.pinned),
	archived = coalesce($6::boolean, m.archived),
	changed_xid = pg_current_xact_id()
from conversations c
where m.conversation_id = $1::uuid and m.user_id = $2::uuid and m.left_at is null and c.id = m.conversation_id
returning m.role, m.joined_at, m.last_read_seq, m.last_delivered_seq,
	greatest(c.last_seq - m.last_read_seq - m.unread_skipped, 0) as unread_count,
	m.muted_until, m.pinned, m.archived
