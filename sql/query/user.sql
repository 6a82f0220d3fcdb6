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
	insert into sessions (id, user_id, device_id, refresh_family, refresh_hash, refresh_expires_at)
	values ($10::uuid, $1::uuid, $7::uuid, $11::bytea, $12::bytea, now() + $13::bigint * interval '1 second')
)
select id, handle, display_name, avatar_url, bio, created_at, deleted_at is not null as deleted,
	email, locale, settings::text as settings
from person

-- name: user_add one
-- A new person who has not signed in, for the command parley; the same refusals. $6 null: without a password.
insert into users (id, handle, display_name, email, locale, password_hash)
values ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text)
returning id, handle, display_name, avatar_url, bio, created_at, deleted_at is not null as deleted,
	email, locale, settings::text as settings

-- name: user_find maybe
-- Who has a handle, in any case.
select id from users where lower(handle) = lower($1::text) and deleted_at is null

-- name: user_disable one
-- See the function: user, event id.
select user_disable($1::uuid, $2::uuid) as done

-- name: user_enable one
-- See the function: user, event id.
select user_enable($1::uuid, $2::uuid) as done

-- name: user_for_login maybe
-- By handle or by e-mail, whichever is given, with what proves the password, and whether the account has signed in on the device
-- $3 before. Who is disabled is nobody here.
select id, handle, display_name, avatar_url, bio, created_at, deleted_at is not null as deleted,
	email, locale, settings::text as settings, password_hash, password_changed_at,
	exists (select from devices d where d.user_id = users.id and d.id = $3::uuid) as device_known
from users
where (lower(handle) = lower($1::text) or lower(email) = lower($2::text)) and deleted_at is null and disabled_at is null

-- name: user_password_update none
-- A stronger hash of the same password; only over the one that was checked.
update users set password_hash = $2::text where id = $1::uuid and password_hash = $3::text

-- name: user_password maybe
-- What proves one's own password, and the name under which guesses at it are counted.
select handle, password_hash, password_changed_at
from users
where id = $1::uuid and deleted_at is null

-- name: user_password_change one
-- See the function: user, when the password that was checked had been changed, new hash, own session, event id.
select user_password_change($1::uuid, $2::timestamptz, $3::text, $4::uuid, $5::uuid) as changed

-- name: user_refresh maybe
-- See session_refresh: family, hash, next hash, life in seconds, event id. No row: refused.
select r.session_id, d.id as device_id, d.name as device_name, d.platform as device_platform,
	u.id, u.handle, u.display_name, u.avatar_url, u.bio, u.created_at, u.deleted_at is not null as deleted,
	u.email, u.locale, u.settings::text as settings
from session_refresh($1::bytea, $2::bytea, $3::bytea, $4::bigint, $5::uuid) r
join users u on u.id = r.user_id
join devices d on d.user_id = r.user_id and d.id = r.device_id

-- name: user_erase one
-- See the function: user, how many groups at once, whether its messages go, event id, whether its groups have system messages.
select user_erase($1::uuid, $2::bigint, $3::boolean, $4::uuid, $5::boolean) as erased

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

-- name: user_barred many
-- As whom nobody may come in although a token may say so: disabled, or erased, of which tokens of an identity provider know
-- nothing (others are told as well: to leave them out takes longer than to tell them). Latest first, behind ($1, $2) (null:
-- from the latest), $3 rows.
with barred as (
	(select id, disabled_at as barred_at
	from users
	where disabled_at is not null
		and (disabled_at, id) < (coalesce($1::timestamptz, 'infinity'),
			coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
	order by disabled_at desc, id desc
	limit $3::bigint)
	union all
	(select id, deleted_at
	from users
	where deleted_at is not null
		and (deleted_at, id) < (coalesce($1::timestamptz, 'infinity'),
			coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
	order by deleted_at desc, id desc
	limit $3::bigint)
)
select id, barred_at
from barred
order by barred_at desc, id desc
limit $3::bigint

-- name: user_search many
-- People of whom a name begins so (search_term), in the order of the first that does: $1 what was asked, $2 rows, ($3, $4)
-- term and id of the last row of the page before (null: the first page). A range of the index user_terms_search, of which the
-- limit reads the beginning. Nothing in $1 is a pattern.
with wanted as materialized (
	select search_term($1::text) as least
)
select t.term, u.id, u.handle, u.display_name, u.avatar_url, u.bio, u.created_at,
	u.deleted_at is not null as deleted
from user_terms t
join users u on u.id = t.user_id
where (select w.least from wanted w) <> ''
	-- one lower end, so that a later page begins where it is, and not at the first
	and (t.term, t.user_id) > ((select greatest(w.least, $3::text collate "C") from wanted w),
		coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
	and t.term < (select w.least || chr(1114111) from wanted w)
	-- by the first of one's names alone
	and not exists (select from user_terms o
		where o.user_id = t.user_id and o.term >= (select w.least from wanted w) and o.term < t.term)
order by t.term, t.user_id
limit $2::bigint
