# shellcheck shell=bash
# shellcheck disable=SC2154 # variables are shared with the files that source this one
# Starts the services of one instance, starts them again when they die, and stops them in order.
# Sourced by ops/run. Whoever sources it defines, for each name in `services`, a function
# NAME_exec that replaces its process by the service in the foreground.
#
# Every service is in a session of its own, so that a Ctrl-C at the terminal reaches the supervisor
# alone, and has asked the kernel to be ended when the supervisor dies, however that happens.

readonly services=(postgres mosquitto push notify rest lighttpd)

declare -A service_pid=()		# of those that run
declare -A service_started_ms=()
declare -A service_delay_ms=()		# before the next start; grows while it dies at once
declare -A service_due_ms=()		# when a dead one is started again
declare -A service_end=([postgres]=INT [mosquitto]=TERM [push]=TERM [notify]=TERM [rest]=TERM [lighttpd]=INT)

readonly delay_least_ms=100 delay_most_ms=1500 settled_ms=3000

now_ms() {
	local us=${EPOCHREALTIME/[.,]/}
	printf '%d' "$((us / 1000))"
}

# launch END_SIGNAL PROGRAM…: becomes PROGRAM, in a session of its own. Background jobs of a script
# begin with SIGINT and SIGQUIT ignored, and this script ignores SIGPIPE: all three are put back.
launch() {
	local signal=$1
	shift
	exec setsid env -u PARLEY_WS_PORT -u PARLEY_BUILD -u PARLEY_ASAN -u PARLEY_TEST_STACK \
		--default-signal=INT,QUIT,PIPE,HUP setpriv --pdeathsig "$signal" "$@"
}

# service_start NAME
service_start() {
	local name=$1
	"${name}_exec" </dev/null >>"$var/log/$name.log" 2>&1 &
	service_pid[$name]=$!
	service_started_ms[$name]=$(now_ms)
	printf '%d\n' "$!" >"$var/run/$name.pid.new"
	mv -- "$var/run/$name.pid.new" "$var/run/$name.pid"
}

service_runs() {
	[[ -n ${service_pid[$1]:-} ]] && kill -0 "${service_pid[$1]}" 2>/dev/null
}

# service_await NAME SECONDS COMMAND…: waits until COMMAND succeeds. Says why it never will.
service_await() {
	local name=$1 end
	end=$(($(now_ms) + $2 * 1000))
	shift 2
	until "$@" >/dev/null 2>&1; do
		service_runs "$name" || service_failed "$name" 'ended at once'
		(($(now_ms) < end)) || service_failed "$name" 'is not ready in time'
		sleep 0.05
	done
}

service_failed() {
	printf 'parley: error: %s %s; the last lines of %s:\n' "$1" "$2" "$var/log/$1.log" >&2
	tail -n 12 -- "$var/log/$1.log" >&2
	exit 1
}

# service_bury NAME: a service has died: what it has left in its session is ended, the next start planned.
service_bury() {
	local name=$1 pid=${service_pid[$1]} status=0 now delay
	wait "$pid" 2>/dev/null || status=$?
	kill -TERM -- "-$pid" 2>/dev/null || true
	unset "service_pid[$name]"
	now=$(now_ms)
	delay=$delay_least_ms
	if ((now - service_started_ms[$name] < settled_ms)); then
		delay=$((${service_delay_ms[$name]:-50} * 2))
		((delay <= delay_most_ms)) || delay=$delay_most_ms
	fi
	service_delay_ms[$name]=$delay
	service_due_ms[$name]=$((now + delay))
	say "$name ended (status $status); starting it again" \
		"$( ((delay <= 1000)) || printf 'in %d s; see %s' "$((delay / 1000))" "$var/log/$name.log")"
}

# supervise: never returns. The end of any child wakes it at once; the tick is for what is planned,
# and for an end that came between two waits.
supervise() {
	local name pause
	while :; do
		pause=1
		for name in "${services[@]}"; do
			if [[ -n ${service_pid[$name]:-} ]]; then
				service_runs "$name" || service_bury "$name"
			fi
			if [[ -z ${service_pid[$name]:-} ]]; then
				(($(now_ms) < service_due_ms[$name])) || service_start "$name"
				pause=0.1
			fi
		done
		sleep "$pause" 9>&- &
		tick=$!
		wait -n 2>/dev/null || true
		kill "$tick" 2>/dev/null || true
		wait "$tick" 2>/dev/null || true
	done
}

# service_stop NAME: asks it to end; after the deadline it is ended, with all of its session.
service_stop() {
	local name=$1 pid=${service_pid[$1]:-} tries=0 signal=${service_end[$1]}
	[[ -n $pid ]] || return 0
	kill -s "$signal" "$pid" 2>/dev/null || true
	while kill -0 "$pid" 2>/dev/null; do
		tries=$((tries + 1))
		# again: a signal that comes between a test and a blocking call is easily lost
		((tries % 100)) || kill -s "$signal" "$pid" 2>/dev/null || true
		# immediate shutdown is PostgreSQL's own way to stop at once: its children end too
		((tries != 300)) || kill -s QUIT "$pid" 2>/dev/null || true
		((tries != 400)) || kill -s KILL -- "-$pid" 2>/dev/null || true
		sleep 0.05
	done
	kill -s KILL -- "-$pid" 2>/dev/null || true
	unset "service_pid[$name]"
	rm -f -- "$var/run/$name.pid"
}

# services_stop: in the opposite order of the start, so that nobody loses what it works with.
services_stop() {
	local i
	trap services_force INT TERM
	for ((i = ${#services[@]} - 1; i >= 0; i--)); do
		service_stop "${services[i]}"
	done
}

# services_force: the second Ctrl-C.
services_force() {
	local name
	trap '' INT TERM
	say 'stopping at once'
	for name in "${!service_pid[@]}"; do
		if [[ $name == postgres ]]; then
			kill -s QUIT "${service_pid[$name]}" 2>/dev/null || true
		else
			kill -s KILL -- "-${service_pid[$name]}" 2>/dev/null || true
		fi
	done
}
