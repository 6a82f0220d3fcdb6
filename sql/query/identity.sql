-- People of identity providers, and the providers' keys.

-- name: identity_seen one
-- See the function: user, issuer, subject, session, device, end of the token, handle, name, e-mail address, avatar. Raises
-- 28R01 when the user or session may not come in.
select identity_seen($1::uuid, $2::text, $3::text, $4::uuid, $5::uuid, $6::timestamptz, $7::text, $8::text, $9::text, $10::text)

-- name: identity_told one
-- See the function: webhook, user, issuer, subject, as of when, handle, name, e-mail address, avatar.
select identity_told($1::text, $2::uuid, $3::text, $4::text, $5::timestamptz, $6::text, $7::text, $8::text, $9::text) as outcome

-- name: identity_bury one
-- See the function: user, issuer.
select identity_bury($1::uuid, $2::text)

-- name: webhook_seen maybe
-- A row: this webhook has been received.
select id from webhook_ids where id = $1::text

-- name: webhook_receive one
-- See the function.
select webhook_receive($1::text) as is_new

-- name: identity_keys many
-- Every key of every issuer, by both: 16 issuers of 32 keys at most are of use.
select issuer, kid, jwk
from identity_keys
order by issuer, kid
limit 1024

-- name: identity_keys_put one
-- See the function: issuer, list of keys, event id.
select identity_keys_put($1::text, $2::text::json, $3::uuid) as changed

-- name: identity_want maybe
-- Asks for an issuer's keys, and wakes who fetches them; at most once a minute, and nothing is written more often.
with asked as (
	insert into identity_wanted (issuer, asked_at)
	select $1::text, now()
	where not exists (select from identity_wanted
		where issuer = $1::text and asked_at > now() - interval '1 minute')
	on conflict (issuer) do update set asked_at = excluded.asked_at
	where identity_wanted.asked_at is null or identity_wanted.asked_at <= now() - interval '1 minute'
	returning issuer
)
select pg_notify('parley_notify', 'identity') from asked

-- name: identity_wanted many
-- Issuers whose keys were asked for since they were last begun to be fetched.
select issuer
from identity_wanted
where asked_at > coalesce(taken_at, '-infinity')
order by issuer
limit 64

-- name: identity_take none
-- An issuer's keys are being fetched from now on.
insert into identity_wanted (issuer, taken_at)
values ($1::text, clock_timestamp())
on conflict (issuer) do update set taken_at = excluded.taken_at
