-- People.

-- name: user_register one
-- A new person with its first device and session. A handle or e-mail that is taken raises 23505 of users_handle or users_email.
with person as (
	insert into users (id, handle, display_name, email, locale, password_hash)
	values ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text)
	returning *
), device as (
	insert into devices (user_id, id, name, platform)
	values ($1::uuid, $7::uuid, $8::text, $9::text)
), session as (
	insert into sessions (id, user_id, device_id, refresh_hash, refresh_expires_at)
	values ($10::uuid, $1::uuid, $7::uuid, $11::bytea, now() + $12::bigint * interval '1 second')
)
select id, handle, display_name, avatar_url, bio, created_at, deleted_at is not null as deleted,
	email, locale, settings::text as settings
from person

-- name: user_for_login maybe
-- By handle or by e-mail, whichever is given, with what proves the password.
select id, handle, display_name, avatar_url, bio, created_at, deleted_at is not null as deleted,
	email, locale, settings::text as settings, password_hash
from users
where (lower(handle) = lower($1::text) or lower(email) = lower($2::text)) and deleted_at is null

-- name: user_password_update none
-- A stronger hash of the same password; only over the one that was checked.
update users set password_hash = $2::text where id = $1::uuid and password_hash = $3::text

-- name: user_own maybe
select id, handle, display_name, avatar_url, bio, created_at, deleted_at is not null as deleted,
	email, locale, settings::text as settings
from users
where id = $1::uuid and deleted_at is null

-- name: user_profile maybe
-- What others may see; an erased account still has a (blank) profile.
select id, handle, display_name, avatar_url, bio, created_at, deleted_at is not null as deleted
from users
where id = $1::uuid

-- name: user_update maybe
-- Changes what the flags name, to the value beside each; null clears.
update users
set display_name = case when $2::boolean then $3::text else display_name end,
	avatar_url = case when $4::boolean then $5::text else avatar_url end,
	bio = case when $6::boolean then $7::text else bio end,
	locale = case when $8::boolean then $9::text else locale end,
	settings = case when $10::boolean then coalesce($11::text::json, '{}') else settings end,
	updated_at = now()
where id = $1::uuid and deleted_at is null
returning id, handle, display_name, avatar_url, bio, created_at, deleted_at is not null as deleted,
	email, locale, settings::text as settings
