/* Settings, key files, disk and programs of this host (doctor.h). Called by doctor.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/jose.h"
#include "lib/time.h"
#include "lib/url.h"
#include "lib/version.h"
#include "ops/parley/doctor.h"
#include "ops/parley/keyring.h"
#include "sql/connect.h"

enum {
	DISK_FAIL_MB = 100,
	DISK_WARN_MB = 1024,
	SECRET_BYTES_MIN = 16, /* as the plugin wants it */
	WAITING_US_MAX_H = 24,
	MB = 1 << 20,
};

#define US_PER_H 3600000000LL

/* Who else may read a secret file. True: nobody, or those of its group, which is how two programs share it. */
static bool secret_mode_ok(
	struct doctor *doctor, const char *check, const char *path, const char *missing)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		doctor_row(doctor, DOCTOR_FAIL, check, missing, "%s: %s", path, strerror(errno));
		return false;
	}
	if (st.st_mode & 0027) {
		doctor_row(doctor, DOCTOR_FAIL, check,
			arena_printf(doctor->op->arena,
				"chmod %s %s; if others could read it, make a new one.",
				st.st_mode & 0040 ? "0640" : "0600", path),
			"%s has mode %04o: it is open to others", path,
			(unsigned)st.st_mode & 07777);
		return false;
	}
	return true;
}

/* ---- settings ---------------------------------------------------------------------------------
 */

static void settings_var(struct doctor *doctor)
{
	const struct operation *op = doctor->op;
	const char *file = op->options->config ? op->options->config : getenv("PARLEY_CONF");
	struct stat st;

	if (stat(op->conf.var, &st) != 0 || !S_ISDIR(st.st_mode)) {
		doctor_row(doctor, DOCTOR_FAIL, "settings",
			"Name the settings that the programs run with: --config FILE, or "
			"PARLEY_VAR.",
			"var is %s, and that is no directory", op->conf.var);
		return;
	}
	doctor_row(doctor, DOCTOR_OK, "settings", NULL, "%s, var %s",
		file ? file : "no file, environment alone", op->conf.var);
}

static void settings_limits(struct doctor *doctor)
{
	double scale = doctor->op->conf.rate_scale;

	if (scale <= 0)
		doctor_row(doctor, DOCTOR_WARN, "rate limits",
			"Unset rate_scale: without limits anybody can guess passwords as fast as "
			"they can be "
			"checked.",
			"switched off");
	else if (scale > 10)
		doctor_row(doctor, DOCTOR_WARN, "rate limits",
			"A rate_scale above 10 protects little.", "%g times as much as is usual",
			scale);
	else
		doctor_row(doctor, DOCTOR_OK, "rate limits", NULL, "rate_scale %g", scale);
}

static void settings_proxies(struct doctor *doctor)
{
	const char *text = doctor->op->conf.trusted_proxies;
	struct networks networks;
	struct str bad;

	if (networks_parse(str_of(text), &networks, &bad) != OK)
		return; /* such settings do not load */
	for (size_t i = 0; i < networks.count; i++) {
		unsigned family = address_is_v4(&networks.items[i].base) ? 96 : 0;

		if (networks.items[i].bits > family)
			continue;
		doctor_row(doctor, DOCTOR_FAIL, "trusted proxies",
			"List the addresses of your proxies alone: whoever is trusted chooses the "
			"address "
			"that limits count.",
			"trusted_proxies has everybody in it: %s", text);
		return;
	}
	doctor_row(doctor, DOCTOR_OK, "trusted proxies", NULL, "%s", *text ? text : "none");
}

static void settings_cors(struct doctor *doctor)
{
	const char *text = doctor->op->conf.cors_origins;

	if (strstr(text, "http://") && !strstr(text, "http://localhost") &&
		!strstr(text, "http://127."))
		doctor_row(doctor, DOCTOR_WARN, "other origins",
			"List https: origins alone: a page that came unencrypted may be anybody's.",
			"cors_origins: %s", text);
	else
		doctor_row(doctor, DOCTOR_OK, "other origins", NULL, "%s", *text ? text : "none");
}

/* What parley-notify needs to send a mail with which a password is reset. */
static void settings_mail(struct doctor *doctor)
{
	const struct conf *conf = &doctor->op->conf;
	bool plain = strncmp(conf->smtp_url, "smtp:", 5) == 0 &&
		     conf->smtp_starttls == SMTP_STARTTLS_NEVER &&
		     !url_is_loopback(str_of(conf->smtp_url));

	if (!*conf->smtp_url && (*conf->reset_url || *conf->mail_from))
		doctor_row(doctor, DOCTOR_FAIL, "mail",
			"Set smtp_url, or unset reset_url and mail_from: who has forgotten a "
			"password waits for a "
			"mail that never comes.",
			"there is a %s, and no smtp_url",
			*conf->reset_url ? "reset_url" : "mail_from");
	else if (!*conf->smtp_url)
		doctor_row(doctor, DOCTOR_OK, "mail", NULL,
			"none is sent: a forgotten password is not reset by mail");
	else if (plain || strncmp(conf->reset_url, "http:", 5) == 0)
		doctor_row(doctor, DOCTOR_WARN, "mail",
			"Use https: for reset_url, and TLS on the way to the mail server (smtps:, "
			"or smtp_starttls = "
			"always): the mail holds a token that changes a password.",
			"%s is not encrypted", plain ? conf->smtp_url : conf->reset_url);
	else if (!*conf->smtp_password_file ||
		 secret_mode_ok(doctor, "mail", conf->smtp_password_file,
			 "Write the password of smtp_user there, readable for parley-notify "
			 "alone."))
		doctor_row(doctor, DOCTOR_OK, "mail", NULL, "by %s, from %s", conf->smtp_url,
			conf->mail_from);
}

void doctor_settings(struct doctor *doctor)
{
	settings_var(doctor);
	settings_limits(doctor);
	settings_proxies(doctor);
	settings_cors(doctor);
	settings_mail(doctor);
}

/* ---- keys -------------------------------------------------------------------------------------
 */

static struct jose_keys *keys_private(struct doctor *doctor)
{
	const char *path = doctor->op->conf.token_private_key;
	struct jose_keys *keys;

	if (!secret_mode_ok(doctor, "signing key", path, "Make it: parley keys make."))
		return NULL;
	if (jose_keys_load(path, &keys) != OK) {
		doctor_row(doctor, DOCTOR_FAIL, "signing key",
			"Run parley doctor as the user of parley-rest, or put a private Ed25519 "
			"key there: "
			"parley keys make.",
			"%s: %s", path, doctor_reason());
		return NULL;
	}
	if (jose_keys_can_sign(keys)) {
		doctor_row(doctor, DOCTOR_OK, "signing key", NULL, "%s, kid %s", path,
			jose_keys_signer(keys));
		return keys;
	}
	doctor_row(doctor, DOCTOR_FAIL, "signing key", "Put the private key there.",
		"%s holds no private key", path);
	jose_keys_free(keys);
	return NULL;
}

/* What a rotation has left to do, and nobody has done. */
static void keys_waiting(struct doctor *doctor, size_t count)
{
	struct keyring ring;
	const struct ring_key *next;
	int status = keyring_open(doctor->op, false, &ring);

	next = status == EXIT_DONE ? keyring_find(&ring, keyring_next(&ring)) : NULL;
	if (status == EXIT_DONE && keyring_next(&ring) &&
		(!next || next->since_us == TIME_NONE ||
			time_now_us() - next->since_us > WAITING_US_MAX_H * US_PER_H))
		doctor_row(doctor, DOCTOR_WARN, "public keys", "Finish it: parley keys rotate.",
			"%zu keys; a rotation was begun and not finished (%s)", count,
			ring.next_path);
	else
		doctor_row(doctor, DOCTOR_OK, "public keys", NULL,
			"%zu, the signing one among them", count);
	keyring_close(&ring);
}

static void keys_public(struct doctor *doctor, const struct jose_keys *signer)
{
	const char *paths = doctor->op->conf.token_public_keys;
	struct jose_keys *keys;

	if (jose_keys_load(paths, &keys) != OK) {
		doctor_row(doctor, DOCTOR_FAIL, "public keys",
			"parley keys make writes the file where it is missing; every file that is "
			"named has "
			"to be there and readable.",
			"%s: %s", paths, doctor_reason());
		return;
	}
	if (signer && !jose_keys_cover(keys, signer))
		doctor_row(doctor, DOCTOR_FAIL, "public keys",
			"The broker refuses every token until it is there: parley keys make adds "
			"it.",
			"%s does not hold the public half of the signing key", paths);
	else
		keys_waiting(doctor, jose_keys_count(keys));
	jose_keys_free(keys);
}

static void keys_secret(struct doctor *doctor)
{
	const char *path = doctor->op->conf.broker_secret;
	struct stat st;
	FILE *file;
	char line[512] = "";

	if (!secret_mode_ok(doctor, "broker secret", path,
		    "Make it: openssl rand -hex 32, readable for mosquitto and parley-push alone."))
		return;
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file) || strcspn(line, "\n") < SECRET_BYTES_MIN) {
		doctor_row(doctor, DOCTOR_FAIL, "broker secret",
			"Make another: openssl rand -hex 32. mosquitto and parley-push read the "
			"same "
			"file.",
			"%s: %s", path,
			file ? "its first line is shorter than 16 bytes" : strerror(errno));
	} else if (fstat(fileno(file), &st) == 0) {
		doctor_row(doctor, DOCTOR_OK, "broker secret", NULL, "%s, mode %04o", path,
			(unsigned)st.st_mode & 07777);
	}
	explicit_bzero(line, sizeof(line));
	if (file)
		fclose(file);
}

void doctor_keys(struct doctor *doctor)
{
	struct jose_keys *signer = keys_private(doctor);

	keys_public(doctor, signer);
	keys_secret(doctor);
	jose_keys_free(signer);
}

/* ---- the host ---------------------------------------------------------------------------------
 */

static void host_disk(struct doctor *doctor)
{
	const char *var = doctor->op->conf.var;
	struct statvfs fs;
	unsigned long long free_mb;
	enum doctor_state state;

	if (statvfs(var, &fs) != 0) {
		doctor_row(doctor, DOCTOR_WARN, "disk", "See the row of the settings.", "%s: %s",
			var, strerror(errno));
		return;
	}
	free_mb = (unsigned long long)fs.f_bavail * fs.f_frsize / MB;
	state = free_mb < DISK_FAIL_MB	 ? DOCTOR_FAIL
		: free_mb < DISK_WARN_MB ? DOCTOR_WARN
					 : DOCTOR_OK;
	doctor_row(doctor, state, "disk",
		state == DOCTOR_OK
			? NULL
			: "Make room: PostgreSQL stops when its disk is full. A slot that nobody "
			  "reads keeps WAL.",
		"%llu MB free below %s", free_mb, var);
}

/* The first line that a program says of itself; "" when it cannot be started. */
static const char *program_says(struct doctor *doctor, const char *program, const char *option)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *name = arena_strndup(doctor->op->arena, program, strlen(program));
	char *flag = arena_strndup(doctor->op->arena, option, strlen(option));
	char *const arguments[] = { name, flag, NULL };
	char *const variables[] = { path, NULL };
	struct str out = { NULL, 0 };
	const char *end;

	if (operator_run(doctor->op, arguments, variables, &out) == 127 || !out.ptr)
		return "";
	end = memchr(out.ptr, '\n', out.len);
	return arena_strndup(doctor->op->arena, out.ptr, end ? (size_t)(end - out.ptr) : out.len);
}

const char *doctor_sibling(struct doctor *doctor, const char *name)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));

	while (len > 0 && path[len - 1] != '/')
		len--;
	return arena_printf(doctor->op->arena, "%.*s%s", len > 0 ? (int)len : 0, path, name);
}

static void host_versions(struct doctor *doctor)
{
	static const char *const ours[] = { "parley-rest", "parley-media", "parley-picture",
		"parley-push", "parley-notify", "parley-bucket" };
	const char *broker = program_says(doctor, "mosquitto", "-h");
	const char *front = program_says(doctor, "lighttpd", "-v");
	int libpq = connect_library_version();
	const char *number = strstr(broker, "mosquitto version ");

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		const char *says =
			program_says(doctor, doctor_sibling(doctor, ours[i]), "--version");

		if (*says && !strstr(says, PARLEY_VERSION))
			doctor_row(doctor, DOCTOR_WARN, "versions",
				"Install all programs of one version, then reload them.",
				"%s, and this is parley " PARLEY_VERSION, says);
	}
	if (number && strncmp(number + 18, "2.", 2) != 0)
		doctor_row(doctor, DOCTOR_FAIL, "versions",
			"The plugin is for mosquitto 2 (Debian 12 has 2.0.11).", "%s", broker);
	doctor_row(doctor, DOCTOR_OK, "versions", NULL,
		"parley " PARLEY_VERSION "; libpq %d.%d; %s; %s", libpq / 10000, libpq % 10000,
		*broker ? broker : "no mosquitto here", *front ? front : "no lighttpd here");
}

void doctor_host(struct doctor *doctor)
{
	host_disk(doctor);
	host_versions(doctor);
}
