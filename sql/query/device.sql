-- Devices.

-- name: device_list many
-- On what the user is signed in, latest first sign-in first: $1 user, $2 rows, ($3, $4) the last row of the page before
-- (null: the first page).
select d.id, d.name, d.platform, d.created_at, d.last_used_at
from devices d
where d.user_id = $1::uuid
	and d.id in (select s.device_id from sessions s
		where s.user_id = $1::uuid and s.revoked_at is null and s.refresh_expires_at > now())
	and (d.created_at, d.id) < (coalesce($3::timestamptz, 'infinity'),
		coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
order by d.created_at desc, d.id desc
limit $2::bigint

-- name: device_end maybe
-- Ends every session on a device of the user; again and again. No row: it has no such device.
select session_end(d.user_id, null, d.id, null, $3::uuid)
from devices d
where d.user_id = $1::uuid and d.id = $2::uuid
