-- Sign-ins.

-- name: session_check maybe
-- In front of a request's first statement, in its transaction: raises 28R01 unless the session is alive and the user's.
-- Plain SQL, so that it costs one probe of an index; the function is called for who is refused alone.
select session_refuse()
where not exists (
	select from sessions s where s.id = $1::uuid and s.user_id = $2::uuid and s.revoked_at is null
)

-- name: session_create maybe
-- A session on a device of the user; the device is made, or noted as used again. No row: since the password was checked
-- it has been changed ($9 is when it last was), or the account erased or disabled; the lock makes these wait for each other.
-- Each sign-in adds a row and takes up to eight away, so that they do not grow for ever: what ended, whoever's, or of this
-- user ran out, 60 days ago or more. (No access token of ours lives as long; where a provider's does, its session stays.)
with person as (
	select id
	from users
	where id = $1::uuid and deleted_at is null and disabled_at is null
		and password_changed_at is not distinct from $9::timestamptz
	for no key update
), device as (
	insert into devices (user_id, id, name, platform)
	select id, $2::uuid, $3::text, $4::text from person
	on conflict (user_id, id) do update
	set last_used_at = now(),
		name = coalesce(excluded.name, devices.name),
		platform = coalesce(excluded.platform, devices.platform)
), past as (
	delete from sessions
	where id = any(array(select id from sessions
			where revoked_at < now() - interval '60 days'
				and (refresh_hash is not null or refresh_expires_at < now())
			order by revoked_at
			limit 4
			for update skip locked)
		|| array(select id from sessions
			where user_id = $1::uuid and revoked_at is null and refresh_expires_at < now() - interval '60 days'
			limit 4
			for update skip locked))
)
insert into sessions (id, user_id, device_id, refresh_family, refresh_hash, refresh_expires_at)
select $5::uuid, id, $2::uuid, $6::bytea, $7::bytea, now() + $8::bigint * interval '1 second' from person
returning id

-- name: session_list many
-- What the user is signed in with, latest sign-in first: $1 user, $2 rows, ($3, $4) the last row of the page before
-- (null: the first page).
select s.id, s.created_at, s.last_used_at, d.id as device_id, d.name as device_name, d.platform as device_platform
from sessions s
join devices d on d.user_id = s.user_id and d.id = s.device_id
where s.user_id = $1::uuid and s.revoked_at is null and s.refresh_expires_at > now()
	and (s.created_at, s.id) < (coalesce($3::timestamptz, 'infinity'),
		coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
order by s.created_at desc, s.id desc
limit $2::bigint

-- name: session_end maybe
-- Ends one session of the user; again and again. No row: it has no such session.
select session_end(s.user_id, s.id, null, null, $3::uuid)
from sessions s
where s.id = $2::uuid and s.user_id = $1::uuid

-- name: session_revoked many
-- Sessions that ended and of which a token may say otherwise: in the last $1 seconds, or of an identity provider, whose tokens
-- live as long as they do, until until_at (null: it is ours). Above $2 (null: from the first), $3 rows.
with recent as materialized (
	select id, revoked_at, case when refresh_hash is null then refresh_expires_at end as until_at
	from sessions
	where revoked_at > now() - $1::bigint * interval '1 second'
	union
	select id, revoked_at, refresh_expires_at
	from sessions
	where refresh_hash is null and revoked_at is not null and refresh_expires_at > now()
)
select id, revoked_at, until_at
from recent
where id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
order by id
limit $3::bigint

-- name: session_people_count one
-- How many session_people would give, at most $2: $1 as there.
select count(*) as people
from (
	select distinct user_id
	from sessions
	where revoked_at is null and refresh_expires_at > now() - $1::bigint * interval '1 second'
	limit $2::bigint
) as alive

-- name: session_people many
-- Users who may be connected, by id: whose session is alive, or was when its last token was made, which lives $1 seconds.
-- Above $2 (null: from the first), $3 rows. By the index sessions_live, read in its order.
select distinct user_id
from sessions
where revoked_at is null and refresh_expires_at > now() - $1::bigint * interval '1 second'
	and user_id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
order by user_id
limit $3::bigint
