-- Messages of erased accounts.

-- name: erasure_step one
-- See the function: most messages to delete, and to look at.
select erasure_step($1::bigint, $2::bigint) as done
