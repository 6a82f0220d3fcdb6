-- What `parley doctor` looks at. Each runs as whoever connects, and reads nothing of what people write.

-- name: doctor_server one
-- The server, as every role may see it.
select current_setting('server_version_num')::bigint as version,
	current_setting('server_version') as version_text,
	current_setting('wal_level') as wal_level,
	current_setting('max_slot_wal_keep_size') = '-1' as keeps_all_wal,
	pg_is_in_recovery() as in_recovery,
	clock_timestamp() as now,
	to_regclass('public.schema_migrations') is not null as is_migrated,
	exists (select from pg_publication where pubname = 'parley') as publication

-- name: doctor_role one
-- What this role is and may do; what is not there may not be done. writes: it serves requests.
select current_user::text as name,
	r.rolsuper as is_superuser,
	r.rolreplication as replicates,
	coalesce(has_table_privilege(to_regclass('public.messages'), 'insert'), false)
		and coalesce(has_table_privilege(to_regclass('public.conversations'), 'select, update'), false) as writes,
	coalesce(has_table_privilege(to_regclass('public.messages'), 'delete'), false) as deletes
from pg_roles r
where r.rolname = current_user

-- name: doctor_migration_list many
-- What has been applied, in its order.
select version::bigint as version, name, sha256
from schema_migrations
order by version
limit 10000

-- name: doctor_slot maybe
-- The replication slot $1. No row: it is not there.
select coalesce(s.plugin = 'pgoutput' and s.database = current_database(), false) as usable,
	s.active,
	coalesce(s.wal_status, '') as wal_status,
	coalesce(s.safe_wal_size, -1)::bigint as safe_wal_bytes,
	case when not pg_is_in_recovery()
		then coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn), 0)::bigint
		else 0
	end as behind_bytes
from pg_replication_slots s
where s.slot_name = $1::text

-- name: doctor_program_list many
-- Which of our programs are connected to this database, by the names that they give themselves.
select application_name as name, count(*) as connections
from pg_stat_activity
where datname = current_database() and application_name like 'parley-%'
group by application_name
order by application_name
limit 100

-- name: doctor_identity_list many
-- The keys of each identity provider: how many, when one last came or changed, and for how long somebody has waited for more.
select issuer,
	count(k.kid) as keys,
	max(k.fetched_at) as fetched_at,
	max(w.asked_at) filter (where w.taken_at is null or w.taken_at < w.asked_at) as wanted_at
from identity_keys k
full join identity_wanted w using (issuer)
group by issuer
order by issuer
limit 1000

-- name: doctor_mail one
-- How many mails have been tried at least three times, and are to be tried again.
select count(*) as waiting
from password_resets
where try_at is not null and tries >= 3
