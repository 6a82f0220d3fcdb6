/* The database, as each role sees it, and its schema (doctor.h). Called by doctor.c. */
#include <stdio.h>
#include <string.h>

#include "lib/time.h"
#include "migrations.h"
#include "ops/parley/doctor.h"
#include "sql/store/doctor.h"

enum {
	VERSION_MIN = 150000,
	STATEMENT_MS = 2000,
	CLOCK_WARN_MS = 2000,
	CLOCK_FAIL_MS = 60000, /* what tokens are allowed */
	LAG_WARN_MB = 64,
	SAFE_WARN_MB = 256,
	WANTED_S = 120,
	MB = 1 << 20,
};

#define US_PER_S 1000000LL

/* ---- as parley_rest ---------------------------------------------------------------------------
 */

static void server_version(struct doctor *doctor, const struct doctor_server *server)
{
	if (server->version < VERSION_MIN)
		doctor_row(doctor, DOCTOR_FAIL, "PostgreSQL",
			"Parley needs PostgreSQL 15; upgrade the cluster with pg_upgrade.",
			"version %.*s", (int)server->version_text.len, server->version_text.ptr);
	else if (server->in_recovery)
		doctor_row(doctor, DOCTOR_FAIL, "PostgreSQL",
			"Point rest_database and push_database at the primary, or promote this "
			"one.",
			"version %.*s, a replica: it takes no writes",
			(int)server->version_text.len, server->version_text.ptr);
	else
		doctor_row(doctor, DOCTOR_OK, "PostgreSQL", NULL, "version %.*s",
			(int)server->version_text.len, server->version_text.ptr);
}

static void server_wal(struct doctor *doctor, const struct doctor_server *server)
{
	if (!str_equal(server->wal_level, STR("logical")))
		doctor_row(doctor, DOCTOR_FAIL, "WAL",
			"Set wal_level = logical and restart PostgreSQL (ops/postgresql.conf has "
			"all that it "
			"needs): without it no event leaves.",
			"wal_level is %.*s", (int)server->wal_level.len, server->wal_level.ptr);
	else if (!server->publication)
		doctor_row(doctor, DOCTOR_FAIL, "WAL", "Migrate: parley migrate.",
			"the publication parley is missing");
	else if (server->keeps_all_wal)
		doctor_row(doctor, DOCTOR_WARN, "WAL",
			"Set max_slot_wal_keep_size, like 10GB: while parley-push is away, WAL is "
			"kept until the "
			"disk is full.",
			"wal_level is logical, and max_slot_wal_keep_size has no bound");
	else
		doctor_row(doctor, DOCTOR_OK, "WAL", NULL,
			"wal_level is logical, the publication is there");
}

static void server_clock(struct doctor *doctor, const struct doctor_server *server,
	int64_t before_us, int64_t after_us)
{
	/* it looked somewhen between the two */
	int64_t ahead_us = server->now_us > after_us	? server->now_us - after_us
			   : server->now_us < before_us ? server->now_us - before_us
							: 0;
	int64_t off_ms = (ahead_us < 0 ? -ahead_us : ahead_us) / 1000;
	enum doctor_state state = off_ms > CLOCK_FAIL_MS   ? DOCTOR_FAIL
				  : off_ms > CLOCK_WARN_MS ? DOCTOR_WARN
							   : DOCTOR_OK;

	doctor_row(doctor, state, "clock of database",
		state == DOCTOR_OK ? NULL
				   : "Keep the clocks of all hosts together (chrony, "
				     "systemd-timesyncd): tokens "
				     "have an end.",
		"%lld ms %s this host's", (long long)off_ms, ahead_us < 0 ? "behind" : "ahead of");
}

static void slot_status(struct doctor *doctor, const struct doctor_slot *slot)
{
	long long safe_mb = slot->safe_wal_bytes / MB, behind_mb = slot->behind_bytes / MB;
	const char *advice = NULL;
	enum doctor_state state = DOCTOR_OK;

	if (str_equal(slot->wal_status, STR("lost"))) {
		state = DOCTOR_FAIL;
		advice =
			"Start parley-push: it makes the slot anew and tells every client to sync.";
	} else if (!slot->active) {
		state = DOCTOR_FAIL;
		advice = "Start parley-push: nobody reads the events, and WAL is kept for them.";
	} else if (slot->safe_wal_bytes >= 0 && safe_mb < SAFE_WARN_MB) {
		state = DOCTOR_WARN;
		advice = "The slot is about to be lost: see why parley-push is slow, raise "
			 "max_slot_wal_keep_size.";
	} else if (behind_mb >= LAG_WARN_MB) {
		state = DOCTOR_WARN;
		advice = "parley-push does not keep up: see its log, the broker, and "
			 "parley_push_lag_bytes.";
	}
	doctor_row(doctor, state, "replication slot", advice, "%s, %s, %lld bytes behind%s",
		doctor->op->conf.slot,
		str_equal(slot->wal_status, STR("lost")) ? "lost"
		: slot->active				 ? "active"
							 : "not active",
		(long long)slot->behind_bytes,
		slot->safe_wal_bytes < 0 ? ""
					 : arena_printf(doctor->op->arena,
						   ", %lld MB of WAL until it is lost", safe_mb));
}

static void slot_check(struct doctor *doctor, struct db *db)
{
	struct doctor_slot slot;
	enum err err = db_doctor_slot(db, doctor->op->arena, doctor->op->conf.slot, &slot);

	if (err == ERR_NOT_FOUND)
		doctor_row(doctor, DOCTOR_FAIL, "replication slot",
			"Start parley-push with this setting (slot): it makes it.",
			"%s is not there", doctor->op->conf.slot);
	else if (err != OK)
		doctor_row(doctor, DOCTOR_FAIL, "replication slot", "See the row of the database.",
			"%s", doctor_reason());
	else if (!slot.usable)
		doctor_row(doctor, DOCTOR_FAIL, "replication slot",
			"It is somebody else's: choose another name (setting slot).",
			"%s is of another database, or of another plugin than pgoutput",
			doctor->op->conf.slot);
	else
		slot_status(doctor, &slot);
}

/* What a role may do. */
static void role_check(struct doctor *doctor, struct db *db, const char *check, bool serves)
{
	struct doctor_role role;
	const char *advice = NULL, *found = "what it needs, and no more";
	enum doctor_state state = DOCTOR_OK;

	if (db_doctor_role(db, doctor->op->arena, &role) != OK) {
		doctor_row(doctor, DOCTOR_FAIL, check, "See the row of the database.", "%s",
			doctor_reason());
		return;
	}
	if (serves && !role.writes) {
		state = DOCTOR_FAIL;
		found = "may not do what requests need";
		advice = "Migrate: parley migrate. It grants the rights to parley_rest.";
	} else if (!serves && !role.replicates) {
		state = DOCTOR_FAIL;
		found = "may not read the WAL";
		advice = "As a superuser: alter role parley_push replication (ops/roles.sql).";
	} else if (role.is_superuser || role.deletes) {
		state = DOCTOR_WARN;
		found = role.is_superuser ? "is a superuser" : "may delete messages";
		advice = "Connect as parley_rest and parley_push, which may do what they need "
			 "alone.";
	}
	doctor_row(
		doctor, state, check, advice, "%.*s: %s", (int)role.name.len, role.name.ptr, found);
}

static struct db *database_open(struct doctor *doctor, const char *conninfo)
{
	return db_new(conninfo, "parley-doctor",
		doctor->op->conf.statement_timeout_ms < STATEMENT_MS
			? doctor->op->conf.statement_timeout_ms
			: STATEMENT_MS);
}

void doctor_database(struct doctor *doctor)
{
	struct db *rest = database_open(doctor, doctor->op->conf.rest_database);
	struct db *push = database_open(doctor, doctor->op->conf.push_database);
	int64_t before_us;
	struct doctor_server server;

	/* connected first, so that the clock is looked at within one round trip */
	if (db_doctor_server(rest, doctor->op->arena, &server) != OK) {
		doctor_row(doctor, DOCTOR_FAIL, "database",
			"Start PostgreSQL, or set rest_database; pg_hba.conf has to let "
			"parley_rest in.",
			"%s", doctor_reason());
		return;
	}
	doctor_row(doctor, DOCTOR_OK, "database", NULL, "answers");
	before_us = time_now_us();
	if (db_doctor_server(rest, doctor->op->arena, &server) != OK)
		return;
	server_clock(doctor, &server, before_us, time_now_us());
	server_version(doctor, &server);
	server_wal(doctor, &server);
	slot_check(doctor, rest);
	role_check(doctor, rest, "rights of parley-rest", true);
	if (db_doctor_server(push, doctor->op->arena, &server) == OK)
		role_check(doctor, push, "rights of parley-push", false);
	else
		doctor_row(doctor, DOCTOR_FAIL, "rights of parley-push",
			"Set push_database; pg_hba.conf has to let parley_push in.", "%s",
			doctor_reason());
	db_free(rest);
	db_free(push);
}

/* ---- as the owner of the schema ---------------------------------------------------------------
 */

static bool migration_same(const struct doctor_migration *applied, const struct migration *ours)
{
	return applied->version == ours->version && str_equal(applied->name, str_of(ours->name)) &&
	       str_equal(applied->sha256, str_of(ours->sha256));
}

static void schema_migrations(struct doctor *doctor)
{
	struct doctor_migration *applied;
	size_t count, same = 0;

	if (db_doctor_migration_list(doctor->op->db, doctor->op->arena, &applied, &count) != OK) {
		doctor_row(doctor, DOCTOR_FAIL, "schema", "Migrate: parley migrate.", "%s",
			doctor_reason());
		return;
	}
	while (same < count && same < NMIGRATIONS &&
		migration_same(&applied[same], &migrations[same]))
		same++;
	if (same < count && same < NMIGRATIONS)
		doctor_row(doctor, DOCTOR_FAIL, "schema",
			"The database was migrated by other files than those of this version: "
			"install the version "
			"that it is of.",
			"%.*s is not the %s of this version", (int)applied[same].name.len,
			applied[same].name.ptr, migrations[same].name);
	else if (same < count)
		doctor_row(doctor, DOCTOR_FAIL, "schema",
			"Install the newer version of Parley: this one does not know the schema.",
			"newer than this version: %.*s", (int)applied[count - 1].name.len,
			applied[count - 1].name.ptr);
	else if (same < NMIGRATIONS)
		doctor_row(doctor, DOCTOR_FAIL, "schema", "Migrate: parley migrate.",
			"%d migrations are missing, from %s on", (int)(NMIGRATIONS - same),
			migrations[same].name);
	else
		doctor_row(doctor, DOCTOR_OK, "schema", NULL, "at %s",
			migrations[NMIGRATIONS - 1].name);
}

static int64_t connections_of(const struct doctor_program *programs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal(programs[i].name, str_of(name)))
			return programs[i].connections;
	}
	return 0;
}

/* Is what makes outgoing connections there, where something needs it? */
static void schema_notify(struct doctor *doctor)
{
	bool needed = *doctor->op->conf.idp_issuer || *doctor->op->conf.smtp_url;
	struct doctor_program *programs;
	size_t count;
	int64_t connections;

	if (db_doctor_program_list(doctor->op->db, doctor->op->arena, &programs, &count) != OK)
		return;
	connections = connections_of(programs, count, "parley-notify");
	if (connections > 0)
		doctor_row(doctor, DOCTOR_OK, "parley-notify", NULL, "connected to the database");
	else if (needed)
		doctor_row(doctor, DOCTOR_FAIL, "parley-notify",
			"Start parley-notify: it fetches the keys of identity providers and sends "
			"mail.",
			"not connected to the database");
	else
		doctor_row(doctor, DOCTOR_OK, "parley-notify", NULL,
			"not running, and nothing needs it");
}

static void identity_row(
	struct doctor *doctor, const char *issuer, const struct doctor_identity *row)
{
	int64_t now_us = time_now_us();

	if (!row || row->keys == 0)
		doctor_row(doctor, DOCTOR_FAIL, "identity provider",
			"Its tokens are refused until parley-notify has fetched its keys: see that "
			"program's log, "
			"and idp_jwks_url.",
			"no keys of %s", issuer);
	else if (row->wanted_at_us != TIME_NONE && now_us - row->wanted_at_us > WANTED_S * US_PER_S)
		doctor_row(doctor, DOCTOR_WARN, "identity provider",
			"A token named a key that is not known, and nobody fetched it: see the log "
			"of "
			"parley-notify.",
			"%s: %lld keys, and more are waited for", issuer, (long long)row->keys);
	else
		doctor_row(doctor, DOCTOR_OK, "identity provider", NULL,
			"%s: %lld keys, the newest %lld hours old", issuer, (long long)row->keys,
			(long long)((now_us - row->fetched_at_us) / US_PER_S / 3600));
}

/* Each issuer of the settings. */
static void schema_identity(struct doctor *doctor)
{
	const char *at = doctor->op->conf.idp_issuer;
	struct doctor_identity *rows;
	size_t count;

	if (!*at)
		return;
	if (db_doctor_identity_list(doctor->op->db, doctor->op->arena, &rows, &count) != OK) {
		doctor_row(doctor, DOCTOR_FAIL, "identity provider", "Migrate: parley migrate.",
			"%s", doctor_reason());
		return;
	}
	for (at += strspn(at, " "); *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");
		const struct doctor_identity *found = NULL;

		for (size_t i = 0; i < count && !found; i++) {
			if (str_equal(rows[i].issuer, (struct str){ at, len }))
				found = &rows[i];
		}
		identity_row(doctor, arena_strndup(doctor->op->arena, at, len), found);
		at += len;
	}
}

/* Mails that were tried again and again. */
static void schema_mail(struct doctor *doctor)
{
	int64_t waiting;

	if (db_doctor_mail(doctor->op->db, doctor->op->arena, &waiting) == OK && waiting > 0)
		doctor_row(doctor, DOCTOR_WARN, "mail waiting",
			"See the log of parley-notify: smtp_url, smtp_user, smtp_password_file, or "
			"the mail server.",
			"%lld mails could not be sent so far", (long long)waiting);
}

void doctor_schema(struct doctor *doctor)
{
	struct doctor_server server;

	if (db_doctor_server(doctor->op->db, doctor->op->arena, &server) != OK) {
		doctor_row(doctor, DOCTOR_WARN, "schema",
			"Run parley doctor as a user that may be the owner, or set owner_database.",
			"not looked at: %s", doctor_reason());
		return;
	}
	if (!server.is_migrated) {
		doctor_row(doctor, DOCTOR_FAIL, "schema", "Migrate: parley migrate.",
			"the database is empty");
		return;
	}
	schema_migrations(doctor);
	schema_notify(doctor);
	schema_identity(doctor);
	schema_mail(doctor);
}
