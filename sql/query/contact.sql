-- Address books.

-- name: contact_list many
-- The user's contacts, latest first: $1 user, $2 rows, ($3, $4) the last row of the page before (null: the first page).
select u.id, u.handle, u.display_name, u.avatar_url, u.bio, u.created_at, u.deleted_at is not null as deleted,
	c.added_at as since
from contacts c
join users u on u.id = c.contact_id
where c.user_id = $1::uuid
	and (c.added_at, c.contact_id) < (coalesce($3::timestamptz, 'infinity'),
		coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
order by c.added_at desc, c.contact_id desc
limit $2::bigint

-- name: contact_put one
-- See the function: user, whom, most contacts.
select outcome from contact_put($1::uuid, $2::uuid, $3::bigint)

-- name: contact_remove none
-- Again and again.
delete from contacts where user_id = $1::uuid and contact_id = $2::uuid
