# shellcheck shell=bash
# shellcheck disable=SC2154 # variables are shared with the files that source this one
# What must be true before anything is started; each check ends the program with one line that says
# what to do. Sourced by ops/run after settings.sh.

# check_programs: everything that is started is there.
check_programs() {
	local program
	for program in setsid setpriv flock openssl curl psql ss mosquitto lighttpd; do
		command -v "$program" >/dev/null ||
			die "the program $program is missing; run ops/setup run"
	done
	[[ -x $pg_bin/postgres ]] || die "$pg_bin/postgres is missing; run ops/setup run"
	for program in parley parley-rest parley-media parley-picture parley-push parley-notify parley-bucket parley_broker.so; do
		[[ -e $build/$program ]] || die "$build/$program is not built; run make"
	done
}

# check_lock: this instance alone works in var. The services inherit the lock, so that a start right
# after the supervisor was killed waits until the last of them has gone.
check_lock() {
	local owner=
	exec 9>>"$var/run/lock" || die "cannot write to $var/run"
	flock -n 9 && return
	if read -r owner <"$var/run/supervisor.pid" 2>/dev/null && [[ -d /proc/$owner ]]; then
		die "another instance (process $owner) runs in $var; stop it, or give this one a" \
			"directory of its own: PARLEY_VAR=other-var"
	fi
	say 'waiting for what is left of an earlier run to stop'
	flock -w 30 9 ||
		die "processes of an earlier run still hold $var/run/lock; see: fuser -v $var/run/lock"
}

# check_space DIRECTORY MEGABYTES
check_space() {
	local free
	free=$(df -Pm -- "$1" | awk 'NR == 2 { print $4 }')
	((free >= $2)) ||
		die "the disk of $1 is full: $free MB are free, $2 MB are needed"
}

# listener_on ADDRESS PORT: prints who listens there already, if anybody.
listener_on() {
	local state address process _
	while read -r state _ _ address _ process; do
		[[ $state == LISTEN ]] || continue
		address=${address%:*}
		address=${address%%\%*}
		case $1,$address in
		*,0.0.0.0 | *,'*' | *,'[::]' | 0.0.0.0,* | ::,* | "$address,$address" | *,"[$1]") ;;
		*) continue ;;
		esac
		[[ $process =~ \(\(\"([^\"]*)\",pid=([0-9]+) ]] &&
			printf 'by %s (process %s)' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" ||
			printf 'by another program'
		return
	done < <(ss -Hltnp "sport = :$2" 2>/dev/null)
}

# check_port ADDRESS PORT SETTING
check_port() {
	local user
	user=$(listener_on "$1" "$2")
	[[ -z $user ]] ||
		die "port $2 ($3) is already in use $user; stop that, or choose another:" \
			"$3=$(free_port) make run"
	((EUID == 0 || $2 >= $(</proc/sys/net/ipv4/ip_unprivileged_port_start))) ||
		die "port $2 ($3) needs root; choose one from 1024 on"
}

# free_port: prints a port of this host that nobody listens on. Below the range that outgoing
# connections take theirs from.
free_port() {
	local candidate
	while :; do
		candidate=$((20000 + RANDOM % 10000))
		[[ -z $(ss -Hltn "sport = :$candidate") ]] && break
	done
	printf '%d' "$candidate"
}

# check_ports: the three that are set, and the broker's WebSocket listener, which only lighttpd uses.
check_ports() {
	((port != mqtt_port && port != metrics_port && mqtt_port != metrics_port)) ||
		die "PARLEY_PORT, PARLEY_MQTT_PORT and PARLEY_METRICS_PORT must differ" \
			"(they are $port, $mqtt_port and $metrics_port)"
	check_port "$bind" "$port" PARLEY_PORT
	check_port "$bind" "$mqtt_port" PARLEY_MQTT_PORT
	check_port 127.0.0.1 "$metrics_port" PARLEY_METRICS_PORT
	if [[ -n $(setting ws_port '') ]]; then
		ws_port=$(port_setting ws_port 0)
		check_port 127.0.0.1 "$ws_port" PARLEY_WS_PORT
		return
	fi
	# kept, so that it stays the same while the instance lives
	ws_port=$(cat "$var/etc/ws_port" 2>/dev/null || true)
	if [[ ! $ws_port =~ ^[0-9]+$ || -n $(listener_on 127.0.0.1 "$ws_port") ]] ||
		((ws_port == port || ws_port == mqtt_port || ws_port == metrics_port)); then
		ws_port=$(free_port)
		printf '%d\n' "$ws_port" >"$var/etc/ws_port"
	fi
}
