/*
 * The slot looked at; see the header. Called by stream.c and main.c.
 */
#include "push/slot.h"

#include <stdlib.h>
#include <string.h>

#include "query.h"

#include "lib/log.h"

enum {
	LOOK_EACH_US = 10000000,
	LOOK_MISSING_US = 1000000, /* there will soon be one */
};

struct slot_watch {
	struct wal *wal;
	const char *name;
	struct metrics *metrics;
	bool idle;	/* connected, and no command runs */
	bool told_lost; /* the loss has been logged */
	int64_t look_at_us;
};

const char *const slot_status_names[SLOT_STATUS__MAX] = {
	[SLOT_RESERVED] = "reserved",
	[SLOT_EXTENDED] = "extended",
	[SLOT_UNRESERVED] = "unreserved",
	[SLOT_LOST] = "lost",
};

static bool value_is(const struct wal *wal, int row, const char *column, const char *expected)
{
	const char *value = wal_value(wal, row, column);
	return value != NULL && strcmp(value, expected) == 0;
}

static int64_t value_int(const struct wal *wal, int row, const char *column)
{
	const char *value = wal_value(wal, row, column);
	return value == NULL ? METRIC_NONE : strtoll(value, NULL, 10);
}

static enum slot_status status_of(const struct wal *wal, int row)
{
	enum slot_status status = 0;
	while (status < SLOT_STATUS__MAX &&
		!value_is(wal, row, "wal_status", slot_status_names[status]))
		status++;
	return status;
}

const char *slot_statement(void)
{
	return queries[Q_SLOT_LOOK].sql;
}

void slot_read(const struct wal *wal, const char *name, struct slot_look *out)
{
	*out = (struct slot_look){ .safe_wal_bytes = METRIC_NONE, .behind_bytes = METRIC_NONE };
	for (int row = 0; row < wal_rows(wal); row++) {
		out->wal_logical = value_is(wal, row, "wal_level", "logical");
		out->in_recovery = value_is(wal, row, "in_recovery", "t");
		out->publication = value_is(wal, row, "publication", "t");
		if (!value_is(wal, row, "slot_name", name))
			continue;
		out->exists = true;
		out->usable = value_is(wal, row, "usable", "t");
		out->active = wal_value(wal, row, "active_pid") != NULL;
		out->active_pid = value_int(wal, row, "active_pid");
		out->status = status_of(wal, row);
		out->confirmed = (lsn_t)value_int(wal, row, "confirmed");
		out->safe_wal_bytes = value_int(wal, row, "safe_wal_size");
		out->behind_bytes = value_int(wal, row, "behind_bytes");
		return;
	}
}

static void watch_note(struct slot_watch *watch, const struct slot_look *look)
{
	int64_t *values = watch->metrics->values;
	values[METRIC_SLOT_SAFE_WAL_BYTES] = look->safe_wal_bytes;
	values[METRIC_SLOT_BEHIND_BYTES] = look->behind_bytes;
	for (enum slot_status status = 0; status < SLOT_STATUS__MAX; status++)
		values[METRIC_SLOT_RESERVED + status] =
			look->exists ? look->status == status : METRIC_NONE;
}

struct slot_watch *slot_watch_new(const char *conninfo, const char *name, struct metrics *metrics)
{
	struct slot_watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL)
		fatal("out of memory");
	watch->wal = wal_new(WAL_ORDINARY, conninfo);
	watch->name = name;
	watch->metrics = metrics;
	watch_note(watch,
		&(struct slot_look){ .safe_wal_bytes = METRIC_NONE, .behind_bytes = METRIC_NONE });
	return watch;
}

void slot_watch_free(struct slot_watch *watch)
{
	if (watch == NULL)
		return;
	wal_free(watch->wal);
	free(watch);
}

void slot_watch_poll(const struct slot_watch *watch, struct pollfd *fd, int64_t *wake_us)
{
	wal_poll(watch->wal, false, fd, wake_us);
	if (watch->idle && watch->look_at_us < *wake_us)
		*wake_us = watch->look_at_us;
}

/* Once, until it has worked again. */
static void watch_complain(struct slot_watch *watch)
{
	if (!watch->told_lost)
		log_warn("the slot cannot be watched", LOG_STR("reason", wal_reason(watch->wal)));
	watch->told_lost = true;
}

static int64_t look_pause_us(enum wal_news news, const struct slot_look *look)
{
	if (news == WAL_OPENED)
		return 0;
	return news == WAL_ANSWERED && !look->exists ? LOOK_MISSING_US : LOOK_EACH_US;
}

void slot_watch_run(struct slot_watch *watch, short revents, int64_t now_us)
{
	struct slot_look look = { .safe_wal_bytes = METRIC_NONE, .behind_bytes = METRIC_NONE };
	enum wal_news news;
	while ((news = wal_step(watch->wal, revents, now_us)) != WAL_NOTHING) {
		if (news == WAL_ANSWERED)
			slot_read(watch->wal, watch->name, &look);
		if (news != WAL_OPENED)
			watch_note(watch, &look);
		if (news == WAL_LOST || news == WAL_REFUSED)
			watch_complain(watch);
		else if (news == WAL_ANSWERED)
			watch->told_lost = false;
		watch->idle = news != WAL_LOST;
		watch->look_at_us = now_us + look_pause_us(news, &look);
	}
	if (!watch->idle || now_us < watch->look_at_us)
		return;
	wal_send(watch->wal, slot_statement());
	watch->idle = false;
}
