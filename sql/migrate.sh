#!/bin/bash
# Brings a database up to this version: sql/migrate.sh 'CONNINFO OF THE OWNER'
# Applies what is missing of sql/migrate/*.sql in order, each in a transaction of its own and noted in
# schema_migrations, then sql/function/*.sql and sql/grants.sql, whole, every time. One at a time: an advisory lock is
# held throughout. Refuses a database that is newer than this version, or a migration that was edited after
# it was applied. The roles of ops/roles.sql must be there.
set -euo pipefail
database=${1:?usage: sql/migrate.sh CONNINFO}
here=$(cd "$(dirname "$0")" && pwd)

{
	cat <<'SQL'
\set ON_ERROR_STOP on
\set QUIET on
set client_min_messages = warning;
select pg_advisory_lock(hashtext('parley schema')) \g /dev/null
create table if not exists schema_migrations (
	version integer primary key,
	name text not null,
	sha256 text not null,
	applied_at timestamptz not null default now()
);
comment on table schema_migrations is 'What has been applied of sql/migrate';
comment on column schema_migrations.version is 'The number that its name begins with';
comment on column schema_migrations.name is 'File name without .sql';
comment on column schema_migrations.sha256 is 'Of the file: a merged migration is never edited';
comment on column schema_migrations.applied_at is 'When';
SQL
	newest=0
	for file in "$here"/migrate/[0-9]*.sql; do
		name=$(basename "$file" .sql)
		version=$((10#${name%%_*}))
		newest=$version
		sum=$(sha256sum "$file" | cut -d' ' -f1)
		cat <<SQL
select coalesce((select sha256 = '$sum' from schema_migrations where version = $version), true) as same,
	not exists (select from schema_migrations where version = $version) as todo \gset
\if :same
\else
	do \$\$ begin raise exception 'sql/migrate.sh: $name was edited after it was applied; take the file as it was, or begin with an empty database'; end \$\$;
\endif
\if :todo
	begin;
	set local lock_timeout = '5s';
	\i '$file'
	insert into schema_migrations (version, name, sha256) values ($version, '$name', '$sum');
	commit;
	\echo applied $name
\endif
SQL
	done
	cat <<SQL
select max(version) > $newest as newer from schema_migrations \gset
\if :newer
	do \$\$ begin raise exception 'sql/migrate.sh: the database is newer than this version of Parley'; end \$\$;
\endif
begin;
SQL
	for file in "$here"/function/*.sql "$here"/grants.sql; do
		printf "\\\\i '%s'\n" "$file"
	done
	echo 'commit;'
} | psql --no-psqlrc --quiet --dbname="$database"
