/*
 * parley keys: the keys that sign access tokens. A rotation makes a key, publishes its public half, makes sure that those
 * who verify know it, and only then lets it sign; the public half of the old one stays until its last token has ended.
 * parley-rest and the broker's plugin look at the files themselves when a token names a key that they do not know, and
 * before they sign (lib/jose.h), so nobody is reloaded and no token is refused.
 *
 * Killed anywhere, a rotation leaves a set that works: the next one goes on with the key that waits, and finds a key that
 * signed and does so no more by its note in the file of public keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/time.h"
#include "ops/parley/keyring.h"
#include "ops/parley/probe.h"
#include "ops/parley/table.h"
#include "ops/parley/wire.h"

#define US_PER_S 1000000LL

enum {
	WAIT_S = 5, /* for those who verify */
	WAIT_MAX_S = 600,
	PACE_MS = 100,
	ANSWER_US = 2000000, /* for one answer */
};

/* ---- those who verify -------------------------------------------------------------------------
 */

/* What is known of one of them; NULL in a row: it was not asked. */
static const char *const word_knows = "verified";
static const char *const word_away = "not running";

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, (ms % 1000) * 1000000L }, NULL);
}

/* parley-rest tells a token that has ended (401 token_expired) from one of a key that it does not know (401
 * unauthorized). */
static int rest_await(struct keyring *ring, int64_t deadline_us, const char **word)
{
	char why[PROBE_WHY_BYTES] = "";
	enum err err;

	for (;;) {
		err = probe_rest_knows(ring->op, ring->next, time_mono_us() + ANSWER_US, why);
		if (err == OK || err == ERR_NOT_FOUND) {
			*word = err == OK ? word_knows : word_away;
			return EXIT_DONE;
		}
		if (err == ERR_FORBIDDEN || time_mono_us() > deadline_us)
			break;
		pause_ms(PACE_MS);
	}
	return operator_fail(
		"the new key is published, and signs nothing yet: parley-rest does not know it "
		"(%s). Does it run with this configuration, and may it read %s? Then rotate again; "
		"--no-check goes on without asking",
		why, ring->public_path);
}

static int broker_await(struct keyring *ring, int64_t deadline_us, const char **word)
{
	char why[PROBE_WHY_BYTES] = "";

	while (probe_broker_login(ring->op, ring->next, time_mono_us() + ANSWER_US, why) != OK) {
		if (time_mono_us() > deadline_us)
			return operator_fail("the new key is published, and signs nothing yet: the "
					     "broker does not let in whom it signs for "
					     "(%s). Does its plugin_opt_public_keys name %s? Then "
					     "rotate again; --no-check goes on "
					     "without asking",
				why, ring->public_path);
		pause_ms(PACE_MS);
	}
	*word = word_knows;
	return EXIT_DONE;
}

static int wait_read(const struct operation *op, long long *seconds)
{
	const char *text = operator_value(op, "wait");

	*seconds = WAIT_S;
	if (!text || (options_duration(text, seconds) == OK && *seconds <= WAIT_MAX_S))
		return EXIT_DONE;
	return operator_misuse("--wait takes a time like 30s or 2m, at most 10m");
}

static int all_await(struct keyring *ring, const char **rest, const char **broker)
{
	long long wait_s;
	int status = wait_read(ring->op, &wait_s);

	if (operator_value(ring->op, "no-check") || status != EXIT_DONE)
		return status;
	status = rest_await(ring, time_mono_us() + wait_s * US_PER_S, rest);
	if (status == EXIT_DONE)
		status = broker_await(ring, time_mono_us() + wait_s * US_PER_S, broker);
	return status;
}

/* ---- rotate -----------------------------------------------------------------------------------
 */

enum step {
	STEP_PUBLISH = 1,
	STEP_SIGN = 2,
	STEP_BOTH = STEP_PUBLISH | STEP_SIGN
};

struct rotation {
	enum step step;
	char kid[JOSE_KID_LEN + 1], previous[JOSE_KID_LEN + 1];
	bool signs;
	size_t dropped;
	const char *rest, *broker;
};

static int step_read(const struct operation *op, enum step *out)
{
	const char *text = operator_value(op, "step");

	*out = STEP_BOTH;
	if (text && strcmp(text, "publish") == 0)
		*out = STEP_PUBLISH;
	else if (text && strcmp(text, "sign") == 0)
		*out = STEP_SIGN;
	else if (text)
		return operator_misuse("--step takes publish or sign");
	return EXIT_DONE;
}

/* The next key, and both public halves in place. */
static int rotation_publish(struct keyring *ring, struct rotation *rotation)
{
	int64_t now_us = time_now_us();
	int status = EXIT_DONE;

	rotation->dropped = keyring_tidy(ring, now_us);
	if (!ring->next)
		status = keyring_make_next(ring);
	if (status == EXIT_DONE)
		status = keyring_publish(ring, now_us);
	if (status == EXIT_DONE)
		status = keyring_write(ring);
	return status;
}

static int rotation_sign(struct keyring *ring, struct rotation *rotation)
{
	int status;

	if (!ring->next)
		return operator_fail(
			"no key waits to sign; begin with: parley keys rotate --step publish");
	if (!keyring_find(ring, keyring_next(ring)))
		return operator_fail(
			"the public half of the key that waits is not in %s; begin with: parley "
			"keys rotate --step publish",
			ring->public_path);
	status = all_await(ring, &rotation->rest, &rotation->broker);
	if (status == EXIT_DONE)
		status = keyring_promote(ring);
	if (status != EXIT_DONE)
		return status;
	rotation->signs = true;
	/* from now on nobody signs with the old one; killed before it is noted, the next command notes it */
	rotation->dropped += keyring_tidy(ring, time_now_us());
	return keyring_write(ring);
}

static int rotation_run(struct keyring *ring, struct rotation *rotation)
{
	int status = EXIT_DONE;

	if (!ring->signer)
		return operator_fail("%s is not there; the first key is made by: parley keys make",
			ring->private_path);
	snprintf(rotation->previous, sizeof(rotation->previous), "%s", keyring_signer(ring));
	if (rotation->step & STEP_PUBLISH)
		status = rotation_publish(ring, rotation);
	if (status == EXIT_DONE && ring->next)
		snprintf(rotation->kid, sizeof(rotation->kid), "%s", keyring_next(ring));
	if (status == EXIT_DONE && rotation->step & STEP_SIGN)
		status = rotation_sign(ring, rotation);
	return status;
}

static int rotation_print(struct keyring *ring, const struct rotation *rotation)
{
	static const char *const names[] = { "kid", "signing", "previous", "previous_until",
		"dropped", "parley_rest", "broker" };
	const struct ring_key *previous = keyring_find(ring, rotation->previous);
	struct table *table = table_new(ring->op, names, sizeof(names) / sizeof(names[0]));

	table_string(table, rotation->kid);
	table_bool(table, rotation->signs);
	table_string(table, rotation->previous);
	table_time(table, previous ? previous->until_us : TIME_NONE);
	table_int(table, (int64_t)rotation->dropped);
	table_string(table, rotation->rest);
	table_string(table, rotation->broker);
	if (!rotation->signs && !ring->op->options->json)
		fprintf(stderr,
			"Published in %s. Copy that file to every host that verifies tokens, then: "
			"parley keys rotate "
			"--step sign\n",
			ring->public_path);
	return table_print_record(table);
}

int keys_rotate(struct operation *op)
{
	struct keyring ring;
	struct rotation rotation = { 0 };
	long long wait_s;
	int status = step_read(op, &rotation.step);

	if (status == EXIT_DONE)
		status = wait_read(op, &wait_s);
	if (status != EXIT_DONE)
		return status;
	status = keyring_open(op, true, &ring);
	if (status == EXIT_DONE)
		status = rotation_run(&ring, &rotation);
	if (status == EXIT_DONE)
		status = rotation_print(&ring, &rotation);
	keyring_close(&ring);
	return status;
}

/* ---- make -------------------------------------------------------------------------------------
 */

int keys_make(struct operation *op)
{
	static const char *const names[] = { "kid", "made", "private_key", "public_keys" };
	struct keyring ring;
	struct table *table = table_new(op, names, sizeof(names) / sizeof(names[0]));
	int status = keyring_open(op, true, &ring);
	bool made = false;

	if (status == EXIT_DONE && !ring.signer) {
		made = true;
		status = keyring_make_first(&ring);
	}
	/* whose public half somebody has put there by hand is left as it is */
	if (status == EXIT_DONE && !keyring_find(&ring, keyring_signer(&ring)))
		status = keyring_publish(&ring, time_now_us());
	if (status == EXIT_DONE)
		status = keyring_write(&ring);
	if (status == EXIT_DONE) {
		table_string(table, keyring_signer(&ring));
		table_bool(table, made);
		table_string(table, ring.private_path);
		table_string(table, ring.public_path);
		status = table_print_record(table);
	}
	keyring_close(&ring);
	return status;
}

/* ---- list -------------------------------------------------------------------------------------
 */

static const char *const list_names[] = { "kid", "state", "since", "until", "file" };

enum {
	NLIST = sizeof(list_names) / sizeof(list_names[0])
};

static void list_row(struct table *table, const char *kid, const char *state, int64_t since_us,
	int64_t until_us, const char *file)
{
	table_string(table, kid);
	table_string(table, state);
	table_time(table, since_us);
	table_time(table, until_us);
	table_string(table, file);
}

static const char *state_of(const struct keyring *ring, const struct ring_key *key)
{
	const char *signer = keyring_signer(ring), *next = keyring_next(ring);

	if (signer && strcmp(signer, key->kid) == 0)
		return "signing";
	if (next && strcmp(next, key->kid) == 0)
		return "waiting";
	if (key->until_us == TIME_NONE)
		return "verifying";
	return key->until_us > time_now_us() ? "retired" : "ended";
}

/* Keys of further files; a set of them is loaded only to be told. */
static int list_others(const struct keyring *ring, struct table *table)
{
	struct jose_keys *others;

	if (!*ring->others)
		return EXIT_DONE;
	if (jose_keys_load(ring->others, &others) != OK)
		return EXIT_FAILED;
	for (size_t i = 0; i < jose_keys_count(others); i++) {
		const char *kid = jose_keys_kid(others, i);

		list_row(table, arena_strndup(ring->op->arena, kid, JOSE_KID_LEN), "verifying",
			TIME_NONE, TIME_NONE, ring->others);
	}
	jose_keys_free(others);
	return EXIT_DONE;
}

int keys_list(struct operation *op)
{
	struct keyring ring;
	struct table *table = table_new(op, list_names, NLIST);
	int status = keyring_open(op, false, &ring);

	if (status == EXIT_DONE) {
		const char *signer = keyring_signer(&ring), *next = keyring_next(&ring);

		if (signer && !keyring_find(&ring, signer))
			list_row(table, signer, "signing, not published", TIME_NONE, TIME_NONE,
				ring.private_path);
		if (next && !keyring_find(&ring, next))
			list_row(table, next, "waiting, not published", TIME_NONE, TIME_NONE,
				ring.next_path);
		for (size_t i = 0; i < ring.count; i++)
			list_row(table, ring.keys[i].kid, state_of(&ring, &ring.keys[i]),
				ring.keys[i].since_us, ring.keys[i].until_us, ring.public_path);
		status = list_others(&ring, table);
	}
	if (status == EXIT_DONE)
		status = table_print(table);
	keyring_close(&ring);
	return status;
}

/* ---- prune and drop ---------------------------------------------------------------------------
 */

int keys_prune(struct operation *op)
{
	static const char *const names[] = { "dropped", "left" };
	struct keyring ring;
	struct table *table = table_new(op, names, 2);
	size_t dropped = 0;
	int status = keyring_open(op, true, &ring);

	if (status == EXIT_DONE) {
		dropped = keyring_tidy(&ring, time_now_us());
		status = ring.is_written ? keyring_write(&ring) : EXIT_DONE;
	}
	if (status == EXIT_DONE) {
		table_int(table, (int64_t)dropped);
		table_int(table, (int64_t)ring.count);
		status = table_print_record(table);
	}
	keyring_close(&ring);
	return status;
}

/* Tells a program of this instance to load its files anew: it is found by its pid file, and must be what that says. */
static bool program_reload(struct operation *op, const char *name, const char *program)
{
	char comm[32] = "";
	int pid = 0;
	FILE *file = fopen(arena_printf(op->arena, "%s/run/%s.pid", op->conf.var, name), "re");

	if (!file)
		return false;
	if (fscanf(file, "%d", &pid) != 1)
		pid = 0;
	fclose(file);
	file = pid > 1 ? fopen(arena_printf(op->arena, "/proc/%d/comm", pid), "re") : NULL;
	if (!file)
		return false;
	if (fscanf(file, "%31s", comm) != 1)
		comm[0] = '\0';
	fclose(file);
	return strcmp(comm, program) == 0 && kill(pid, SIGHUP) == 0;
}

static int drop_print(struct operation *op, const char *kid)
{
	static const char *const names[] = { "kid", "parley_rest", "broker" };
	struct table *table = table_new(op, names, sizeof(names) / sizeof(names[0]));
	bool rest = program_reload(op, "rest", "parley-rest");
	bool broker = program_reload(op, "mosquitto", "mosquitto");

	table_string(table, kid);
	table_string(table, rest ? "reloaded" : "to be reloaded");
	table_string(table, broker ? "reloaded" : "to be reloaded");
	if (!(rest && broker) && !op->options->json)
		fprintf(stderr,
			"Whoever is to be reloaded takes tokens of this key until then: send it "
			"SIGHUP (systemctl reload).\n");
	return table_print_record(table);
}

int keys_drop(struct operation *op)
{
	const char *kid = op->options->operand;
	struct keyring ring;
	struct ring_key *key;
	int status = keyring_open(op, true, &ring);

	if (status == EXIT_DONE) {
		const char *signer = keyring_signer(&ring), *next = keyring_next(&ring);

		key = keyring_find(&ring, kid);
		if ((signer && strcmp(signer, kid) == 0) || (next && strcmp(next, kid) == 0))
			status = operator_fail("this key %s; rotate first, then drop it",
				signer && strcmp(signer, kid) == 0 ? "signs" : "is to sign next");
		else if (!key)
			status = operator_fail("there is no such key in %s", ring.public_path);
		else {
			keyring_drop(&ring, key);
			status = keyring_write(&ring);
		}
	}
	if (status == EXIT_DONE)
		status = drop_print(op, kid);
	keyring_close(&ring);
	return status;
}
