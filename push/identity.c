/*
 * From a notice of the plugin to a statement, and what its answer comes to; see the header.
 */
#include "push/identity.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/topic.h"
#include "push/broker/notice.h"
#include "sql/store/identity.h"

enum {
	PENDING_MAX = 8192,
	PENDING_MAX_BYTES = 32 * 1024 * 1024,
	FREE_MAX = 64,
	RETRY_US = 500000,
	/* Who is turned out for want of room, or by mistake, may come again after that. */
	TURNED_OUT_S = 2,
	/* What was done is not done again for a while: all come at once when a broker was away. */
	DONE_SLOTS = 16384,
	TOLD_EACH_US = 1000000,
};
#define DONE_US (300LL * 1000 * 1000)

struct seen {
	struct pending pending;
	struct identities *identities;
	struct arena *arena;
	size_t bytes;
	uint64_t hash; /* of the notice */
	struct uuid session_id;
	int64_t refused_until_us; /* once it is to be turned out */
	struct seen *next;
};

/* First come, first served. */
struct seen_queue {
	struct seen *first, *last;
};

struct identities {
	const struct conf *conf;
	struct mqtt *mqtt;
	struct fanout *fanout;
	struct events *events;
	struct pipeline *pipeline;
	struct metrics *metrics;
	size_t count; /* of all that is not done, queues included */
	size_t asked; /* of these, what the database has been asked */
	size_t bytes;
	struct seen_queue again;   /* the database was away */
	struct seen_queue refused; /* to be turned out when there is room */
	int64_t again_at_us;
	struct seen *free;
	size_t nfree;
	uint64_t turned_out; /* for want of room, since it was told */
	int64_t told_us;
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	struct done {
		uint64_t hash;
		int64_t at_us; /* 0: nothing */
	} done[DONE_SLOTS];
};

/* --- queues and the life of a notice ----------------------------------------------------------- */

static void queue_add(struct seen_queue *queue, struct seen *seen)
{
	seen->next = NULL;
	*(queue->first != NULL ? &queue->last->next : &queue->first) = seen;
	queue->last = seen;
}

static struct seen *queue_take(struct seen_queue *queue)
{
	struct seen *seen = queue->first;
	if (seen != NULL)
		queue->first = seen->next;
	return seen;
}

static struct seen *seen_make(struct identities *identities, struct str text)
{
	struct seen *seen = identities->free;
	struct arena *arena;
	if (seen != NULL) {
		identities->free = seen->next;
		identities->nfree--;
		arena = seen->arena;
	} else {
		seen = malloc(sizeof(*seen));
		arena = arena_new();
	}
	if (seen == NULL)
		fatal("out of memory");
	*seen = (struct seen){ .identities = identities, .arena = arena, .bytes = text.len };
	identities->count++;
	identities->bytes += text.len;
	return seen;
}

static void seen_end(struct seen *seen)
{
	struct identities *identities = seen->identities;
	identities->count--;
	identities->bytes -= seen->bytes;
	arena_reset(seen->arena);
	if (identities->nfree == FREE_MAX) {
		arena_free(seen->arena);
		free(seen);
		return;
	}
	seen->next = identities->free;
	identities->free = seen;
	identities->nfree++;
}

/* --- what was done ------------------------------------------------------------------------------ */

static uint64_t hash_of(const struct identities *identities, struct str text)
{
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)text.ptr, text.len,
		identities->hash_key);
	return hash;
}

static bool was_done(const struct identities *identities, uint64_t hash, int64_t now_us)
{
	const struct done *done = &identities->done[hash % DONE_SLOTS];
	return done->at_us != 0 && done->hash == hash && now_us - done->at_us < DONE_US;
}

/* --- who is turned out, and who is not -------------------------------------------------------------------------- */

static void turn_out(struct seen *seen, int64_t until_us)
{
	seen->refused_until_us = until_us;
	queue_add(&seen->identities->refused, seen);
}

static void turn_out_soon(struct seen *seen)
{
	turn_out(seen, time_now_us() + TURNED_OUT_S * INT64_C(1000000));
}

static void refused_tell(struct identities *identities)
{
	while (identities->refused.first != NULL && events_have_room(identities->events)) {
		struct seen *seen = queue_take(&identities->refused);
		events_turn_out(identities->events, &seen->session_id, seen->refused_until_us);
		seen_end(seen);
	}
}

/* A broker that is gone does not know the connection any more. */
static void known_tell(struct identities *identities, const struct uuid *session_id)
{
	if (mqtt_ready(identities->mqtt))
		fanout_known(identities->fanout, session_id, 1);
}

/* --- the statement ------------------------------------------------------------------------------ */

static void seen_submit(struct seen *seen, int64_t now_us)
{
	seen->identities->asked++;
	pipeline_submit(seen->identities->pipeline, &seen->pending, now_us);
}

/* True: there was no answer, and it is asked once more a little later. */
static bool try_again(struct seen *seen, enum err err)
{
	struct identities *identities = seen->identities;
	identities->asked--;
	if (err != ERR_UNAVAILABLE)
		return false;
	if (identities->again.first == NULL)
		identities->again_at_us = time_mono_us() + RETRY_US;
	queue_add(&identities->again, seen);
	return true;
}

static void seen_answered(void *ctx, enum err err, const struct rows *rows)
{
	(void)rows;
	struct seen *seen = ctx;
	struct identities *identities = seen->identities;
	if (try_again(seen, err))
		return;
	if (err == OK) {
		identities->done[seen->hash % DONE_SLOTS] =
			(struct done){ seen->hash, time_mono_us() };
		known_tell(identities, &seen->session_id);
		seen_end(seen);
		return;
	}
	identities->metrics->values[METRIC_IDENTITIES_REFUSED]++;
	if (err == ERR_UNAUTHORIZED) {
		turn_out(seen, seen->refused_until_us + EVENTS_SKEW_S * INT64_C(1000000));
		return;
	}
	log_error("a person of an identity provider cannot be made");
	turn_out_soon(seen);
}

static void wanted_answered(void *ctx, enum err err, const struct rows *rows)
{
	(void)rows;
	struct seen *seen = ctx;
	if (!try_again(seen, err))
		seen_end(seen);
}

static void statement_set(
	struct seen *seen, struct call call, uint64_t lane, pipeline_answer answer)
{
	seen->pending.call = call;
	seen->pending.lane = lane;
	seen->pending.answer = answer;
	seen->pending.ctx = seen;
}

/* --- from the plugin ---------------------------------------------------------------------------- */

static void seen_take(
	struct identities *identities, const struct notice *notice, struct str text, int64_t now_us)
{
	struct identity identity;
	uint64_t hash = hash_of(identities, text), lane;
	identities->metrics->values[METRIC_IDENTITIES_SEEN]++;
	if (was_done(identities, hash, now_us)) {
		known_tell(identities, &notice->session_id);
		return;
	}
	struct seen *seen = seen_make(identities, text);
	seen->hash = hash;
	seen->session_id = notice->session_id;
	if (identities->count > PENDING_MAX || identities->bytes > PENDING_MAX_BYTES) {
		identities->turned_out++;
		turn_out_soon(seen);
		return;
	}
	/* on the arena, for the claims are borrowed */
	struct str claims = { arena_strndup(seen->arena, notice->claims.ptr, notice->claims.len),
		notice->claims.len };
	if (identity_claims_read(
		    seen->arena, identities->conf, claims, &seen->session_id, &identity) != OK ||
		!uuid_equal(&identity.user_id, &notice->user_id)) {
		log_error("claims that the broker has let in cannot be read");
		turn_out_soon(seen);
		return;
	}
	seen->refused_until_us = identity.expires_at_us;
	memcpy(&lane, identity.user_id.bytes, sizeof(lane));
	statement_set(seen, identity_seen_call(&identity), lane, seen_answered);
	seen_submit(seen, now_us);
}

static void wanted_take(
	struct identities *identities, const struct notice *notice, struct str text, int64_t now_us)
{
	if (identities->count >= PENDING_MAX)
		return;
	struct seen *seen = seen_make(identities, text);
	struct str issuer = { arena_strndup(seen->arena, notice->issuer.ptr, notice->issuer.len),
		notice->issuer.len };
	statement_set(seen, identity_want_call(issuer), 0, wanted_answered);
	seen_submit(seen, now_us);
}

void identities_take(struct identities *identities, struct str text)
{
	struct notice notice;
	int64_t now_us = time_mono_us();
	if (notice_read(text, &notice) != OK) {
		log_error("the broker says what is not understood", LOG_INT("bytes", text.len));
		return;
	}
	if (notice.kind == NOTICE_SEEN)
		seen_take(identities, &notice, text, now_us);
	else
		wanted_take(identities, &notice, text, now_us);
}

/* --- from outside ------------------------------------------------------------------------------- */

struct identities *identities_new(const struct conf *conf, struct mqtt *mqtt, struct fanout *fanout,
	struct events *events, struct pipeline *pipeline, struct metrics *metrics)
{
	struct identities *identities = calloc(1, sizeof(*identities));
	if (identities == NULL)
		fatal("out of memory");
	identities->conf = conf;
	identities->mqtt = mqtt;
	identities->fanout = fanout;
	identities->events = events;
	identities->pipeline = pipeline;
	identities->metrics = metrics;
	randombytes_buf(identities->hash_key, sizeof(identities->hash_key));
	return identities;
}

static void seen_free_all(struct seen *seen)
{
	for (struct seen *next; seen != NULL; seen = next) {
		next = seen->next;
		arena_free(seen->arena);
		free(seen);
	}
}

void identities_free(struct identities *identities)
{
	if (identities == NULL)
		return;
	seen_free_all(identities->again.first);
	seen_free_all(identities->refused.first);
	seen_free_all(identities->free);
	free(identities);
}

void identities_serve(struct identities *identities, bool serve)
{
	mqtt_subscribe(identities->mqtt, TOPIC_IDENTITY, serve);
}

size_t identities_count(const struct identities *identities)
{
	return identities->asked;
}

void identities_poll(const struct identities *identities, int64_t *wake_us)
{
	if (identities->again.first != NULL && identities->again_at_us < *wake_us)
		*wake_us = identities->again_at_us;
	/* without room the broker wakes it, which makes some */
	if (identities->refused.first != NULL && events_have_room(identities->events))
		*wake_us = 0;
}

void identities_run(struct identities *identities, int64_t now_us)
{
	refused_tell(identities);
	if (identities->turned_out > 0 && now_us - identities->told_us >= TOLD_EACH_US) {
		log_warn("too many people of identity providers at once, to come again",
			LOG_INT("people", identities->turned_out));
		identities->turned_out = 0;
		identities->told_us = now_us;
	}
	if (identities->again.first == NULL || now_us < identities->again_at_us)
		return;
	struct seen_queue queue = identities->again;
	struct seen *seen;
	identities->again = (struct seen_queue){ 0 };
	while ((seen = queue_take(&queue)) != NULL)
		seen_submit(seen, now_us);
}
