-- Blocks.

-- name: block_list many
-- Whom the user has blocked, latest first: $1 user, $2 rows, ($3, $4) the last row of the page before (null: the first page).
select u.id, u.handle, u.display_name, u.avatar_url, u.bio, u.created_at, u.deleted_at is not null as deleted,
	b.blocked_at as since
from blocks b
join users u on u.id = b.blocked_id
where b.user_id = $1::uuid
	and (b.blocked_at, b.blocked_id) < (coalesce($3::timestamptz, 'infinity'),
		coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
order by b.blocked_at desc, b.blocked_id desc
limit $2::bigint

-- name: block_put one
-- See the function: user, whom, most blocks, event id.
select outcome from block_put($1::uuid, $2::uuid, $3::bigint, $4::uuid)

-- name: block_remove one
-- See the function: user, whom, event id. Again and again.
select block_remove($1::uuid, $2::uuid, $3::uuid)

-- name: block_page many
-- All blocks there are, by key: above ($1, $2) (nulls: from the first), $3 rows.
select user_id, blocked_id
from blocks
where (user_id, blocked_id) > (coalesce($1::uuid, '00000000-0000-0000-0000-000000000000'),
	coalesce($2::uuid, '00000000-0000-0000-0000-000000000000'))
order by user_id, blocked_id
limit $3::bigint
