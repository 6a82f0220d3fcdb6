-- Forgotten passwords.

-- name: reset_request one
-- Somebody has forgotten the password of the account with this address, if there is one. Each adds a row and takes up to four
-- away that are of no use to anybody any more, so that they do not grow for ever where nobody takes them.
with past as (
	delete from password_resets
	where id = any(array(select id from password_resets
			where requested_at < now() - interval '3 days'
			order by requested_at, id
			limit 4
			for update skip locked))
), request as (
	insert into password_resets (id, email) values ($1::uuid, $2::text)
	returning id
)
select pg_notify('parley_notify', '') from request

-- name: reset_known maybe
-- Is this the hash of a token that holds? Asked before a new password is hashed; reset_confirm asks again.
select id
from password_resets
where token_hash = $1::bytea and token_expires_at > now()

-- name: reset_confirm one
-- See the function: hash of the token, hash of the password, event id.
select reset_confirm($1::bytea, $2::text, $3::uuid) as done

-- name: reset_take maybe
-- See the function: hash of the new token, life of a token and of the taking in seconds. No row: none is due.
select reset_id, to_email, attempts, expired
from reset_take($1::bytea, $2::bigint, $3::bigint)
where reset_id is not null

-- name: reset_next maybe
-- In how many milliseconds the next is due.
select greatest(0, ceil(extract(epoch from try_at - now()) * 1000))::bigint as delay_ms
from password_resets
where try_at is not null
order by try_at, id
limit 1

-- name: reset_sent none
-- The mail of this request has been handed over; the hash says that it is still the same one.
update password_resets set try_at = null where id = $1::uuid and token_hash = $2::bytea

-- name: reset_again none
-- It has not, and is to be tried again in $3 milliseconds.
update password_resets set try_at = now() + $3::bigint * interval '1 millisecond'
where id = $1::uuid and token_hash = $2::bytea

-- name: reset_drop none
-- It cannot be.
delete from password_resets where id = $1::uuid

-- name: reset_lapse one
-- Takes up to a thousand away that were asked for $1 seconds ago or earlier, and says how many.
with past as (
	delete from password_resets
	where id = any(array(select id from password_resets
			where requested_at <= now() - $1::bigint * interval '1 second'
			order by requested_at, id
			limit 1000
			for update skip locked))
	returning id
)
select count(*) as lapsed from past
