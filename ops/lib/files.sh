# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with the files that source this one
# The directories, keys and generated configuration of one instance, all below var. Sourced by
# ops/run after settings.sh.

# UNIX socket addresses end at 107 bytes; the longest name below a socket directory is parley-rest's.
readonly socket_path_max=107
readonly socket_name='rest.sock.attachment'

# files_prepare: the directories, and where the sockets go.
files_prepare() {
	mkdir -p -- "$var" 2>/dev/null && [[ -w $var ]] ||
		die "$var is not writable; choose another directory with PARLEY_VAR"
	[[ -O $var ]] ||
		die "$var belongs to $(stat -c %U -- "$var"); start as that user, or choose another" \
			"directory with PARLEY_VAR"
	# only the way through: PostgreSQL may run as another user (cluster.sh)
	chmod 0711 -- "$var"
	mkdir -p -- "$var"/{keys,etc,run,log,upload} 2>/dev/null ||
		die "cannot make directories in $var: $(df -Ph -- "$var" | awk 'NR == 2 { print $4 }') free"

	rm -f -- "$var"/upload/* # what the web server had in hand when it was killed

	path_id=$(printf '%s' "$var" | sha256sum | cut -c1-12)
	runtime=$var/run
	if ((${#runtime} + ${#socket_name} + 1 > socket_path_max)); then
		runtime=$(runtime_short)
	fi
	rest_socket=$(setting rest_socket "$runtime/rest.sock")
}

# runtime_short: prints a private directory with a short name, made if need be.
runtime_short() {
	local directory=/tmp/parley-$EUID-$path_id
	((EUID != 0)) || directory=/run/parley-$path_id-run
	mkdir -m 0700 -- "$directory" 2>/dev/null || true
	# in /tmp anybody may have made that name before us
	[[ -d $directory && ! -L $directory && -O $directory ]] ||
		die "$directory belongs to somebody else; choose a shorter PARLEY_VAR (now $var)"
	chmod 0700 -- "$directory"
	printf '%s' "$directory"
}

# keys_make: the key that signs tokens, and the secret that parley-push shows the broker.
keys_make() {
	PARLEY_VAR=$var "$build/parley" keys make ${conf_path:+--config "$conf_path"} >"$var/log/keys.log" 2>&1 ||
		die "the keys cannot be made: $(tail -n 1 "$var/log/keys.log")"
	if [[ ! -e $secret_file ]]; then
		openssl rand -hex 32 >"$secret_file.new"
		mv -- "$secret_file.new" "$secret_file"
	fi
}

# commands_per_s: prints how many commands a user may send over MQTT in a second, as rate_scale has it; 0: no limit.
commands_per_s() {
	awk -v scale="$(setting rate_scale 1)" 'BEGIN {
		scaled = 50 * scale
		printf("%d", scale == 0 ? 0 : scaled < 1 ? 1 : scaled < 1000000 ? scaled : 1000000)
	}'
}

# mosquitto_conf_make: ops/mosquitto.conf with this instance's values.
mosquitto_conf_make() {
	local text
	text=$(<"$root/ops/mosquitto.conf")
	text=${text//@BIND@/"$bind"}
	text=${text//@MQTT_PORT@/"$mqtt_port"}
	text=${text//@WS_PORT@/"$ws_port"}
	text=${text//@PLUGIN@/"$build/parley_broker.so"}
	text=${text//@PUBLIC_KEYS@/"$public_keys"}
	text=${text//@ISSUER@/"$issuer"}
	text=${text//@AUDIENCE@/"$audience"}
	text=${text//@SECRET_FILE@/"$secret_file"}
	text=${text//@COMMANDS_PER_S@/"$(commands_per_s)"}
	text=${text//@USER@/"$(id -un)"}
	printf '%s\n' "$text" >"$var/etc/mosquitto.conf"
}

# attachment_kib: prints the largest body of an upload in KiB: the largest file, and what a form puts around it.
attachment_kib() {
	printf '%d' "$(($(setting attachment_max_bytes 26214400) / 1024 + 64))"
}

# lighttpd_conf_make: the variables of lighttpd.conf, then that file.
lighttpd_conf_make() {
	local files
	files=$(ulimit -Hn)
	[[ $files != unlimited ]] && ((files < 16384)) || files=16384
	cat >"$var/etc/lighttpd.conf" <<-CONF
		# Written at every start; edit lighttpd.conf in the project's root instead.
		var.root = "$root"
		var.bind = "${bind/#*:*/"[$bind]"}"
		var.port = $port
		var.rest_socket = "$rest_socket"
		var.ws_port = $ws_port
		var.max_fds = $files
		var.attachment_kib = $(attachment_kib)
		var.attachments = "$attachments"
		server.upload-dirs = ( "$var/upload" )
		include "$root/lighttpd.conf"
	CONF
}

# logs_turn: every start has its own logs; those of three earlier ones stay.
logs_turn() {
	local log number
	for log in "${services[@]}"; do
		log=$var/log/$log.log
		[[ -s $log ]] || continue
		for number in 2 1; do
			[[ ! -e $log.$number ]] || mv -- "$log.$number" "$log.$((number + 1))"
		done
		mv -- "$log" "$log.1"
	done
}

# env_write: what this instance is, for tools and tests: var/run/env, lines of KEY=value.
env_write() {
	cat >"$var/run/env" <<-ENV
		PARLEY_VAR=$var
		PARLEY_ORIGIN=$origin
		PARLEY_MQTT=mqtt://$url_host:$mqtt_port
		PARLEY_MQTT_WS=ws://$url_host:$port/mqtt
		PARLEY_METRICS=http://127.0.0.1:$metrics_port
		PARLEY_OWNER_DATABASE=$owner_database
		PARLEY_REST_DATABASE=$PARLEY_REST_DATABASE
		PARLEY_PUSH_DATABASE=$PARLEY_PUSH_DATABASE
		PARLEY_SUPERUSER_DATABASE=$superuser_database
		PARLEY_SUPERUSER=$pg_user
	ENV
}

# files_leave: what is outside of var goes with the instance; the database alone stays.
files_leave() {
	local directory
	for directory in "${runtime:-}" "${pg_socket:-}"; do
		[[ -z $directory || $directory == "$var"/* || ! -d $directory ]] ||
			rm -rf -- "$directory"
	done
}
