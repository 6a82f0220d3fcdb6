# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with the files that source this one
# The private PostgreSQL cluster of one instance: where it lives, how it is made, who may enter.
# Sourced by ops/run after settings.sh and files.sh.
#
# PostgreSQL does not run as root. Started by root it runs as the user postgres, who can often not
# enter the folder that var is in (/root is 0700): the cluster then lives in /var/lib/parley/<id>,
# and var/data is a link to it. Its socket is in a directory of its own in either case, because
# var/run is for the instance's user alone.

readonly pg_bin=/usr/lib/postgresql/15/bin
readonly pg_major=15

# as_postgres COMMAND…: as the user that owns the cluster, in a folder that it can enter.
as_postgres() (
	cd /
	if ((EUID == 0)); then
		exec setpriv --reuid="$pg_user" --regid="$pg_user" --init-groups -- "$@"
	fi
	exec "$@"
)

# cluster_place: sets pg_user, pg_data (as PostgreSQL sees it) and pg_socket.
cluster_place() {
	pg_user=$(id -un)
	pg_data=$var/data
	pg_socket=$runtime
	((EUID == 0)) || return 0

	pg_user=postgres
	pg_socket=/run/parley-$path_id
	install -d -m 0700 -o "$pg_user" -g "$pg_user" -- "$pg_socket"
	if [[ -L $var/data ]]; then
		pg_data=$(readlink -- "$var/data")
	elif [[ ! -e $var/data ]] && ! as_postgres test -x "$var"; then
		pg_data=/var/lib/parley/$path_id/data
		cluster_put_aside "${pg_data%/*}"
		install -d -m 0755 -- /var/lib/parley
		install -d -m 0700 -o "$pg_user" -g "$pg_user" -- "${pg_data%/*}"
		ln -s -- "$pg_data" "$var/data"
	fi
}

# cluster_put_aside DIRECTORY: var is new, yet its data is there: somebody deleted var to begin
# afresh, or by mistake. Neither may lose or revive anything.
cluster_put_aside() {
	local old
	[[ -e $1/data ]] || return 0
	old=$1.$(date +%Y%m%d-%H%M%S)
	mv -- "$1" "$old"
	say "$var is new; the data of an earlier one was kept in $old"
}

# cluster_check: an existing cluster can be used by this version and this user.
cluster_check() {
	local major owner
	if [[ ! -e $pg_data/PG_VERSION ]]; then
		check_space "$var" 400
		((EUID != 0)) || [[ ! -L $var/data ]] || check_space "${pg_data%/*}" 400
		return
	fi
	check_space "$pg_data" 100
	major=$(<"$pg_data/PG_VERSION")
	[[ $major == "$pg_major" ]] ||
		die "$var/data was made by PostgreSQL $major, and this is $pg_major: upgrade it with" \
			"pg_upgrade, or choose another directory with PARLEY_VAR"
	owner=$(stat -c %U -- "$pg_data")
	[[ $owner == "$pg_user" ]] ||
		die "$var/data belongs to $owner, but PostgreSQL would run as $pg_user; start as the" \
			"user that made it, or choose another directory with PARLEY_VAR"
}

# cluster_make: a new, empty cluster; a half-made one of an interrupted start is replaced.
cluster_make() {
	[[ ! -e $pg_data/PG_VERSION ]] || return 0
	say 'making the database (first start only)'
	if ((EUID == 0)) && [[ ! -L $var/data ]]; then
		# var itself is root's, so the directory must be there before
		install -d -m 0700 -o "$pg_user" -g "$pg_user" -- "$pg_data"
	fi
	[[ ! -d $pg_data ]] || find "$pg_data" -mindepth 1 -delete
	as_postgres "$pg_bin/initdb" --pgdata="$pg_data" --username=postgres --auth=peer \
		--encoding=UTF8 --locale=C.UTF-8 --data-checksums --no-instructions \
		>"$var/log/initdb.log" 2>&1 ||
		die "initdb failed: $(tail -n 1 "$var/log/initdb.log") (all of it: $var/log/initdb.log)"
}

# cluster_file NAME: writes standard input as a file of the cluster.
cluster_file() {
	# shellcheck disable=SC2016 # expanded by that shell
	as_postgres sh -c 'umask 077 && cat >"$1.new" && mv "$1.new" "$1"' sh "$pg_data/$1"
}

# cluster_configure: configuration and access, written at every start.
cluster_configure() {
	local me
	me=$(id -un)
	cluster_file parley.conf <"$root/ops/postgresql.conf"
	if ! grep -qx "include 'parley.conf'" "$pg_data/postgresql.conf"; then
		printf "\n# the last word\ninclude 'parley.conf'\n" |
			as_postgres tee -a "$pg_data/postgresql.conf" >/dev/null
	fi
	cluster_file pg_hba.conf <<-HBA
		# Written at every start. The socket tells who is at its other end, and pg_ident.conf which
		# roles that user may take; there is no other way in.
		# type  database  user                                           method
		local   parley    parley,parley_rest,parley_push,parley_notify   peer map=parley
		local   all       postgres                                       peer map=parley
	HBA
	cluster_file pg_ident.conf <<-IDENT
		# Written at every start.
		# map   OS user        role
		parley  "$me"  parley
		parley  "$me"  parley_rest
		parley  "$me"  parley_push
		parley  "$me"  parley_notify
		# the superuser is for whom the files of the cluster belong to anyway
		parley  "$pg_user"  postgres
	IDENT

	owner_database="host=$pg_socket dbname=parley user=parley"
	superuser_database="host=$pg_socket dbname=postgres user=postgres"
	export PARLEY_REST_DATABASE="host=$pg_socket dbname=parley user=parley_rest"
	export PARLEY_PUSH_DATABASE="host=$pg_socket dbname=parley user=parley_push"
	export PARLEY_NOTIFY_DATABASE="host=$pg_socket dbname=parley user=parley_notify"
	# where tools look first, when the socket itself is elsewhere
	[[ $pg_socket == "$var/run" ]] || ln -sfn -- "$pg_socket/$socket_name" "$var/run/$socket_name"
}

# cluster_ready: does it take connections?
cluster_ready() {
	"$pg_bin/pg_isready" --quiet --host="$pg_socket" --dbname=parley --username=parley
}

# cluster_migrate: roles and database, then the schema; output only when something is wrong.
cluster_migrate() {
	local log=$var/log/migrate.log
	as_postgres psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname="$superuser_database" \
		<"$root/ops/roles.sql" >"$log" 2>&1 &&
		"$root/sql/migrate.sh" "$owner_database" >>"$log" 2>&1 ||
		die "the migrations failed: $(tail -n 1 "$log") (all of it: $log)"
}
