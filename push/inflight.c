/*
 * The ring behind inflight.h. Ends of transactions that follow each other are one entry, so that
 * there is at most one more of them than of publishes, and the ring never fills. Used by event.c.
 */
#include "push/inflight.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/log.h"

struct entry {
	bool is_end; /* of a transaction; else a publish */
	bool acked;  /* of a publish */
	int mid;     /* 0: it has not left yet */
	int64_t since_us;
	lsn_t end; /* 0: means nothing any more */
};

struct inflight {
	size_t window;
	size_t cap;
	size_t head;  /* the oldest entry */
	size_t count; /* entries from head on */
	size_t held;  /* publishes among them */
	size_t outstanding;
	lsn_t confirmed;
	struct entry entries[];
};

static struct entry *entry_at(struct inflight *inflight, size_t i)
{
	return &inflight->entries[(inflight->head + i) % inflight->cap];
}

static void entry_add(struct inflight *inflight, struct entry entry)
{
	assert(inflight->count < inflight->cap);
	*entry_at(inflight, inflight->count++) = entry;
}

/* Takes what is settled off the head. */
static void inflight_advance(struct inflight *inflight)
{
	while (inflight->count > 0) {
		const struct entry *entry = entry_at(inflight, 0);
		if (!entry->is_end && !entry->acked)
			return;
		if (entry->is_end && entry->end > inflight->confirmed)
			inflight->confirmed = entry->end;
		if (!entry->is_end)
			inflight->held--;
		inflight->head = (inflight->head + 1) % inflight->cap;
		inflight->count--;
	}
}

struct inflight *inflight_new(size_t window, size_t burst)
{
	size_t cap = 2 * (window + burst) + 1;
	struct inflight *inflight = calloc(1, sizeof(*inflight) + cap * sizeof(struct entry));
	if (inflight == NULL)
		fatal("out of memory");
	inflight->window = window;
	inflight->cap = cap;
	return inflight;
}

void inflight_free(struct inflight *inflight)
{
	free(inflight);
}

bool inflight_has_room(const struct inflight *inflight)
{
	return inflight->held < inflight->window;
}

void inflight_publish(struct inflight *inflight, int64_t since_us)
{
	entry_add(inflight, (struct entry){ .since_us = since_us });
	inflight->held++;
	inflight->outstanding++;
}

void inflight_sent(struct inflight *inflight, int mid)
{
	/* they are the last ones, with ends of transactions between them */
	for (size_t i = inflight->count; i > 0; i--) {
		struct entry *entry = entry_at(inflight, i - 1);
		if (entry->is_end)
			continue;
		if (entry->mid != 0)
			return;
		entry->mid = mid;
	}
}

void inflight_commit(struct inflight *inflight, lsn_t end)
{
	struct entry *last = inflight->count > 0 ? entry_at(inflight, inflight->count - 1) : NULL;
	if (last != NULL && last->is_end)
		last->end = end;
	else
		entry_add(inflight, (struct entry){ .is_end = true, .end = end });
	inflight_advance(inflight);
}

enum err inflight_ack(struct inflight *inflight, int mid, int64_t *since_us, size_t *count)
{
	size_t found = 0;
	/* brokers acknowledge in order: the first that waits is the one, but for repeats after a
	 * reconnect; those that left together follow each other */
	for (size_t i = 0; i < inflight->count; i++) {
		struct entry *entry = entry_at(inflight, i);
		if (entry->is_end)
			continue;
		if (entry->acked || entry->mid != mid) {
			if (found > 0)
				break;
			continue;
		}
		if (found++ == 0)
			*since_us = entry->since_us;
		entry->acked = true;
	}
	if (found == 0)
		return ERR_NOT_FOUND;
	inflight->outstanding -= found;
	inflight_advance(inflight);
	*count = found;
	return OK;
}

lsn_t inflight_confirmed(const struct inflight *inflight)
{
	return inflight->confirmed;
}

size_t inflight_outstanding(const struct inflight *inflight)
{
	return inflight->outstanding;
}

void inflight_restart(struct inflight *inflight)
{
	for (size_t i = 0; i < inflight->count; i++)
		entry_at(inflight, i)->end = 0;
	inflight->confirmed = 0;
}
