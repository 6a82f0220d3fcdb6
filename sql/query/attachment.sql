-- Files.

-- name: attachment_room one
-- How much the user has uploaded already.
select coalesce((select u.bytes from attachment_usage u where u.user_id = $1::uuid), 0) as used

-- name: attachment_hold one
-- Content of this hash is about to come into the store, and a file that names it within $2 seconds: until when, for attachment_add
-- (lib/blob.h). Waits while the same is being removed.
insert into attachment_loose as l (sha256, due_at)
values ($1::bytea, now() + $2::bigint * interval '1 second')
on conflict (sha256) do update set due_at = greatest(l.due_at, excluded.due_at)
returning due_at as held_until

-- name: attachment_add one
-- See the function: id, owner, hash, name, media type, size, width, height, bytes of the thumbnail, until when it is held, quota.
select outcome
from attachment_add($1::uuid, $2::uuid, $3::bytea, $4::text, $5::text, $6::bigint, $7::bigint::integer, $8::bigint::integer,
	$9::bigint::integer, $10::timestamptz, $11::bigint)
