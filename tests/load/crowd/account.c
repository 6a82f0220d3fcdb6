/*
 * Who has which message, and when it came; see crowd.h.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "tests/load/crowd/crowd.h"

enum {
	NUMBER_BYTES = 6, /* of an id, at its end */
	WRONG_TOLD_MAX = 20,
};

/* What is behind the first of these texts; ptr NULL when it is not there. */
static struct str after(struct str text, struct str what)
{
	const char *found = text.len > 0 ? memmem(text.ptr, text.len, what.ptr, what.len) : NULL;
	if (!found)
		return (struct str){ NULL, 0 };
	found += what.len;
	return (struct str){ found, (size_t)(text.ptr + text.len - found) };
}

static uint32_t number_at(struct str text)
{
	uint32_t number = 0;
	for (size_t i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
		number = number * 10 + (uint32_t)(text.ptr[i] - '0');
	return number;
}

static void wrong(struct crowd *crowd, const char *what, const struct client *client, int64_t seq)
{
	if (crowd->nwrong++ < WRONG_TOLD_MAX)
		log_error(what, LOG_STR("user", client ? client->user : "-"), LOG_INT("seq", seq));
}

/* The post with this id, when it is of this phase. *ours: of any phase. */
static struct post *post_of(const struct crowd *crowd, struct str text, bool *ours)
{
	struct uuid id;
	size_t number = 0;
	*ours = text.len >= UUID_TEXT_LEN &&
		uuid_parse((struct str){ text.ptr, UUID_TEXT_LEN }, &id) == OK &&
		memcmp(id.bytes, crowd->run.bytes, sizeof(id.bytes) - NUMBER_BYTES) == 0;
	if (!*ours)
		return NULL;
	for (size_t i = sizeof(id.bytes) - NUMBER_BYTES; i < sizeof(id.bytes); i++)
		number = number << 8 | id.bytes[i];
	if (number < crowd->first_number || number >= crowd->first_number + crowd->nposts)
		return NULL;
	return &crowd->posts[number - crowd->first_number];
}

/* Event and 201 say the same, whichever comes first. */
static void post_check(
	struct crowd *crowd, struct post *post, const struct client *client, uint32_t seq)
{
	if (post->seq == 0)
		post->seq = seq;
	if (post->seq != seq)
		wrong(crowd, "one message with two seq", client, seq);
}

void account_event(struct crowd *crowd, struct client *client, struct str payload)
{
	struct str id = after(payload, STR("\"data\":{\"id\":\""));
	struct str group = after(id, STR("\"conversation_id\":\""));
	uint32_t seq = number_at(after(id, STR("\"seq\":")));
	bool ours;
	struct post *post = post_of(crowd, id, &ours);
	if (!id.ptr) {
		crowd->nothers++;
		return;
	}
	if (!ours || seq == 0 || seq >= SEQ_MAX ||
		!str_starts(group, str_of(crowd->groups[client->group].id))) {
		wrong(crowd, "a message of somebody else", client, seq);
		return;
	}
	uint32_t newest = client->newest;
	if (!client_has(client, seq)) {
		crowd->nrepeated++;
		return;
	}
	if (seq < newest)
		crowd->ndisordered++;
	if (!post)
		return;
	post_check(crowd, post, client, seq);
	if (crowd->ndelays < crowd->ndelays_max)
		crowd->delays_us[crowd->ndelays++] = (uint32_t)(now_us() - post->due_us);
}

static void page_messages(struct crowd *crowd, struct client *client, struct str messages)
{
	for (struct str rest = after(messages, STR("\"seq\":")); rest.ptr;
		rest = after(rest, STR("\"seq\":"))) {
		uint32_t seq = number_at(rest);
		if (seq == 0 || seq >= SEQ_MAX) {
			wrong(crowd, "a page with a seq that is none", client, seq);
			return;
		}
		if (client_has(client, seq))
			crowd->nread++;
	}
}

bool account_page(struct crowd *crowd, struct client *client, struct str body)
{
	/* latest messages of conversations, in front, and receipts, behind, are not what it is about */
	struct str messages = after(body, STR("\"messages\":["));
	struct str receipts = after(messages, STR("],\"receipts\":["));
	struct str cursor = after(receipts, STR("\"next\":\""));
	const char *end = cursor.ptr ? memchr(cursor.ptr, '"', cursor.len) : NULL;
	if (!end || end - cursor.ptr >= CURSOR_BYTES ||
		!after(cursor, STR("\"reset\":false")).ptr) {
		wrong(crowd, "a page that is none, or a reset", client, 0);
		return false;
	}
	messages.len = (size_t)(receipts.ptr - messages.ptr);
	page_messages(crowd, client, messages);
	memcpy(client->cursor, cursor.ptr, (size_t)(end - cursor.ptr));
	client->cursor[end - cursor.ptr] = '\0';
	return after(cursor, STR("\"has_more\":true")).ptr != NULL;
}

void account_ack(struct crowd *crowd, size_t number, struct str body)
{
	struct post *post = &crowd->posts[number - crowd->first_number];
	uint32_t seq = number_at(after(body, STR("\"seq\":")));
	post->acked_us = now_us();
	crowd->groups[post->group].nacked++;
	post_check(crowd, post, NULL, seq);
}

void account_failure(struct crowd *crowd, int status)
{
	if (crowd->nhttp_failed++ == 0 || status != crowd->last_status)
		log_warn("a request failed", LOG_INT("status", status));
	crowd->last_status = status;
}

size_t account_missing(const struct crowd *crowd)
{
	size_t missing = 0;
	for (size_t i = 0; i < crowd->nclients; i++) {
		const struct client *client = &crowd->clients[i];
		uint32_t last = crowd->groups[client->group].nacked;
		if (client->state == CLIENT_IDLE || client->complete >= last)
			continue;
		for (uint32_t seq = client->complete + 1; seq <= last; seq++)
			missing += !(client->seen[seq / 64] >> (seq % 64) & 1);
	}
	return missing;
}

size_t account_surplus(const struct crowd *crowd)
{
	size_t surplus = 0;
	for (size_t i = 0; i < crowd->nclients; i++)
		surplus += crowd->clients[i].newest > crowd->groups[crowd->clients[i].group].nacked;
	return surplus;
}
