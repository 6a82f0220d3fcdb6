-- The roles and the database of one instance, made before the first migration. They belong to the
-- cluster, not to the schema, hence not in sql/migrate. Run by a superuser; again and again does no
-- harm. None has a password: who may be whom is said by the cluster's pg_hba.conf.

-- parley owns the schema and runs migrations, parley_rest serves requests, parley_push reads the WAL, parley_notify does
-- what goes out: mail, and keys of identity providers
select format('create role %I login nosuperuser nocreatedb nocreaterole', name)
from unnest(array['parley', 'parley_rest', 'parley_push', 'parley_notify']) as wanted (name)
where not exists (select from pg_roles where rolname = name) \gexec

alter role parley_push replication;

select 'create database parley owner parley encoding ''UTF8'' template template0'
where not exists (select from pg_database where datname = 'parley') \gexec

-- nobody enters by default
revoke all on database parley from public;
grant connect on database parley to parley_rest, parley_push, parley_notify;
revoke all on database postgres from public;
