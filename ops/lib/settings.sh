# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with the files that source this one
# The settings that the set-up itself needs: from the environment (PARLEY_<KEY>), then parley.conf,
# then the defaults. The programs read all others for themselves; lib/conf.c has the whole table.
# Sourced by ops/run.

declare -A conf_file=()

# conf_file_read FILE: remembers its "key = value" lines. A dot in a key is an underscore.
conf_file_read() {
	local line key value number=0
	while IFS= read -r line || [[ -n $line ]]; do
		number=$((number + 1))
		[[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
		[[ $line =~ ^[[:space:]]*([A-Za-z_.]+)[[:space:]]*=[[:space:]]*(.*)$ ]] ||
			die "$1 line $number is not \"key = value\""
		key=${BASH_REMATCH[1]}
		value=${BASH_REMATCH[2]}
		if [[ $value =~ ^\"([^\"]*)\"[[:space:]]*(#.*)?$ ]]; then
			value=${BASH_REMATCH[1]}
		else
			# a comment begins at a # behind a blank
			value=" $value"
			value=${value%%[[:space:]]#*}
			value=${value#" "}
			value=${value%"${value##*[![:space:]]}"}
		fi
		conf_file[${key//./_}]=$value
	done <"$1"
}

# setting KEY DEFAULT: prints the value of a key.
setting() {
	local name=PARLEY_${1^^}
	printf '%s' "${!name:-${conf_file[$1]:-$2}}"
}

# port_setting KEY DEFAULT: a setting that must be a port.
port_setting() {
	local port
	port=$(setting "$1" "$2")
	[[ $port =~ ^[0-9]{1,5}$ ]] && ((10#$port >= 1 && 10#$port <= 65535)) ||
		die "PARLEY_${1^^} is \"$port\"; a port is a number from 1 to 65535"
	printf '%d' "$((10#$port))"
}

# settings_load ROOT FILE: sets the variables below; FILE may be empty or missing.
settings_load() {
	root=$1
	conf_path=
	if [[ -n $2 && -e $2 ]]; then
		[[ -r $2 ]] || die "$2 cannot be read"
		conf_path=$(realpath -- "$2")
		conf_file_read "$conf_path"
	fi
	[[ -z $(setting rest_database '')$(setting push_database '')$(setting notify_database '')$(setting owner_database '') ]] ||
		die "a database is set, but \"make run\" brings its own PostgreSQL;" \
			"unset them, or start the programs on their own as ops/systemd does"

	var=$(setting var "$root/var")
	[[ $var == /* ]] || var=$root/$var
	var=$(realpath -m -- "$var")
	attachments=$(setting attachments_dir "$var/attachments")
	[[ $attachments == /* ]] || attachments=$root/$attachments
	[[ $root$var$attachments != *[[:space:]\"\'\\,]* ]] ||
		die "the paths $root, $var and $attachments must not contain spaces, quotes, commas or backslashes"

	bind=$(setting bind 127.0.0.1)
	port=$(port_setting port 8080)
	mqtt_port=$(port_setting mqtt_port 1883)
	metrics_port=$(port_setting metrics_port 9464)
	demo=$(setting demo 1)
	issuer=$(setting token_issuer parley)
	audience=$(setting token_audience parley)
	private_key=$(setting token_private_key "$var/keys/token.key")
	public_keys=$(setting token_public_keys "$var/keys/token.pub")
	secret_file=$(setting broker_secret "$var/keys/broker.secret")
	build=${PARLEY_BUILD:-build}
	[[ $build == /* ]] || build=$root/$build

	# where a client on this host reaches what listens on bind
	case $bind in
	0.0.0.0 | '') local_address=127.0.0.1 ;;
	:: | '*') local_address=::1 ;;
	*) local_address=$bind ;;
	esac
	url_host=$local_address
	[[ $url_host != *:* ]] || url_host="[$url_host]"
	origin=http://$url_host:$port
}
