-- Public keys of devices.

-- name: device_key_put one
-- See the function: user, session, device, identity key, signed pre-key (id, key, signature), one-time pre-keys, how many of these at
-- most, how many devices at most.
select outcome, one_time_left
from device_key_put($1::uuid, $2::uuid, $3::uuid, $4::text, $5::bigint::integer, $6::text, $7::text, $8::text::json,
	$9::bigint, $10::bigint)

-- name: device_key_own maybe
-- What others are given of a device of the user, and how many one-time pre-keys are left. No row: it has no such device, or that has no
-- keys.
select k.device_id, k.identity_key, k.signed_id, k.signed_public_key, k.signed_signature,
	(select count(*) from one_time_prekeys o
		where o.user_id = k.user_id and o.device_id = k.device_id and not o.taken) as one_time_left
from device_keys k
where k.user_id = $1::uuid and k.device_id = $2::uuid and k.signed_id is not null and device_alive(k.user_id, k.device_id)

-- name: device_key_take many
-- What $2, by its session $3, is given of the devices of $1 on which that is signed in, its own left out; at most $6, by id. With $4
-- and the next one-time pre-key of each (key_id null: there is none); with $5 that is handed out, and nobody is given it again: who
-- asks at the same moment passes over the row, and gets the next.
-- No row: there is no such user. One row without device_id: there are no keys, or none for $2, whom it has blocked.
with person as (
	select u.id, exists (select from blocks b where b.user_id = u.id and b.blocked_id = $2::uuid) as blocked
	from users u
	where u.id = $1::uuid and u.deleted_at is null
), place as materialized (
	select k.*
	from person p
	join device_keys k on k.user_id = p.id
	where not p.blocked and k.signed_id is not null and device_alive(k.user_id, k.device_id)
		and not exists (select from sessions s
			where s.id = $3::uuid and s.user_id = k.user_id and s.device_id = k.device_id)
	order by k.device_id
	limit $6::bigint
), picked as materialized (
	select o.*
	from place k
	cross join lateral (
		select n.user_id, n.device_id, n.key_id, n.public_key
		from one_time_prekeys n
		where n.user_id = k.user_id and n.device_id = k.device_id and not n.taken
		order by n.key_id
		limit 1
		for update skip locked
	) o
	where $4::boolean
), gone as (
	update one_time_prekeys o
	set taken = true
	from picked p
	where $5::boolean and o.user_id = p.user_id and o.device_id = p.device_id and o.key_id = p.key_id
)
select p.blocked, k.device_id, k.identity_key, k.signed_id, k.signed_public_key, k.signed_signature, o.key_id, o.public_key
from person p
left join place k on true
left join picked o on o.device_id = k.device_id
order by k.device_id
limit $6::bigint
