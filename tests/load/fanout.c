/*
 * What a message to many costs the broker, either way. Connects the members of a group as subscribers, then makes
 * events at a fixed rate, or with RATE 0 as fast as they arrive, and counts what arrives. Run by tests/load/bench,
 * which looks at the broker's processor time between "go" and the end.
 *
 *	fanout HOST PORT RATE COUNT PAYLOAD_FILE SECRET_FILE
 *		each event is one publish to the plugin, as parley-push makes it, which delivers to all
 *	fanout HOST PORT RATE COUNT PAYLOAD_FILE
 *		each event is one publish to each of them, by one client
 *
 * Standard input: a line of id and token for each member, an empty line, and later "go". Prints "ready", and at the
 * end one line of JSON.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mosquitto.h>

#include "lib/id.h"
#include "lib/log.h"
#include "lib/topic.h"

enum {
	MEMBERS_MAX = 64,
	TOKEN_BYTES = 4096,
	PAYLOAD_MAX = 65536,
	DEADLINE_S = 20,
	WINDOW = 20, /* events under way at full speed */
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
	struct member members[MEMBERS_MAX];
	size_t nmembers;
	struct mosquitto *publisher;
	bool fanned_out;
	size_t nreceived;
	char payload[PAYLOAD_MAX]; /* of a publish: with the recipients in front when fanned_out */
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

	(void)client;
	(void)message;
	member->run->nreceived++;
}

static struct mosquitto *client_connect(const char *id, struct member *member, const char *name,
	const char *password, const char *host, int port)
{
	struct mosquitto *client = mosquitto_new(id, true, member);

	if (!client)
		fatal("out of memory");
	mosquitto_username_pw_set(client, name, password);
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
		member->client =
			client_connect(client_id, member, member->id, member->token, host, port);
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
	size_t nfds = run->nmembers + 1;
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

	clients_serve(run, 0);
	while (!all_subscribed(run) || run->nreceived < count) {
		if (now_ns() > deadline_ns)
			fatal("not everything arrived in time", LOG_INT("wanted", count),
				LOG_INT("received", run->nreceived));
		clients_serve(run, now_ns() + 1000000);
	}
}

/* ---- events --------------------------------------------------------------------------------- */

static void event_publish(struct run *run, const char *topic)
{
	int status = mosquitto_publish(
		run->publisher, NULL, topic, (int)run->payload_bytes, run->payload, 1, false);

	if (status != MOSQ_ERR_SUCCESS)
		fatal("cannot publish", LOG_STR("reason", mosquitto_strerror(status)));
}

static void event_make(struct run *run)
{
	if (run->fanned_out) {
		event_publish(run, TOPIC_CONTROL);
		return;
	}
	for (size_t i = 0; i < run->nmembers; i++)
		event_publish(run, run->members[i].topic);
}

static void events_make(struct run *run, int rate, int count)
{
	int64_t start_ns = now_ns();

	for (int i = 0; i < count; i++) {
		if (rate > 0)
			clients_serve(run, start_ns + (int64_t)i * 1000000000 / rate);
		else if (i >= WINDOW)
			clients_await(run, (size_t)(i - WINDOW) * run->nmembers);
		event_make(run);
	}
	clients_await(run, (size_t)count * run->nmembers);
	printf("{\"events\":%d,\"members\":%zu,\"received\":%zu,\"seconds\":%"
	       ".3f}\n",
		count, run->nmembers, run->nreceived, (double)(now_ns() - start_ns) / 1e9);
}

/* ---- what goes in --------------------------------------------------------------------------- */

static void members_read(struct run *run)
{
	char line[TOKEN_BYTES + 64];

	while (run->nmembers < MEMBERS_MAX && fgets(line, sizeof(line), stdin) && line[0] != '\n') {
		struct member *member = &run->members[run->nmembers++];

		member->run = run;
		if (sscanf(line, "%36s %4095s", member->id, member->token) != 2)
			fatal("not a member on standard input");
	}
	if (run->nmembers == 0)
		fatal("no members on standard input");
}

/* Puts what push/broker/control.h wants in front of a payload of so many bytes. */
static void recipients_add(struct run *run, size_t bytes)
{
	int len = snprintf(run->payload, sizeof(run->payload), "deliver messages 1 0 %zu\n", bytes);

	for (size_t i = 0; i < run->nmembers; i++)
		len += snprintf(run->payload + len, sizeof(run->payload) - (size_t)len, "%s\n",
			run->members[i].id);
	len += snprintf(run->payload + len, sizeof(run->payload) - (size_t)len, "\n");
	run->payload_bytes = (size_t)len;
}

/* A file, behind what stands there; how long it is. */
static size_t payload_read(struct run *run, const char *path)
{
	FILE *file = fopen(path, "re");
	size_t bytes;

	if (!file)
		fatal("no payload", LOG_STR("path", path));
	bytes = fread(run->payload + run->payload_bytes, 1,
		sizeof(run->payload) - run->payload_bytes, file);
	fclose(file);
	return bytes;
}

/* The first line of a file. */
static void secret_read(const char *path, char secret[128])
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(secret, 128, file))
		fatal("no secret", LOG_STR("path", path));
	fclose(file);
	secret[strcspn(secret, "\n")] = '\0';
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
	char secret[128];

	log_open("fanout", LOG_LEVEL_INFO);
	if (argc != 6 && argc != 7)
		fatal("usage: fanout HOST PORT RATE COUNT PAYLOAD_FILE [SECRET_FILE]");
	int port = number_read(argv[2], 1, 65535);
	int rate = number_read(argv[3], 0, 10000);
	int count = number_read(argv[4], 1, 100000);

	members_read(&run);
	run.fanned_out = argc == 7;
	if (run.fanned_out) {
		recipients_add(&run, payload_read(&run, argv[5]));
		secret_read(argv[6], secret);
	}
	run.payload_bytes += payload_read(&run, argv[5]);

	mosquitto_lib_init();
	members_connect(&run, argv[1], port);
	run.publisher =
		client_connect("parley-push/fanout", NULL, run.fanned_out ? "parley-push" : NULL,
			run.fanned_out ? secret : NULL, argv[1], port);
	clients_await(&run, 0);
	go_await();
	events_make(&run, rate, count);
	for (size_t i = 0; i <= run.nmembers; i++) {
		mosquitto_disconnect(client_at(&run, i));
		mosquitto_destroy(client_at(&run, i));
	}
	mosquitto_lib_cleanup();
	return 0;
}
