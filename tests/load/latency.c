/*
 * How long an event takes: sends messages at a fixed rate through the same store as the REST workers, and is at
 * the same time one of the recipients, over MQTT; one clock for both ends. Run by tests/load/bench:
 *
 *	latency DATABASE HOST PORT RATE SECONDS WARM_UP_SECONDS
 *
 * Standard input: the recipient's id and token, then lines of a conversation that it is in and another member of
 * it, who sends there. Conversations take turns. Prints one line of JSON: milliseconds from the return of
 * the commit, and from just before the statement, to the arrival; negative when the event was faster than
 * the commit's own answer.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mosquitto.h>

#include "lib/log.h"
#include "sql/store/message.h"

enum {
	PLACES_MAX = 64,
	SENDS_MAX = 1000000,
	TOKEN_BYTES = 4096,
	DEADLINE_S = 15,
};

struct place {
	struct uuid conversation;
	struct uuid sender;
};

struct times {
	int64_t began_ns;     /* just before the statement */
	int64_t committed_ns; /* it has returned */
	int64_t arrived_ns;   /* 0: not yet */
};

struct run {
	struct uuid id; /* its messages' ids begin like this and end with their number */
	struct uuid user;
	char user_text[UUID_TEXT_LEN + 1];
	char token[TOKEN_BYTES];
	struct place places[PLACES_MAX];
	size_t nplaces;
	struct times *times;
	size_t nsends;

	/* what the thread of the subscriber changes */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool subscribed;
	size_t narrived;
	size_t nrepeated;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- the recipient, in a thread of libmosquitto's ------------------------------------------- */

/* The number of a message of this run; false for any other payload. */
static bool number_of(const struct run *run, const char *payload, size_t len, size_t *number)
{
	static const char before[] = "\"data\":{\"id\":\"";
	const char *found = memmem(payload, len, before, sizeof(before) - 1);
	struct uuid id;

	if (!found)
		return false;
	found += sizeof(before) - 1;
	if ((size_t)(payload + len - found) < UUID_TEXT_LEN ||
		uuid_parse((struct str){ found, UUID_TEXT_LEN }, &id) != OK ||
		memcmp(id.bytes, run->id.bytes, 10) != 0)
		return false;
	*number = 0;
	for (size_t i = 10; i < 16; i++)
		*number = *number << 8 | id.bytes[i];
	return *number < run->nsends;
}

static void on_message(
	struct mosquitto *client, void *context, const struct mosquitto_message *message)
{
	int64_t arrived_ns = now_ns();
	struct run *run = context;
	size_t number;

	(void)client;
	if (!number_of(run, message->payload, (size_t)message->payloadlen, &number))
		return;
	pthread_mutex_lock(&run->lock);
	if (run->times[number].arrived_ns == 0) {
		run->times[number].arrived_ns = arrived_ns;
		run->narrived++;
	} else {
		run->nrepeated++;
	}
	pthread_cond_signal(&run->changed);
	pthread_mutex_unlock(&run->lock);
}

static void on_connect(struct mosquitto *client, void *context, int code)
{
	char topic[64];
	struct run *run = context;

	if (code != 0)
		fatal("the broker refused the recipient", LOG_INT("code", code));
	snprintf(topic, sizeof(topic), "users/%s/messages", run->user_text);
	mosquitto_subscribe(client, NULL, topic, 1);
}

static void on_subscribe(
	struct mosquitto *client, void *context, int mid, int count, const int *granted)
{
	struct run *run = context;

	(void)client;
	(void)mid;
	if (count != 1 || granted[0] != 1)
		fatal("the broker refused the subscription");
	pthread_mutex_lock(&run->lock);
	run->subscribed = true;
	pthread_cond_signal(&run->changed);
	pthread_mutex_unlock(&run->lock);
}

/* Waits until the recipient is subscribed and has narrived of the messages. */
static bool run_await(struct run *run, size_t narrived)
{
	struct timespec deadline;
	int status = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += DEADLINE_S;
	pthread_mutex_lock(&run->lock);
	while (status == 0 && (!run->subscribed || run->narrived < narrived))
		status = pthread_cond_timedwait(&run->changed, &run->lock, &deadline);
	pthread_mutex_unlock(&run->lock);
	return status == 0;
}

static struct mosquitto *recipient_start(struct run *run, const char *host, int port)
{
	char client_id[64];
	struct mosquitto *client;

	snprintf(client_id, sizeof(client_id), "%s/latency", run->user_text);
	client = mosquitto_new(client_id, true, run);
	if (!client)
		fatal("out of memory");
	mosquitto_username_pw_set(client, run->user_text, run->token);
	mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_connect_callback_set(client, on_connect);
	mosquitto_subscribe_callback_set(client, on_subscribe);
	mosquitto_message_callback_set(client, on_message);
	if (mosquitto_connect(client, host, port, 60) != MOSQ_ERR_SUCCESS ||
		mosquitto_loop_start(client) != MOSQ_ERR_SUCCESS)
		fatal("the broker is not there", LOG_INT("port", port));
	if (!run_await(run, 0))
		fatal("the recipient could not subscribe in time");
	return client;
}

/* ---- the sender ----------------------------------------------------------------------------- */

static void message_make(const struct run *run, size_t number, struct message_new *new)
{
	*new = (struct message_new){
		.id = run->id,
		.type = STR("text"),
		.body = STR("He said \"not before Monday\", so I have put the delivery down for "
			    "Tuesday morning, first thing."),
	};
	for (size_t i = 0; i < 6; i++)
		new->id.bytes[15 - i] = (uint8_t)(number >> (8 * i));
}

static void send_one(struct run *run, struct db *db, struct arena *arena, size_t number)
{
	const struct place *place = &run->places[number % run->nplaces];
	struct times *times = &run->times[number];
	struct faults faults = { 0 };
	struct message_new new;
	struct message message;
	bool created;

	message_make(run, number, &new);
	times->began_ns = now_ns();
	enum err err = db_message_send(
		db, arena, &place->conversation, &place->sender, &new, &faults, &message, &created);
	times->committed_ns = now_ns();
	if (err != OK || !created)
		fatal("a message could not be sent", LOG_INT("err", err));
	arena_reset(arena);
}

/* At even distances; one that is late does not move those that follow. Returns the seconds it took. */
static double send_all(struct run *run, const char *database, int rate)
{
	struct db *db = db_new(database, "parley-bench", 5000);
	struct arena *arena = arena_new();
	int64_t start_ns = now_ns();

	for (size_t i = 0; i < run->nsends; i++) {
		int64_t due_ns = start_ns + (int64_t)i * 1000000000 / rate;
		struct timespec due = { due_ns / 1000000000, due_ns % 1000000000 };

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			continue;
		send_one(run, db, arena, i);
	}
	double seconds = (double)(now_ns() - start_ns) / 1e9;
	arena_free(arena);
	db_free(db);
	return seconds;
}

/* ---- what comes out ------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_spread(const char *name, double *ms, size_t count)
{
	qsort(ms, count, sizeof(*ms), compare);
	printf(",\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", name, ms[count / 2],
		ms[count * 99 / 100], ms[count - 1]);
}

static void print_result(const struct run *run, size_t first, double seconds)
{
	size_t count = run->nsends - first;
	double *from_commit = calloc(count, sizeof(double));
	double *from_start = calloc(count, sizeof(double));
	double *statement = calloc(count, sizeof(double));

	if (!from_commit || !from_start || !statement)
		fatal("out of memory");
	for (size_t i = 0; i < count; i++) {
		const struct times *t = &run->times[first + i];

		from_commit[i] = (double)(t->arrived_ns - t->committed_ns) / 1e6;
		from_start[i] = (double)(t->arrived_ns - t->began_ns) / 1e6;
		statement[i] = (double)(t->committed_ns - t->began_ns) / 1e6;
	}
	printf("{\"sent\":%zu,\"arrived\":%zu,\"repeated\":%zu,\"rate\":%.1f", run->nsends,
		run->narrived, run->nrepeated, (double)run->nsends / seconds);
	print_spread("from_commit_ms", from_commit, count);
	print_spread("from_start_ms", from_start, count);
	print_spread("statement_ms", statement, count);
	printf("}\n");
	free(from_commit);
	free(from_start);
	free(statement);
}

/* ---- what goes in --------------------------------------------------------------------------- */

static void id_read(const char *text, struct uuid *id)
{
	if (uuid_parse(str_of(text), id) != OK)
		fatal("not an id", LOG_STR("text", text));
}

static void run_read(struct run *run)
{
	char conversation[64], sender[64];

	if (scanf("%36s %4095s", run->user_text, run->token) != 2)
		fatal("no recipient on standard input");
	id_read(run->user_text, &run->user);
	while (run->nplaces < PLACES_MAX && scanf("%63s %63s", conversation, sender) == 2) {
		struct place *place = &run->places[run->nplaces++];

		id_read(conversation, &place->conversation);
		id_read(sender, &place->sender);
	}
	if (run->nplaces == 0)
		fatal("no conversations on standard input");
}

static int number_read(const char *text, int least, int most)
{
	long long number;

	if (!text_parse_int(str_of(text), least, most, &number))
		fatal("not a number in its bounds", LOG_STR("text", text));
	return (int)number;
}

int main(int argc, char **argv)
{
	static struct run run = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};

	log_open("latency", LOG_LEVEL_INFO);
	if (argc != 7)
		fatal("usage: latency DATABASE HOST PORT RATE SECONDS WARM_UP_SECONDS");
	int port = number_read(argv[3], 1, 65535);
	int rate = number_read(argv[4], 1, 10000);
	int seconds = number_read(argv[5], 1, 90);
	int warm_up_s = number_read(argv[6], 0, 10);

	run_read(&run);
	uuid_new(&run.id);
	run.nsends = (size_t)(rate * (seconds + warm_up_s));
	run.times = calloc(run.nsends, sizeof(*run.times));
	if (!run.times || run.nsends > SENDS_MAX)
		fatal("too many messages");

	mosquitto_lib_init();
	struct mosquitto *client = recipient_start(&run, argv[2], port);
	double took_s = send_all(&run, argv[1], rate);
	bool complete = run_await(&run, run.nsends);
	mosquitto_disconnect(client);
	mosquitto_loop_stop(client, false);
	mosquitto_destroy(client);
	mosquitto_lib_cleanup();
	if (!complete)
		fatal("not every message arrived in time", LOG_INT("sent", run.nsends),
			LOG_INT("arrived", run.narrived));
	print_result(&run, (size_t)(rate * warm_up_s), took_s);
	free(run.times);
	return 0;
}
