-- name: slot_look many
-- What parley-push has to know of the server before and while it streams: a row for each slot of any
-- database, in the order of their names, and one without a name when there is none. It has no
-- parameter because it also runs on the replication connection, which has the simple protocol alone.
select current_setting('wal_level') as wal_level,
	pg_is_in_recovery() as in_recovery,
	exists (select from pg_publication where pubname = 'parley') as publication,
	s.slot_name,
	coalesce(s.plugin = 'pgoutput' and s.database = current_database(), false) as usable,
	s.wal_status,
	s.active_pid,
	s.safe_wal_size,
	coalesce(pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0'), 0)::bigint as confirmed,
	case when not pg_is_in_recovery()
		then pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::bigint
	end as behind_bytes
from (values (1)) as always
left join pg_replication_slots s on true
order by s.slot_name
limit 1000

-- name: slot_copy maybe
-- Puts a copy of this connection's temporary slot <name>_new in the place <name>, at the same position and to stay. No
-- parameter, as above: the connection has no other temporary slot. No row: it is gone.
select (pg_copy_logical_replication_slot(slot_name, left(slot_name, -length('_new')), false)).lsn
from pg_replication_slots
where temporary and active_pid = pg_backend_pid()
