/*
 * What a message to many costs the broker, either way. Connects the members of a group as subscribers, then makes
 * events at a fixed rate and counts what arrives. Run by tests/load/bench, which looks at the broker's processor
 * time between "go" and the end.
 *
 *	fanout events HOST PORT RATE COUNT PAYLOAD_FILE DATABASE
 *		each event is a message sent through the store, so that parley-push publishes once and the plugin
 *		delivers to all; the last payload is kept in PAYLOAD_FILE
 *	fanout publishes HOST PORT RATE COUNT PAYLOAD_FILE
 *		each event is one publish of that payload to each of them, by one client
 *
 * Standard input: a conversation and the member who sends, then a line of id and token for each member, an empty
 * line, and later "go". Prints "ready", and at the end one line of JSON.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mosquitto.h>

#include "lib/log.h"
#include "sql/store/message.h"

enum {
	MEMBERS_MAX = 64,
	TOKEN_BYTES = 4096,
	PAYLOAD_MAX = 65536,
	DEADLINE_S = 20,
};

struct member {
	struct run *run;
	struct mosquitto *client;
	char id[UUID_TEXT_LEN + 1];
	char token[TOKEN_BYTES];
	char topic[64];
	bool subscribed;
};

struct run {
	struct uuid conversation;
	struct uuid sender;
	struct member members[MEMBERS_MAX];
	size_t nmembers;
	struct mosquitto *publisher; /* of publishes; NULL: events */
	struct db *db;		     /* of events */
	struct arena *arena;
	size_t nreceived;
	char payload[PAYLOAD_MAX];
	size_t payload_bytes;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- the members ---------------------------------------------------------------------------- */

static void on_connect(struct mosquitto *client, void *context, int code)
{
	struct member *member = context;

	if (code != 0)
		fatal("the broker refused a member", LOG_INT("code", code));
	mosquitto_subscribe(client, NULL, member->topic, 1);
}

static void on_subscribe(
	struct mosquitto *client, void *context, int mid, int count, const int *granted)
{
	struct member *member = context;

	(void)client;
	(void)mid;
	if (count != 1 || granted[0] != 1)
		fatal("the broker refused a subscription");
	member->subscribed = true;
}

static void on_message(
	struct mosquitto *client, void *context, const struct mosquitto_message *message)
{
	struct member *member = context;
	struct run *run = member->run;

	(void)client;
	run->nreceived++;
	if (run->publisher || message->payloadlen > PAYLOAD_MAX)
		return;
	run->payload_bytes = (size_t)message->payloadlen;
	memcpy(run->payload, message->payload, run->payload_bytes);
}

static struct mosquitto *client_connect(
	const char *id, struct member *member, const char *host, int port)
{
	struct mosquitto *client = mosquitto_new(id, true, member);

	if (!client)
		fatal("out of memory");
	if (member)
		mosquitto_username_pw_set(client, member->id, member->token);
	mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_max_inflight_messages_set(client, 0);
	mosquitto_connect_callback_set(client, member ? on_connect : NULL);
	mosquitto_subscribe_callback_set(client, on_subscribe);
	mosquitto_message_callback_set(client, on_message);
	if (mosquitto_connect(client, host, port, 60) != MOSQ_ERR_SUCCESS)
		fatal("the broker is not there", LOG_INT("port", port));
	return client;
}

static void members_connect(struct run *run, const char *host, int port)
{
	char client_id[64];

	for (size_t i = 0; i < run->nmembers; i++) {
		struct member *member = &run->members[i];

		snprintf(client_id, sizeof(client_id), "%s/fanout", member->id);
		snprintf(member->topic, sizeof(member->topic), "users/%s/messages", member->id);
		member->client = client_connect(client_id, member, host, port);
	}
}

/* ---- all connections, one thread ------------------------------------------------------------ */

static struct mosquitto *client_at(const struct run *run, size_t i)
{
	return i < run->nmembers ? run->members[i].client : run->publisher;
}

static void client_serve(struct mosquitto *client, short events)
{
	int status = MOSQ_ERR_SUCCESS;

	if (events & (POLLIN | POLLHUP | POLLERR))
		status = mosquitto_loop_read(client, 1);
	if (status == MOSQ_ERR_SUCCESS && (events & POLLOUT))
		status = mosquitto_loop_write(client, 1);
	if (status == MOSQ_ERR_SUCCESS)
		status = mosquitto_loop_misc(client);
	if (status != MOSQ_ERR_SUCCESS)
		fatal("a connection was lost", LOG_STR("reason", mosquitto_strerror(status)));
}

/* Serves whatever comes until until_ns, at least once. */
static void clients_serve(struct run *run, int64_t until_ns)
{
	struct pollfd fds[MEMBERS_MAX + 1];
	size_t nfds = run->nmembers + (run->publisher ? 1 : 0);
	int64_t left_ns;

	do {
		for (size_t i = 0; i < nfds; i++) {
			struct mosquitto *client = client_at(run, i);

			fds[i] = (struct pollfd){ mosquitto_socket(client),
				mosquitto_want_write(client) ? POLLIN | POLLOUT : POLLIN, 0 };
		}
		left_ns = until_ns - now_ns();
		if (left_ns < 0)
			left_ns = 0;
		struct timespec left = { left_ns / 1000000000, left_ns % 1000000000 };

		if (ppoll(fds, nfds, &left, NULL) < 0 && errno != EINTR)
			fatal("poll failed", LOG_STR("error", log_errno()));
		for (size_t i = 0; i < nfds; i++)
			if (fds[i].revents)
				client_serve(client_at(run, i), fds[i].revents);
	} while (left_ns > 0);
}

static bool all_subscribed(const struct run *run)
{
	for (size_t i = 0; i < run->nmembers; i++)
		if (!run->members[i].subscribed)
			return false;
	return true;
}

/* Serves until all are subscribed and have received count in all. */
static void clients_await(struct run *run, size_t count)
{
	int64_t deadline_ns = now_ns() + (int64_t)DEADLINE_S * 1000000000;

	while (!all_subscribed(run) || run->nreceived < count) {
		if (now_ns() > deadline_ns)
			fatal("not everything arrived in time", LOG_INT("wanted", count),
				LOG_INT("received", run->nreceived));
		clients_serve(run, now_ns() + 1000000);
	}
}

/* ---- events --------------------------------------------------------------------------------- */

static void event_send(struct run *run)
{
	struct faults faults = { 0 };
	struct message_new new = {
		.type = STR("text"),
		.body = STR("He said \"not before Monday\", so I have put the delivery down for "
			    "Tuesday morning, first thing."),
	};
	struct message message;
	bool created;

	uuid_new(&new.id);
	enum err err = db_message_send(run->db, run->arena, &run->conversation, &run->sender, &new,
		&faults, &message, &created);
	if (err != OK || !created)
		fatal("a message could not be sent", LOG_INT("err", err));
	arena_reset(run->arena);
}

static void event_publish(struct run *run)
{
	for (size_t i = 0; i < run->nmembers; i++) {
		int status = mosquitto_publish(run->publisher, NULL, run->members[i].topic,
			(int)run->payload_bytes, run->payload, 1, false);

		if (status != MOSQ_ERR_SUCCESS)
			fatal("cannot publish", LOG_STR("reason", mosquitto_strerror(status)));
	}
}

static void events_make(struct run *run, int rate, int count)
{
	int64_t start_ns = now_ns();

	for (int i = 0; i < count; i++) {
		clients_serve(run, start_ns + (int64_t)i * 1000000000 / rate);
		if (run->publisher)
			event_publish(run);
		else
			event_send(run);
	}
	clients_await(run, (size_t)count * run->nmembers);
	printf("{\"events\":%d,\"members\":%zu,\"received\":%zu,\"payload_bytes\":%zu,\"seconds\":%"
	       ".3f}\n",
		count, run->nmembers, run->nreceived, run->payload_bytes,
		(double)(now_ns() - start_ns) / 1e9);
}

/* ---- what goes in --------------------------------------------------------------------------- */

static void id_read(const char *text, struct uuid *id)
{
	if (uuid_parse(str_of(text), id) != OK)
		fatal("not an id", LOG_STR("text", text));
}

static void run_read(struct run *run)
{
	char line[TOKEN_BYTES + 64], conversation[64], sender[64];

	if (!fgets(line, sizeof(line), stdin) ||
		sscanf(line, "%63s %63s", conversation, sender) != 2)
		fatal("no conversation on standard input");
	id_read(conversation, &run->conversation);
	id_read(sender, &run->sender);
	while (run->nmembers < MEMBERS_MAX && fgets(line, sizeof(line), stdin) && line[0] != '\n') {
		struct member *member = &run->members[run->nmembers++];

		member->run = run;
		if (sscanf(line, "%36s %4095s", member->id, member->token) != 2)
			fatal("not a member on standard input");
	}
}

static void payload_read(struct run *run, const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		fatal("no payload", LOG_STR("path", path));
	run->payload_bytes = fread(run->payload, 1, sizeof(run->payload), file);
	fclose(file);
}

static void payload_write(const struct run *run, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file || fwrite(run->payload, 1, run->payload_bytes, file) != run->payload_bytes ||
		fclose(file) != 0)
		fatal("the payload cannot be written", LOG_STR("path", path));
}

static int number_read(const char *text, int least, int most)
{
	long long number;

	if (!text_parse_int(str_of(text), least, most, &number))
		fatal("not a number in its bounds", LOG_STR("text", text));
	return (int)number;
}

/* The start signal; what is due meanwhile (keep-alives of a minute) can wait. */
static void go_await(void)
{
	char line[16];

	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin) || strcmp(line, "go\n") != 0)
		fatal("told to end before the start");
}

int main(int argc, char **argv)
{
	static struct run run;
	bool publishes = argc == 7 && strcmp(argv[1], "publishes") == 0;

	log_open("fanout", LOG_LEVEL_INFO);
	if (!publishes && !(argc == 8 && strcmp(argv[1], "events") == 0))
		fatal("usage: fanout events|publishes HOST PORT RATE COUNT PAYLOAD_FILE "
		      "[DATABASE]");
	int port = number_read(argv[3], 1, 65535);
	int rate = number_read(argv[4], 1, 10000);
	int count = number_read(argv[5], 1, 100000);

	run_read(&run);
	mosquitto_lib_init();
	members_connect(&run, argv[2], port);
	if (publishes) {
		payload_read(&run, argv[6]);
		run.publisher = client_connect("publisher", NULL, argv[2], port);
	} else {
		run.db = db_new(argv[7], "parley-bench", 5000);
		run.arena = arena_new();
	}
	clients_await(&run, 0);
	go_await();
	events_make(&run, rate, count);
	if (!publishes)
		payload_write(&run, argv[6]);
	for (size_t i = 0; client_at(&run, i) && i <= run.nmembers; i++) {
		mosquitto_disconnect(client_at(&run, i));
		mosquitto_destroy(client_at(&run, i));
	}
	mosquitto_lib_cleanup();
	if (run.arena)
		arena_free(run.arena);
	db_free(run.db);
	return 0;
}
