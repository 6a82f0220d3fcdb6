-- The drop-in routes: conversations and history as the older service gave them. $user null: a service, which sees everything.
-- System messages, which that service did not have, are not among them: its clients show each message as somebody's.

-- name: dropin_conversations many
-- Of $1, the latest activity first; $2 rows from $3 on. By offset, as the contract of these routes is one: somebody's conversations
-- are few enough to be put in order whole. The message is the latest, where $1 may read it.
with page as (
	select c.id, c.external_ref, c.last_seq, c.last_activity_at, m.floor_seq
	from members m
	join conversations c on c.id = m.conversation_id
	where m.user_id = $1::uuid and m.left_at is null
	order by c.last_activity_at desc, c.id desc
	limit $2::bigint offset $3::bigint
)
select p.id, p.external_ref, x.created_at as last_message_at, x.id is not null as has_message, x.body as content,
	x.sender_id
from page p
left join lateral (
	select *
	from messages h
	where h.conversation_id = p.id and h.seq > p.floor_seq and h.sender_id is not null
	order by h.seq desc
	limit 1
) x on true
order by p.last_activity_at desc, p.id desc
limit $2::bigint

-- name: dropin_conversation maybe
-- $1, as $2 sees it.
select c.id, c.external_ref, x.created_at as last_message_at, x.id is not null as has_message, x.body as content,
	x.sender_id
from conversations c
left join members m on m.conversation_id = c.id and m.user_id = $2::uuid and m.left_at is null
left join lateral (
	select *
	from messages h
	where h.conversation_id = c.id and h.seq > coalesce(m.floor_seq, 0) and h.sender_id is not null
	order by h.seq desc
	limit 1
) x on true
where c.id = $1::uuid and c.deleted_at is null and ($2::uuid is null or m.user_id is not null)

-- name: dropin_participants many
-- Who is in each of the conversations of $1, in the order of that list (place, from 1), by id. As many as 200 conversations of the largest
-- setting of group_max_members have.
select named.place, u.id, u.display_name as name
from unnest($1::text::uuid[]) with ordinality as named (id, place)
join members m on m.conversation_id = named.id and m.left_at is null
join users u on u.id = m.user_id
order by named.place, u.id
limit 819200

-- name: dropin_by_ref maybe
-- The conversation of a match.
select id
from conversations
where external_ref = $1::text

-- name: dropin_page many
-- History of $1 for $2: $4 messages before the newest $3, oldest first. seq has no gaps, so the place of a page and the
-- total are known without counting but the system messages, which are few and have an index (messages_skipped). No row: not
-- there, or not for $2. One row without id: nothing on this page.
select greatest(room.last_seq - room.floor_seq, 0) - aside.total as total, x.id, x.sender_id, u.display_name as sender_name,
	x.body as content, x.created_at,
	message_status(x.seq, x.sender_id, w.read_seq, w.delivered_seq, w.first_joined_seq,
		w.first_user_id, w.second_joined_seq) as status
from (
	select c.last_seq, coalesce(m.floor_seq, 0) as floor_seq
	from conversations c
	left join members m on m.conversation_id = c.id and m.user_id = $2::uuid and m.left_at is null
	where c.id = $1::uuid and c.deleted_at is null and ($2::uuid is null or m.user_id is not null)
) room
cross join lateral conversation_watermarks($1::uuid) w
-- how many there are, and above the page: those that have at most $3 others above them
cross join lateral (
	select count(*) as total, count(*) filter (where s.others <= $3::bigint) as above
	from (
		select room.last_seq - h.seq - row_number() over (order by h.seq desc) + 1 as others
		from messages h
		where h.conversation_id = $1::uuid and h.seq > room.floor_seq and h.sender_id is null
	) s
) aside
left join lateral (
	select *
	from messages h
	where h.conversation_id = $1::uuid and h.seq > room.floor_seq
		and h.seq <= room.last_seq - $3::bigint - aside.above and h.sender_id is not null
	order by h.seq desc
	limit $4::bigint
) x on true
left join users u on u.id = x.sender_id
order by x.seq
limit $4::bigint
