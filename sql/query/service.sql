-- Services: their tokens, and what they did. Those of parley-rest are service_enter and service_answer; the others are the
-- operator's.

-- name: service_enter one
-- See the function: hash, scope, acting user, method, route, ids, request id, address, seconds that the log is kept.
select e.token_id, e.audit_id, e.acts, e.missing
from service_enter($1::bytea, $2::text, $3::uuid, $4::text, $5::text, $6::text::uuid[], $7::text, $8::text, $9::bigint) e

-- name: service_answer one
-- What the request of a row in the audit log was answered.
select service_answer($1::bigint, $2::bigint)

-- name: service_token_create one
-- A token: id, name, hash, scopes with blanks between, when it ends. A name that another one has raises 23505 of
-- service_tokens_name; one that has run out does not keep its name.
with over as (
	update service_tokens set revoked_at = expires_at
	where name = $2::text and revoked_at is null and expires_at <= now()
	returning id
)
insert into service_tokens (id, name, token_hash, scopes, expires_at)
select $1::uuid, $2::text, $3::bytea, string_to_array($4::text, ' '), $5::timestamptz
from (select count(*) from over) as over_first
returning id, name, array_to_string(scopes, ' ') as scopes, created_at, expires_at, revoked_at, last_used_at

-- name: service_token_list many
-- Newest first: $1 also those that have ended, $2 rows, ($3, $4) the last row of the page before (null: the first page).
select id, name, array_to_string(scopes, ' ') as scopes, created_at, expires_at, revoked_at, last_used_at
from service_tokens
where ($1::boolean or (revoked_at is null and (expires_at is null or expires_at > now())))
	and (created_at, id) < (coalesce($3::timestamptz, 'infinity'),
		coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
order by created_at desc, id desc
limit $2::bigint

-- name: service_token_revoke maybe
-- Ends a token by id or by name (one of them is null); one of that id that has ended already is given as it is.
with ended as (
	update service_tokens set revoked_at = now()
	where revoked_at is null and (id = $1::uuid or name = $2::text)
	returning id, name, scopes, created_at, expires_at, revoked_at, last_used_at
), found as (
	select id, name, scopes, created_at, expires_at, revoked_at, last_used_at from ended
	union all
	select id, name, scopes, created_at, expires_at, revoked_at, last_used_at
	from service_tokens
	where id = $1::uuid and revoked_at is not null
)
select id, name, array_to_string(scopes, ' ') as scopes, created_at, expires_at, revoked_at, last_used_at from found

-- name: audit_list many
-- What services did, latest first: of a token by id ($1) or name ($2), for a user ($3), since a time ($4), each or null; $5
-- rows, before the row of id $6 (null: the first page).
select a.id, a.at, a.token_id, t.name as token_name, a.user_id, u.handle as user_handle, a.method, a.route,
	array_to_string(a.targets, ' ') as targets, a.request_id, a.remote_address, a.status::bigint as status
from audit a
left join service_tokens t on t.id = a.token_id
left join users u on u.id = a.user_id
where ($1::uuid is null or a.token_id = $1::uuid)
	and ($2::text is null or t.name = $2::text)
	and ($3::uuid is null or a.user_id = $3::uuid)
	and ($4::timestamptz is null or a.at >= $4::timestamptz)
	and ($6::bigint is null or a.id < $6::bigint)
order by a.id desc
limit $5::bigint
