-- What is under way.

-- name: transaction_snapshot one
-- Which transactions can be seen by who looks now.
select pg_current_snapshot()::text as snapshot
