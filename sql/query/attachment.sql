-- Files.

-- name: attachment_room one
-- How much the user has uploaded already.
select coalesce((select u.bytes from attachment_usage u where u.user_id = $1::uuid), 0) as used

-- name: attachment_hold one
-- Until the end of the transaction nobody removes the content of this hash (lib/blob.h).
select true as held from pg_advisory_xact_lock_shared(attachment_hash_key($1::bytea))

-- name: attachment_add one
-- See the function: id, owner, hash, name, media type, size, width, height, bytes of the thumbnail, quota.
select outcome
from attachment_add($1::uuid, $2::uuid, $3::bytea, $4::text, $5::text, $6::bigint, $7::bigint::integer, $8::bigint::integer,
	$9::bigint::integer, $10::bigint)
