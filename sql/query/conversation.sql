-- Conversations.

-- name: conversation_create one
-- See the function: id, kind, caller, title, avatar_url, external_ref, history, others, event id.
select outcome, id, array_to_string(unknown, ',') as unknown
from conversation_create($1::uuid, $2::text, $3::uuid, $4::text, $5::text, $6::text, $7::text,
	$8::text::uuid[], $9::uuid)

-- name: conversation_update one
-- See the function: conversation, caller, and of title and avatar_url each whether it was sent, and what to; event id, whether with
-- a system message.
select outcome
from conversation_update($1::uuid, $2::uuid, $3::boolean, $4::text, $5::boolean, $6::text, $7::uuid,
	$8::boolean)

-- name: conversation_delete one
-- See the function: conversation, caller, event id.
select outcome
from conversation_delete($1::uuid, $2::uuid, $3::uuid)

-- name: conversation_list many
-- The caller's conversations, latest activity first: $1 user, $2 rows, ($3, $4) the last row of the page before (null: the first page).
-- members.activity_at orders by index but is up to 30 s behind in groups. Whatever belongs on the page has an activity
-- of at least that of the last of the first $2 by index, so its activity_at is at most 30 s older: those are looked at, too.
with place as (
	select coalesce($3::timestamptz, 'infinity') as at,
		coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') as id
), near as materialized (
	select m, c
	from members m
	join conversations c on c.id = m.conversation_id
	where m.user_id = $1::uuid and m.left_at is null
		and m.activity_at <= (select at from place)
		and (c.last_activity_at, c.id) < (select at, id from place)
	order by m.activity_at desc, m.conversation_id desc
	limit $2::bigint
), edge as (
	select (m).activity_at as at, (m).conversation_id as id
	from near
	order by (m).activity_at, (m).conversation_id
	limit (select case when count(*) < $2::bigint then 0 else 1 end from near)
), behind as (
	select m, c
	from edge
	join members m on m.user_id = $1::uuid and m.left_at is null
		and (m.activity_at, m.conversation_id) < (edge.at, edge.id)
		and m.activity_at >= edge.at - interval '30 seconds'
	join conversations c on c.id = m.conversation_id
	where (c.last_activity_at, c.id) < (select at, id from place)
), page as materialized (
	select (both_of.m).*, (both_of.c).kind, (both_of.c).title, (both_of.c).avatar_url, (both_of.c).external_ref,
		(both_of.c).created_by, (both_of.c).created_at, (both_of.c).last_activity_at,
		(both_of.c).last_seq, (both_of.c).rev, (both_of.c).member_count
	from (select m, c from near union all select m, c from behind) both_of
	order by (both_of.c).last_activity_at desc, (both_of.c).id desc
	limit $2::bigint
)
select p.conversation_id as id, p.kind, p.title, p.avatar_url, p.external_ref, p.created_by, p.created_at,
	p.last_activity_at, p.last_seq, p.rev, p.member_count,
	p.role, p.joined_at, p.last_read_seq, p.last_delivered_seq,
	greatest(p.last_seq - p.last_read_seq - p.unread_skipped, 0) as unread_count,
	p.muted_until, p.pinned, p.archived,
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
	-- as message_status has it, without reading every member: of two people the row has both, of a group the first
	-- who has not had it decides
	case
		when x.seq is null then 0
		when p.kind = 'direct' then case
			when x.seq <= least(p.last_read_seq, o.last_read_seq) then 2
			when x.seq <= least(p.last_delivered_seq, o.last_delivered_seq) then 1
			else 0 end
		when exists (select from members r
			where r.conversation_id = p.conversation_id and r.left_at is null
				and r.last_delivered_seq < x.seq) then 0
		when exists (select from members r
			where r.conversation_id = p.conversation_id and r.left_at is null
				and r.last_read_seq < x.seq) then 1
		when exists (select from members r
			where r.conversation_id = p.conversation_id and r.left_at is null
				and r.joined_seq < x.seq and r.user_id is distinct from x.sender_id) then 2
		else 0
	end as message_status
from page p
join users own on own.id = $1::uuid
-- no key for a group, so that its members are not read for nothing
left join members o on o.conversation_id = case when p.kind = 'direct' then p.conversation_id end
	and o.user_id <> $1::uuid
left join users ou on ou.id = o.user_id
left join messages x on x.conversation_id = p.conversation_id and x.seq = p.last_seq
	and x.seq > p.floor_seq
order by p.last_activity_at desc, p.conversation_id desc
limit $2::bigint

-- name: conversation_one maybe
-- One conversation as the user sees it; the members come from conversation_members.
select p.conversation_id as id, c.kind, c.title, c.avatar_url, c.external_ref, c.created_by, c.created_at,
	c.last_activity_at, c.last_seq, c.rev, c.member_count,
	p.role, p.joined_at, p.last_read_seq, p.last_delivered_seq,
	greatest(c.last_seq - p.last_read_seq - p.unread_skipped, 0) as unread_count,
	p.muted_until, p.pinned, p.archived,
	x.id as message_id, x.seq as message_seq, x.rev as message_rev, x.sender_id as message_sender_id,
	x.type as message_type, x.body as message_body, x.ciphertext as message_ciphertext,
	x.metadata::text as message_metadata, x.reply_to as message_reply_to,
	x.created_at as message_created_at, x.edited_at as message_edited_at,
	x.deleted_at as message_deleted_at,
	case when has_extra(x) then message_extra(x, $2::uuid, p.floor_seq) end as message_extra,
	message_status(x.seq, x.sender_id, w.read_seq, w.delivered_seq, w.first_joined_seq,
		w.first_user_id, w.second_joined_seq) as message_status
from members p
join conversations c on c.id = p.conversation_id
cross join lateral conversation_watermarks(p.conversation_id) w
left join messages x on x.conversation_id = c.id and x.seq = c.last_seq and x.seq > p.floor_seq
where p.conversation_id = $1::uuid and p.user_id = $2::uuid and p.left_at is null

-- name: conversation_members many
-- Who is in it, for those who are: owner first, then admins, then by id. At most 4096, the highest setting of group_max_members.
select m.user_id, u.display_name, u.avatar_url, m.role, m.last_read_seq, m.last_delivered_seq
from members m
join users u on u.id = m.user_id
where m.conversation_id = $1::uuid and m.left_at is null
	and exists (select from members me
		where me.conversation_id = $1::uuid and me.user_id = $2::uuid and me.left_at is null)
order by case m.role when 'owner' then 0 when 'admin' then 1 else 2 end, m.user_id
limit 4096

-- name: unread_total one
-- Over everything the user is in: messages unread, and conversations that have any.
select coalesce(sum(n), 0)::bigint as unread_count, count(*) filter (where n > 0) as conversations
from (
	select greatest(c.last_seq - m.last_read_seq - m.unread_skipped, 0) as n
	from members m
	join conversations c on c.id = m.conversation_id
	where m.user_id = $1::uuid and m.left_at is null
) counted

-- name: conversation_purge one
-- See the function: most messages, how long what is left is kept, in seconds.
select conversation_purge($1::bigint, $2::bigint) as done
