/*
 * The table of those who type; see the header. Every entry lasts equally long, so the one that is due first is the first
 * of a queue.
 */
#include "push/typing.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/time.h"

enum {
	TOLD_EACH_US = 2000000, /* typing_debounce_ms of GET /config */
	LASTS_US = 3000000,	/* typing_ms */
	EXPIRY_S = 3,
	BUCKETS = 4096,
	TYPISTS_MAX = 65536,
	KEEP_BYTES = 4096,
};

enum typist_state {
	TYPIST_ASKING, /* the recipients are being found out */
	TYPIST_TOLD,
	TYPIST_QUIET, /* has stopped; kept for the 2 s */
};

struct typist {
	struct typist *chain;
	struct typist *prev, *next;
	struct uuid conversation_id;
	struct uuid user_id;
	enum typist_state state;
	bool stopped;	      /* while asking */
	bool members_changed; /* while asking */
	int64_t begun_us;     /* the last start that was told, or is about to be */
	int64_t due_us;
	/* who was told that it began and not that it stopped, also while asking again */
	struct uuid *recipients;
	size_t nrecipients;
};

struct typing {
	const struct mqtt *mqtt;
	struct fanout *fanout;
	struct metrics *metrics;
	struct typist *first, *last; /* by due_us */
	size_t count;
	struct buf payload;
	struct typist *buckets[BUCKETS]; /* by conversation */
};

/* --- the table -------------------------------------------------------------------------------- */

/* By the end of a UUID, which is random unless a client made it up; such a one is gone with the answer. */
static struct typist **bucket_of(struct typing *typing, const struct uuid *conversation)
{
	uint32_t hash;
	memcpy(&hash, conversation->bytes + sizeof(conversation->bytes) - sizeof(hash),
		sizeof(hash));
	return &typing->buckets[hash % BUCKETS];
}

static struct typist *typist_find(
	struct typing *typing, const struct uuid *conversation, const struct uuid *user)
{
	struct typist *typist = *bucket_of(typing, conversation);
	while (typist != NULL && !(uuid_equal(&typist->conversation_id, conversation) &&
					 uuid_equal(&typist->user_id, user)))
		typist = typist->chain;
	return typist;
}

static void queue_append(struct typing *typing, struct typist *typist, int64_t now_us)
{
	typist->due_us = now_us + LASTS_US;
	typist->next = NULL;
	typist->prev = typing->last;
	*(typing->last != NULL ? &typing->last->next : &typing->first) = typist;
	typing->last = typist;
}

static void queue_remove(struct typing *typing, struct typist *typist)
{
	*(typist->prev != NULL ? &typist->prev->next : &typing->first) = typist->next;
	*(typist->next != NULL ? &typist->next->prev : &typing->last) = typist->prev;
}

static struct typist *typist_make(struct typing *typing, const struct uuid *conversation,
	const struct uuid *user, int64_t now_us)
{
	if (typing->count == TYPISTS_MAX)
		return NULL;
	struct typist *typist = calloc(1, sizeof(*typist));
	if (typist == NULL)
		fatal("out of memory");
	struct typist **bucket = bucket_of(typing, conversation);
	typist->conversation_id = *conversation;
	typist->user_id = *user;
	typist->chain = *bucket;
	*bucket = typist;
	typing->count++;
	queue_append(typing, typist, now_us);
	return typist;
}

static void typist_drop(struct typing *typing, struct typist *typist)
{
	struct typist **link = bucket_of(typing, &typist->conversation_id);
	while (*link != typist)
		link = &(*link)->chain;
	*link = typist->chain;
	queue_remove(typing, typist);
	typing->count--;
	free(typist->recipients);
	free(typist);
}

static void recipients_set(struct typist *typist, const struct uuid *recipients, size_t count)
{
	size_t bytes = count * sizeof(*recipients);
	free(typist->recipients);
	typist->recipients = malloc(bytes + 1);
	if (typist->recipients == NULL)
		fatal("out of memory");
	memcpy(typist->recipients, recipients, bytes);
	typist->nrecipients = count;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void typist_publish(struct typing *typing, const struct typist *typist, enum event_type type)
{
	struct event event = {
		.type = type,
		.at_us = time_now_us(),
		.conversation_id = typist->conversation_id,
		.data.typing.user_id = typist->user_id,
	};
	if (typist->nrecipients == 0 || !mqtt_ready(typing->mqtt))
		return;
	uuid_new(&event.event_id);
	buf_reset(&typing->payload, KEEP_BYTES);
	event_write(&typing->payload, &event);
	struct delivery delivery = {
		.topic = event_infos[type].topic,
		.qos = 0,
		.expiry_s = EXPIRY_S,
		.recipients = typist->recipients,
		.nrecipients = typist->nrecipients,
		.payload = { typing->payload.data, typing->payload.len },
	};
	if (fanout_deliver(typing->fanout, &delivery, false) == OK)
		typing->metrics->events[type]++;
}

static void typist_stop(struct typing *typing, struct typist *typist)
{
	typist_publish(typing, typist, EVENT_TYPING_STOPPED);
	typist->nrecipients = 0;
	if (typist->state == TYPIST_ASKING)
		typist->stopped = true;
	else
		typist->state = TYPIST_QUIET;
}

/* --- from outside ------------------------------------------------------------------------------ */

struct typing *typing_new(const struct mqtt *mqtt, struct fanout *fanout, struct metrics *metrics)
{
	struct typing *typing = calloc(1, sizeof(*typing));
	if (typing == NULL)
		fatal("out of memory");
	typing->mqtt = mqtt;
	typing->fanout = fanout;
	typing->metrics = metrics;
	return typing;
}

void typing_free(struct typing *typing)
{
	if (typing == NULL)
		return;
	while (typing->first != NULL)
		typist_drop(typing, typing->first);
	buf_free(&typing->payload);
	free(typing);
}

bool typing_begin(struct typing *typing, const struct uuid *conversation, const struct uuid *user,
	int64_t now_us)
{
	struct typist *typist = typist_find(typing, conversation, user);
	if (typist == NULL) {
		typist = typist_make(typing, conversation, user, now_us);
		if (typist == NULL)
			return false;
	} else {
		if (typist->state == TYPIST_ASKING)
			return false;
		if (now_us - typist->begun_us < TOLD_EACH_US) {
			/* it goes on: those who know it are not told, and it ends later */
			if (typist->state == TYPIST_TOLD) {
				queue_remove(typing, typist);
				queue_append(typing, typist, now_us);
			}
			return false;
		}
		queue_remove(typing, typist);
		queue_append(typing, typist, now_us);
	}
	typist->begun_us = now_us;
	typist->state = TYPIST_ASKING;
	typist->stopped = false;
	typist->members_changed = false;
	return true;
}

bool typing_tell(struct typing *typing, const struct uuid *conversation, const struct uuid *user,
	const struct uuid *recipients, size_t count, int64_t now_us)
{
	struct typist *typist = typist_find(typing, conversation, user);
	if (typist == NULL || typist->state != TYPIST_ASKING)
		return true;
	if (typist->members_changed) {
		typist->members_changed = false;
		return false;
	}
	if (typist->stopped) {
		typist->state = TYPIST_QUIET;
		return true;
	}
	recipients_set(typist, recipients, count);
	typist->state = TYPIST_TOLD;
	queue_remove(typing, typist);
	queue_append(typing, typist, now_us);
	typist_publish(typing, typist, EVENT_TYPING_STARTED);
	return true;
}

void typing_forget(struct typing *typing, const struct uuid *conversation, const struct uuid *user)
{
	struct typist *typist = typist_find(typing, conversation, user);
	if (typist == NULL)
		return;
	typist_stop(typing, typist);
	typist_drop(typing, typist);
}

void typing_stop(struct typing *typing, const struct uuid *conversation, const struct uuid *user)
{
	struct typist *typist = typist_find(typing, conversation, user);
	if (typist != NULL)
		typist_stop(typing, typist);
}

static void recipient_remove(struct typist *typist, const struct uuid *user)
{
	for (size_t i = 0; i < typist->nrecipients; i++) {
		if (uuid_equal(&typist->recipients[i], user))
			typist->recipients[i] = typist->recipients[--typist->nrecipients];
	}
}

/* Who has left is told nothing more, and nothing more is told of it. */
static void member_removed(
	struct typing *typing, const struct uuid *conversation, const struct uuid *user)
{
	struct typist *typist = *bucket_of(typing, conversation);
	for (; typist != NULL; typist = typist->chain) {
		if (!uuid_equal(&typist->conversation_id, conversation))
			continue;
		recipient_remove(typist, user);
		typist->members_changed = true;
		if (uuid_equal(&typist->user_id, user))
			typist_stop(typing, typist);
	}
}

/* Nobody is told anything more of it, an end neither. */
static void conversation_deleted(struct typing *typing, const struct uuid *conversation)
{
	struct typist *typist = *bucket_of(typing, conversation);
	for (; typist != NULL; typist = typist->chain) {
		if (!uuid_equal(&typist->conversation_id, conversation))
			continue;
		typist->nrecipients = 0;
		typist_stop(typing, typist);
	}
}

void typing_event(struct typing *typing, const struct event *event)
{
	if (event->type == EVENT_MESSAGE_CREATED)
		typing_stop(typing, &event->conversation_id, &event->data.message.sender_id);
	else if (event->type == EVENT_MEMBER_REMOVED)
		member_removed(typing, &event->conversation_id, &event->data.member.user_id);
	else if (event->type == EVENT_CONVERSATION_DELETED)
		conversation_deleted(typing, &event->conversation_id);
}

void typing_poll(const struct typing *typing, int64_t *wake_us)
{
	if (typing->first != NULL && typing->first->due_us < *wake_us)
		*wake_us = typing->first->due_us;
}

void typing_run(struct typing *typing, int64_t now_us)
{
	while (typing->first != NULL && typing->first->due_us <= now_us) {
		struct typist *typist = typing->first;
		typist_stop(typing, typist);
		if (typist->state != TYPIST_ASKING) {
			typist_drop(typing, typist);
			continue;
		}
		/* its answer is still to come */
		queue_remove(typing, typist);
		queue_append(typing, typist, now_us);
	}
}
