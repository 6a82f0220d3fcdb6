-- name: health_check one
-- Can the database answer, and take writes?
select not pg_is_in_recovery() as writable
