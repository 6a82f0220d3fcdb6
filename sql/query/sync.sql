-- Catching up: what has changed for a person since a transaction number ("from").
--
-- Nothing is missed. A row carries the transaction that wrote it last (changed_xid). A sweep gives every row that has a number
-- of at least from and is visible, page by page, each in a snapshot of its own; the next sweep begins at the xmin
-- of the first page's snapshot. Whatever that snapshot did not show was written by a transaction that was running then or
-- had not begun, and xmin is the least of those: it is found next time. Whatever it did show and a later page does not
-- has been written again since. So a row may come twice, and none is left out: a transaction that is open for long holds
-- xmin back, and what others do meanwhile is repeated until it ends.
--
-- A row that was written several times needs no more than its last number: earlier writers had committed before
-- the last one could write, so where that one is below from, all of them were visible.
--
-- Numbers from the snapshot's xmax on ("future") are not of this cluster: a dump brought them. Until the counter has reached
-- them such rows count as old, or each sweep would bring everything; then they may come once more.
--
-- What it rests on: that a number is given once. A server that crashes gives those a second time whose transactions had
-- been rolled back, or had done nothing yet, since its log was last on disk (200 ms at most). A cursor that was made in that
-- moment, with no commit between, may be above them.

-- name: sync_begin one
-- $1 user. The identity of this database for the user, the least transaction that may be running, and the first that has not begun.
select sync_identity($1::uuid) as identity,
	pg_snapshot_xmin(pg_current_snapshot())::text::bigint as next_from,
	pg_snapshot_xmax(pg_current_snapshot())::text::bigint as future

-- name: sync_conversations many
-- Conversations that are new to the user $1 or have changed since $2, the user's own view included, by id behind $3; $4
-- rows. The columns are those of conversation_list. members_changed: who is in it, or as what.
with since as materialized (
	select $2::bigint::text::xid8 as xid,
		case when $2::bigint = 0 then '18446744073709551615'
			else pg_snapshot_xmax(pg_current_snapshot()) end as future
), page as materialized (
	select m.*, c.kind, c.title, c.avatar_url, c.external_ref, c.created_by, c.created_at, c.last_activity_at,
		c.last_seq, c.rev, c.member_count, c.members_xid
	from members m
	join conversations c on c.id = m.conversation_id
	where m.user_id = $1::uuid and m.left_at is null
		and m.conversation_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
		and (c.changed_xid >= (select xid from since) and c.changed_xid < (select future from since)
			or m.changed_xid >= (select xid from since) and m.changed_xid < (select future from since))
	order by m.conversation_id
	limit $4::bigint
)
select p.conversation_id as id, p.kind, p.title, p.avatar_url, p.external_ref, p.created_by, p.created_at,
	p.last_activity_at, p.last_seq, p.rev, p.member_count,
	p.role, p.joined_at, p.last_read_seq, p.last_delivered_seq,
	greatest(p.last_seq - p.last_read_seq - p.unread_skipped, 0) as unread_count,
	p.muted_until, p.pinned, p.archived,
	p.members_xid >= (select xid from since) and p.members_xid < (select future from since) as members_changed,
	own.display_name as own_display_name, own.avatar_url as own_avatar_url,
	o.user_id as other_user_id, ou.display_name as other_display_name, ou.avatar_url as other_avatar_url,
	o.role as other_role, o.last_read_seq as other_last_read_seq,
	o.last_delivered_seq as other_last_delivered_seq,
	x.id as message_id, x.seq as message_seq, x.rev as message_rev, x.sender_id as message_sender_id,
	x.type as message_type, x.body as message_body, x.ciphertext as message_ciphertext,
	x.metadata::text as message_metadata, x.reply_to as message_reply_to,
	x.created_at as message_created_at, x.edited_at as message_edited_at,
	x.deleted_at as message_deleted_at,
	case when has_extra(x) then message_extra(x, $1::uuid, p.floor_seq) end as message_extra,
	message_status(x.seq, x.sender_id, w.read_seq, w.delivered_seq, w.first_joined_seq,
		w.first_user_id, w.second_joined_seq) as message_status
from page p
join users own on own.id = $1::uuid
cross join lateral conversation_watermarks(p.conversation_id) w
left join members o on o.conversation_id = case when p.kind = 'direct' then p.conversation_id end
	and o.user_id <> $1::uuid
left join users ou on ou.id = o.user_id
left join messages x on x.conversation_id = p.conversation_id and x.seq = p.last_seq
	and x.seq > p.floor_seq
order by p.conversation_id
limit $4::bigint

-- name: sync_members many
-- Who is in the groups $1, by group and in the order of conversation_members; $2 rows. Called with groups of the caller's that
-- sync_conversations gave in the same snapshot.
select m.conversation_id, m.user_id, u.display_name, u.avatar_url, m.role, m.last_read_seq, m.last_delivered_seq
from members m
join users u on u.id = m.user_id
where m.conversation_id = any($1::text::uuid[]) and m.left_at is null
order by m.conversation_id, case m.role when 'owner' then 0 when 'admin' then 1 else 2 end, m.user_id
limit $2::bigint

-- name: sync_left many
-- What the user $1 has left or been removed from since $2, by id behind $3; $4 rows.
select m.conversation_id
from members m
where m.user_id = $1::uuid and m.left_at is not null and m.changed_xid >= (select $2::bigint::text::xid8)
	and m.changed_xid < (select pg_snapshot_xmax(pg_current_snapshot()))
	and m.conversation_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
order by m.conversation_id
limit $4::bigint

-- name: sync_messages many
-- See the function: user, from, (conversation, seq) behind which to go on (null: from the first), known_seq, rows.
select conversation_id, seq, id, rev, sender_id, type, body, ciphertext, metadata, reply_to, created_at,
	edited_at, deleted_at, extra, status, known_seq
from sync_messages($1::uuid, $2::bigint::text::xid8,
	coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'), $4::bigint, $5::bigint, $6::bigint)
order by conversation_id, seq
limit $6::bigint

-- name: sync_messages_among many
-- The same from the first on, where the conversations that have changed are known, and few: user, from, conversations, rows. One
-- statement for all of them, three times as fast.
with since as materialized (
	select $2::bigint::text::xid8 as xid, pg_snapshot_xmax(pg_current_snapshot()) as future
)
select x.conversation_id, x.seq, x.id, x.rev, x.sender_id, x.type, x.body, x.ciphertext,
	x.metadata::text as metadata, x.reply_to, x.created_at, x.edited_at, x.deleted_at,
	case when has_extra(x) then message_extra(x, $1::uuid, room.floor_seq) end as extra,
	message_status(x.seq, x.sender_id, room.read_seq, room.delivered_seq, room.first_joined_seq,
		room.first_user_id, room.second_joined_seq) as status,
	room.known_seq
from (
	select m.conversation_id as id, m.floor_seq, k.known_seq, w.*
	from members m
	cross join lateral sync_known(m.conversation_id, m.floor_seq, (select xid from since),
		(select future from since)) k
	cross join lateral conversation_watermarks(m.conversation_id) w
	where m.user_id = $1::uuid and m.conversation_id = any($3::text::uuid[]) and m.left_at is null
	-- worked out once a conversation, not for each of its messages
	offset 0
) room
cross join lateral sync_room(room.id, room.floor_seq, room.known_seq, (select xid from since),
	(select future from since), $4::bigint) x
order by x.conversation_id, x.seq
limit $4::bigint

-- name: sync_receipts many
-- Members other than the user $1, of what it is in, whose watermarks may have moved since $2; by ids behind ($3, $4); $5
-- rows. Not those who have had nothing yet since they joined.
select o.conversation_id, o.user_id, o.last_read_seq, o.last_delivered_seq
from members me
join members o on o.conversation_id = me.conversation_id
where me.user_id = $1::uuid and me.left_at is null
	and me.conversation_id >= coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
	and o.changed_xid >= (select $2::bigint::text::xid8)
	and o.changed_xid < (select pg_snapshot_xmax(pg_current_snapshot()))
	and (o.conversation_id, o.user_id) > (coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'),
		coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
	and o.user_id <> $1::uuid and o.left_at is null and o.last_delivered_seq > o.joined_seq
order by o.conversation_id, o.user_id
limit $5::bigint
