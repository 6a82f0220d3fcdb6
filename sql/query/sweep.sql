-- What is taken away of itself, in batches.

-- name: sweep_attachments maybe
-- See the function: age in seconds, behind which place, how many are looked at. No row: there are none.
select swept, last_at, last_id
from sweep_attachments($1::bigint, $2::timestamptz, $3::uuid, $4::bigint)
where last_id is not null

-- name: sweep_content_take maybe
-- The loose content that is due longest and that nobody else has in hand; until the transaction ends it is the caller's, and an upload
-- of the same waits.
select sha256
from attachment_loose
where due_at <= now()
order by due_at, sha256
limit 1
for update skip locked

-- name: sweep_content_named one
-- See the function. To be asked once it is taken.
select sweep_content_named($1::bytea) as named

-- name: sweep_content_gone none
-- It is in the store no longer, or a file names it.
delete from attachment_loose where sha256 = $1::bytea

-- name: sweep_content_later none
-- It could not be removed: it is tried again in $2 seconds, behind what is due by then.
update attachment_loose set due_at = now() + $2::bigint * interval '1 second' where sha256 = $1::bytea

-- name: sweep_receipts one
-- See the function: age in seconds, how many.
select sweep_receipts($1::bigint, $2::bigint) as swept
