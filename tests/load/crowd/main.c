/*
 * Many people at once, for `make load`: each an MQTT connection with a token of its own, all in one process, some of whom
 * write over HTTP meanwhile. One clock for what is sent and what arrives.
 *
 *	crowd MQTT_PORT HTTP_PORT
 *
 * Standard input: a line for each client, those of a conversation one after the other, then an empty line, then commands,
 * each of which is answered with one line of JSON when it is done:
 *
 *	<user id> <token> <conversation id> 4|5 tcp|ws stay|leave
 *		MQTT 3.1.1 or 5; ws: over WebSocket by the web server; leave: does not come back after a loss
 *
 *	connect tcp|ws		those; no more than OPENING_MAX under way at a time
 *	sync			from now on each reads over HTTP what it missed, whenever it has connected
 *	send RATE SECONDS	RATE messages a second, over HTTP, conversations and their members by turns; then waits until everybody who
 *				is to be connected is so and has everything
 *	end			says goodbye
 *
 * Connections go out from 127.0.0.2 to 127.0.0.9. Run by load.mjs, which looks at the processor time of everything else.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/load/crowd/crowd.h"

enum {
	OPENING_MAX = 100, /* as long as mosquitto's queue of new connections */
	SOURCES = 8,
	CONNECTIONS = 64, /* for messages; a request at a time on each */
	CONNECT_S = 120,
	SETTLE_S = 30,
	RETRY_US = 50000,
	TICK_US = 10000,
	IDLE_TICK_US = 500000,
	TOKEN_BYTES = 4096,
	LINE_BYTES = 8192,
	INPUT_BYTES = 65536,
	PATH_BYTES = 160,
	BODY_BYTES = 256,
};

/* A connection that messages are sent on. */
struct poster {
	struct http http;
	struct run *run;
	size_t number; /* of the message under way */
	bool taken;
	int64_t again_us; /* it has failed, and is sent again then */
};

struct run {
	struct crowd crowd;
	struct poster posters[CONNECTIONS];
	size_t nbegun; /* of the posts */
	size_t nended;
	int64_t tick_us;
	struct watch input;
	struct buf lines;
	bool input_ended;
};

/* ---- one turn of everything ----------------------------------------------------------------- */

static void turn(struct run *run, int64_t wait_us)
{
	struct crowd *crowd = &run->crowd;
	bool busy = crowd->naway > 0 || crowd->nsyncing > 0;
	loop_turn(&crowd->loop, wait_us < TICK_US ? wait_us : TICK_US);
	int64_t at_us = now_us();
	if (at_us - run->tick_us < (busy ? TICK_US : IDLE_TICK_US))
		return;
	run->tick_us = at_us;
	for (size_t i = 0; i < crowd->nclients; i++)
		client_tick(&crowd->clients[i], at_us);
}

static void input_ready(struct watch *watch, uint32_t events)
{
	struct run *run = watch_owner(watch, struct run, input);
	(void)events;
	buf_reserve(&run->lines, INPUT_BYTES);
	ssize_t count = read(watch->fd, run->lines.data + run->lines.len, INPUT_BYTES);
	if (count > 0)
		run->lines.len += (size_t)count;
	else
		loop_drop(watch);
	run->input_ended = count <= 0;
}

/* The next line of standard input, without its end; meanwhile all goes on. false: there is none. */
static bool line_read(struct run *run, char out[LINE_BYTES])
{
	for (;;) {
		const char *end =
			run->lines.len > 0 ? memchr(run->lines.data, '\n', run->lines.len) : NULL;
		if (end) {
			size_t len = (size_t)(end - run->lines.data);
			if (len >= LINE_BYTES)
				fatal("a line is too long");
			memcpy(out, run->lines.data, len);
			out[len] = '\0';
			run->lines.len -= len + 1;
			memmove(run->lines.data, end + 1, run->lines.len);
			return true;
		}
		if (run->input_ended)
			return false;
		turn(run, TICK_US);
	}
}

/* ---- what comes out ------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void print_spread(const char *name, uint32_t *values_us, size_t count)
{
	if (count == 0)
		return;
	qsort(values_us, count, sizeof(*values_us), compare);
	printf(",\"%s\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}", name, values_us[count / 2] / 1e3,
		values_us[count * 99 / 100] / 1e3, values_us[count - 1] / 1e3);
}

/* Milliseconds from one time of each post to another. */
static void print_posts(const struct crowd *crowd, const char *name, size_t from, size_t to)
{
	uint32_t *values_us = calloc(crowd->nposts + 1, sizeof(*values_us));
	if (!values_us)
		fatal("out of memory");
	for (size_t i = 0; i < crowd->nposts; i++) {
		const char *post = (const char *)&crowd->posts[i];
		values_us[i] = (uint32_t)(*(const int64_t *)(const void *)(post + to) -
					  *(const int64_t *)(const void *)(post + from));
	}
	print_spread(name, values_us, crowd->nposts);
	free(values_us);
}

/* Milliseconds from the loss of each connection to one of its times; how many that were. */
static void print_clients(
	const struct crowd *crowd, const char *count_name, const char *name, size_t to)
{
	uint32_t *values_us = calloc(crowd->nclients + 1, sizeof(*values_us));
	size_t count = 0;
	if (!values_us)
		fatal("out of memory");
	for (size_t i = 0; i < crowd->nclients; i++) {
		const struct client *client = &crowd->clients[i];
		int64_t at_us = *(const int64_t *)(const void *)((const char *)client + to);
		if (client->lost_us != NOT_YET && at_us != NOT_YET)
			values_us[count++] = (uint32_t)(at_us - client->lost_us);
	}
	printf(",\"%s\":%zu", count_name, count);
	print_spread(name, values_us, count);
	free(values_us);
}

static void print_attempts(const struct crowd *crowd)
{
	unsigned most = 0, sum = 0;
	for (size_t i = 0; i < crowd->nclients; i++) {
		unsigned count = crowd->clients[i].nattempts_back;
		sum += count;
		most = count > most ? count : most;
	}
	printf(",\"attempts\":%u,\"attempts_most\":%u", sum, most);
}

static void print_end(const struct crowd *crowd)
{
	printf(",\"other_events\":%zu,\"read\":%zu,\"repeated\":%zu,\"disordered\":%zu,\"wrong\":%"
	       "zu,"
	       "\"lost_connections\":%zu,"
	       "\"failed_attempts\":%zu,\"failed_requests\":%zu,\"last_status\":%d}\n",
		crowd->nothers, crowd->nread, crowd->nrepeated, crowd->ndisordered, crowd->nwrong,
		crowd->nlost, crowd->nattempts_failed, crowd->nhttp_failed, crowd->last_status);
	fflush(stdout);
}

/* ---- connect -------------------------------------------------------------------------------- */

static void run_connect(struct run *run, bool websocket)
{
	struct crowd *crowd = &run->crowd;
	size_t count = 0;
	int64_t begin_us = now_us();
	crowd->nopening_max = OPENING_MAX;
	for (size_t i = 0; i < crowd->nclients; i++) {
		struct client *client = &crowd->clients[i];
		if (client->websocket != websocket || client->state != CLIENT_IDLE)
			continue;
		client_start(client);
		count++;
	}
	while (crowd->naway + crowd->nsyncing > 0) {
		if (now_us() - begin_us > (int64_t)CONNECT_S * 1000000)
			fatal("not everybody could connect", LOG_INT("away", crowd->naway),
				LOG_INT("syncing", crowd->nsyncing));
		/* as soon as one is ready, the next */
		run->tick_us = 0;
		turn(run, TICK_US);
	}
	/* from now on everybody comes back when it likes */
	crowd->nopening_max = SIZE_MAX;
	printf("{\"connected\":%zu,\"seconds\":%.3f", count, (double)(now_us() - begin_us) / 1e6);
	print_end(crowd);
}

/* ---- send ----------------------------------------------------------------------------------- */

static void poster_send(struct poster *poster)
{
	struct crowd *crowd = &poster->run->crowd;
	const struct post *post = &crowd->posts[poster->number - crowd->first_number];
	const struct group *group = &crowd->groups[post->group];
	size_t member = poster->number / crowd->ngroups % group->nmembers;
	struct uuid id = crowd->run;
	char path[PATH_BYTES], body[BODY_BYTES], id_text[UUID_TEXT_LEN + 1];
	for (size_t i = 0; i < 6; i++)
		id.bytes[15 - i] = (uint8_t)(poster->number >> (8 * i));
	uuid_format(&id, id_text);
	snprintf(path, sizeof(path), "/api/v1/conversations/%s/messages", group->id);
	int len = snprintf(body, sizeof(body),
		"{\"id\":\"%s\",\"body\":\"He said \\\"not before Monday\\\", so I have put the "
		"delivery down for "
		"Tuesday morning, first thing.\"}",
		id_text);
	poster->again_us = NOT_YET;
	http_send(&poster->http, "POST", path, crowd->clients[group->first + member].token,
		(struct str){ body, (size_t)len });
}

/* 200: it was taken before, and the answer was lost. */
static void poster_answered(struct http *http, int status, struct str body)
{
	struct poster *poster = watch_owner(http, struct poster, http);
	struct run *run = poster->run;
	if (status == 201 || status == 200) {
		account_ack(&run->crowd, poster->number, body);
		poster->taken = false;
		run->nended++;
		return;
	}
	if (status != 0 && status < 500)
		fatal("a message was refused", LOG_INT("status", status));
	account_failure(&run->crowd, status);
	poster->again_us = now_us() + RETRY_US;
}

/* Hands what is due to connections that are free. Returns when to look again. */
static int64_t posts_begin(struct run *run)
{
	struct crowd *crowd = &run->crowd;
	int64_t at_us = now_us();
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct poster *poster = &run->posters[i];
		bool again = poster->again_us != NOT_YET && at_us >= poster->again_us;
		if (!poster->taken && run->nbegun < crowd->nposts &&
			at_us >= crowd->posts[run->nbegun].due_us) {
			crowd->posts[run->nbegun].begun_us = at_us;
			poster->number = crowd->first_number + run->nbegun++;
			poster->taken = again = true;
		}
		if (again)
			poster_send(poster);
	}
	return run->nbegun < crowd->nposts ? crowd->posts[run->nbegun].due_us : INT64_MAX;
}

static void posts_make(struct run *run, size_t rate, size_t seconds)
{
	struct crowd *crowd = &run->crowd;
	int64_t start_us = now_us();
	crowd->first_number += crowd->nposts;
	crowd->nposts = rate * seconds;
	free(crowd->posts);
	free(crowd->delays_us);
	crowd->ndelays = 0;
	crowd->ndelays_max = crowd->nposts * (crowd->nclients / crowd->ngroups + 1);
	crowd->posts = calloc(crowd->nposts, sizeof(*crowd->posts));
	crowd->delays_us = calloc(crowd->ndelays_max, sizeof(*crowd->delays_us));
	if (!crowd->posts || !crowd->delays_us)
		fatal("out of memory");
	if ((crowd->first_number + crowd->nposts) / crowd->ngroups + 2 >= SEQ_MAX)
		fatal("too many messages for so few conversations");
	for (size_t i = 0; i < crowd->nposts; i++) {
		crowd->posts[i].group = (uint32_t)((crowd->first_number + i) % crowd->ngroups);
		crowd->posts[i].due_us = start_us + (int64_t)(i * 1000000 / rate);
	}
	run->nbegun = run->nended = 0;
}

static void phase_begin(struct run *run)
{
	struct crowd *crowd = &run->crowd;
	for (size_t i = 0; i < crowd->nclients; i++) {
		struct client *client = &crowd->clients[i];
		client->lost_us = client->back_us = client->synced_us = NOT_YET;
		client->nattempts_back = 0;
	}
}

/* Until nobody lacks anything, or the time is over. */
static void settle(struct run *run)
{
	struct crowd *crowd = &run->crowd;
	int64_t end_us = now_us() + (int64_t)SETTLE_S * 1000000;
	while (now_us() < end_us &&
		(crowd->naway + crowd->nsyncing > 0 || account_missing(crowd) > 0))
		turn(run, TICK_US);
}

static void run_send(struct run *run, size_t rate, size_t seconds)
{
	struct crowd *crowd = &run->crowd;
	phase_begin(run);
	posts_make(run, rate, seconds);
	int64_t begin_us = crowd->posts[0].due_us;
	while (run->nended < crowd->nposts) {
		int64_t due_us = posts_begin(run);
		turn(run, due_us - now_us());
	}
	double took_s = (double)(now_us() - begin_us) / 1e6;
	settle(run);
	printf("{\"acknowledged\":%zu,\"rate\":%.1f,\"arrived\":%zu,\"missing\":%zu,\"surplus\":%"
	       "zu,\"away\":%zu",
		run->nended, (double)run->nended / took_s, crowd->ndelays, account_missing(crowd),
		account_surplus(crowd), crowd->naway + crowd->nsyncing);
	print_posts(
		crowd, "begun_ms", offsetof(struct post, due_us), offsetof(struct post, begun_us));
	print_posts(
		crowd, "send_ms", offsetof(struct post, due_us), offsetof(struct post, acked_us));
	print_spread("received_ms", crowd->delays_us, crowd->ndelays);
	print_clients(crowd, "back", "back_ms", offsetof(struct client, back_us));
	print_clients(crowd, "synced", "synced_ms", offsetof(struct client, synced_us));
	print_attempts(crowd);
	print_end(crowd);
}

/* ---- what goes in --------------------------------------------------------------------------- */

static void client_read_line(struct run *run, const char *line, size_t *nallocated)
{
	struct crowd *crowd = &run->crowd;
	char user[64], token[TOKEN_BYTES], group_id[64], way[8], fate[8];
	int version;
	if (sscanf(line, "%36s %4095s %36s %d %7s %7s", user, token, group_id, &version, way,
		    fate) != 6)
		fatal("not a client", LOG_STR("line", line));
	if (crowd->nclients == *nallocated) {
		*nallocated = *nallocated * 2 + 1024;
		crowd->clients = reallocarray(crowd->clients, *nallocated, sizeof(*crowd->clients));
		crowd->groups = reallocarray(crowd->groups, *nallocated, sizeof(*crowd->groups));
		if (!crowd->clients || !crowd->groups)
			fatal("out of memory");
	}
	if (crowd->ngroups == 0 || strcmp(crowd->groups[crowd->ngroups - 1].id, group_id) != 0) {
		struct group *group = &crowd->groups[crowd->ngroups++];
		*group = (struct group){ .first = crowd->nclients };
		memcpy(group->id, group_id, sizeof(group->id));
	}
	crowd->groups[crowd->ngroups - 1].nmembers++;
	struct client *client = &crowd->clients[crowd->nclients];
	*client = (struct client){
		.group = (uint32_t)(crowd->ngroups - 1),
		.version = version,
		.websocket = strcmp(way, "ws") == 0,
		.leaves = strcmp(fate, "leave") == 0,
		.source = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(crowd->nclients % SOURCES)),
		.token = str_of(strdup(token)),
	};
	memcpy(client->user, user, sizeof(client->user));
	crowd->nclients++;
}

static void clients_read(struct run *run)
{
	char line[LINE_BYTES];
	size_t nallocated = 0;
	while (line_read(run, line) && line[0] != '\0')
		client_read_line(run, line, &nallocated);
	if (run->crowd.nclients == 0)
		fatal("no clients on standard input");
	for (size_t i = 0; i < run->crowd.nclients; i++)
		client_init(&run->crowd.clients[i], &run->crowd);
}

static void commands_run(struct run *run)
{
	char line[LINE_BYTES];
	size_t rate, seconds;
	while (line_read(run, line) && strcmp(line, "end") != 0) {
		if (strcmp(line, "connect tcp") == 0)
			run_connect(run, false);
		else if (strcmp(line, "connect ws") == 0)
			run_connect(run, true);
		else if (strcmp(line, "sync") == 0)
			run->crowd.syncs = true;
		else if (sscanf(line, "send %zu %zu", &rate, &seconds) == 2 && rate > 0 &&
			 seconds > 0)
			run_send(run, rate, seconds);
		else
			fatal("not a command", LOG_STR("line", line));
	}
}

static struct sockaddr_in address_of(const char *text)
{
	long long port;
	if (!text_parse_int(str_of(text), 1, 65535, &port))
		fatal("not a port", LOG_STR("text", text));
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* Each client needs a socket, and one more while it reads what it missed. */
static void files_allow(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	static struct run run;
	struct crowd *crowd = &run.crowd;
	log_open("crowd", LOG_LEVEL_INFO);
	if (argc != 3)
		fatal("usage: crowd MQTT_PORT HTTP_PORT");
	crowd->broker = address_of(argv[1]);
	crowd->front = address_of(argv[2]);
	files_allow();
	uuid_new(&crowd->run);
	srand48(now_us());
	loop_open(&crowd->loop);
	run.input = (struct watch){ .fd = STDIN_FILENO, .ready = input_ready };
	loop_add(&crowd->loop, &run.input);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		http_init(&run.posters[i].http, &crowd->loop, &crowd->front, 0);
		run.posters[i].http.done = poster_answered;
		run.posters[i].run = &run;
	}
	clients_read(&run);
	commands_run(&run);
	for (size_t i = 0; i < crowd->nclients; i++)
		client_stop(&crowd->clients[i]);
	return 0;
}
