-- What is under way.

-- name: transaction_settle one
-- See the function: milliseconds.
select transaction_settle($1::bigint)
