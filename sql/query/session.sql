-- Sign-ins.

-- name: session_check maybe
-- In front of a request's first statement, in its transaction: raises 28R01 unless the session is alive and the user's.
-- Plain SQL, so that it costs one probe of an index; the function is called for who is refused alone.
select session_refuse()
where not exists (
	select from sessions s where s.id = $1::uuid and s.user_id = $2::uuid and s.revoked_at is null
)

-- name: session_create none
-- A session on a device of the user; the device is made, or noted as used again.
with device as (
	insert into devices (user_id, id, name, platform)
	values ($1::uuid, $2::uuid, $3::text, $4::text)
	on conflict (user_id, id) do update
	set last_used_at = now(),
		name = coalesce(excluded.name, devices.name),
		platform = coalesce(excluded.platform, devices.platform)
)
insert into sessions (id, user_id, device_id, refresh_hash, refresh_expires_at)
values ($5::uuid, $1::uuid, $2::uuid, $6::bytea, now() + $7::bigint * interval '1 second')
