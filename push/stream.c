/*
 * States of the replication connection; see the header. Called by main.c.
 */
#include "push/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/time.h"
#include "push/pgoutput.h"
#include "push/slot.h"
#include "push/slot_make.h"
#include "push/wal.h"

enum {
	FRAMES_MAX = 512,	  /* in one go, before the broker's socket is looked after */
	LOOK_AGAIN_US = 1000000,  /* at the slot */
	BROKER_AWAY_US = 5000000, /* then the slot is released */
	STATUS_EACH_US = 20000,	  /* at most, while positions move */
	STATUS_AT_LEAST_US = 5000000,
	SILENCE_MAX_US = 60000000, /* as PostgreSQL's own wal_receiver_timeout */
	COMMAND_BYTES = 256,
	TROUBLE_BYTES = 256,
};

enum stream_state {
	STATE_AWAY,    /* not connected */
	STATE_WAITING, /* for look_at_us and the broker; then: */
	STATE_LOOKING, /* at the server and the slot */
	STATE_MAKING,  /* the slot: slot_make.c has the steps */
	STATE_STARTING,
	STATE_STREAMING,
};

struct stream {
	const struct conf *conf;
	struct events *events;
	const struct mqtt *mqtt;
	struct metrics *metrics;
	struct seen *seen;
	struct wal *wal;
	struct slot_maker *maker;
	enum stream_state state;
	bool standby;
	bool released;	/* the connection is given up because there is no broker */
	bool slot_dead; /* nothing more can be read from it, whatever its status says */
	bool more;	/* frames are waiting that were not read */
	bool reply_due; /* the server has asked for a status */
	bool in_transaction;
	bool held;    /* the transaction cannot be seen by others yet: nothing of it is read on */
	uint32_t xid; /* of the transaction */
	int64_t commit_us; /* so */
	int64_t look_at_us;
	int64_t broker_seen_us;
	int64_t heard_us;  /* when a frame came last */
	int64_t status_us; /* when a status went last */
	uint32_t epoch;	   /* streams begun */
	lsn_t received;
	lsn_t idle;	 /* from a keepalive: before it there is nothing but what was handed on */
	lsn_t confirmed; /* as told in the last status */
	char trouble[TROUBLE_BYTES]; /* why it does not work, as it was logged; "": it does */
};

/* --- what is wrong ---------------------------------------------------------------------------- */

/* Once a reason, for it is tried again and again. */
static void trouble_tell(
	struct stream *stream, enum log_level level, const char *message, const char *reason)
{
	char trouble[TROUBLE_BYTES];
	snprintf(trouble, sizeof(trouble), "%s: %s", message, reason);
	if (strcmp(trouble, stream->trouble) == 0)
		return;
	memcpy(stream->trouble, trouble, sizeof(trouble));
	LOG_LINE(level, message, LOG_STR("reason", reason), LOG_STR("slot", stream->conf->slot));
}

static void look_later(struct stream *stream, int64_t now_us)
{
	stream->state = STATE_WAITING;
	stream->look_at_us = now_us + LOOK_AGAIN_US;
}

/* --- the slot --------------------------------------------------------------------------------- */

static void slot_start(struct stream *stream)
{
	char command[COMMAND_BYTES];
	snprintf(command, sizeof(command),
		"START_REPLICATION SLOT \"%s\" LOGICAL 0/0 "
		"(proto_version '1', publication_names 'parley', messages 'true')",
		stream->conf->slot);
	stream->state = STATE_STARTING;
	wal_send(stream->wal, command);
}

static void slot_make_anew(struct stream *stream, bool lost, int64_t now_us)
{
	stream->state = STATE_MAKING;
	stream->broker_seen_us = now_us;
	slot_make(stream->maker, stream->wal, lost);
}

static void stream_stand_by(struct stream *stream, int64_t now_us)
{
	if (!stream->standby)
		log_info("standing by: another process holds the slot",
			LOG_STR("slot", stream->conf->slot));
	stream->standby = true;
	stream->trouble[0] = '\0';
	look_later(stream, now_us);
}

/* What keeps the server from being streamed from; NULL: nothing. */
static const char *look_fault(const struct slot_look *look)
{
	if (look->in_recovery)
		return "the server is a replica: its WAL cannot be decoded";
	if (!look->wal_logical)
		return "wal_level is not logical: set it and restart the server";
	if (!look->publication)
		return "the publication parley is missing: apply the migrations";
	if (look->exists && !look->usable)
		return "the slot belongs to another database or plugin";
	return NULL;
}

/* The answer to the look: what next? */
static void look_answered(struct stream *stream, int64_t now_us)
{
	struct slot_look look;
	slot_read(stream->wal, stream->conf->slot, &look);
	const char *fault = look_fault(&look);
	if (fault != NULL) {
		trouble_tell(
			stream, LOG_LEVEL_ERROR, "the database is not fit for streaming", fault);
		look_later(stream, now_us);
		return;
	}
	if (!look.exists) {
		slot_make_anew(stream, false, now_us);
		return;
	}
	if (look.active) {
		stream_stand_by(stream, now_us);
		return;
	}
	if (look.status == SLOT_LOST || stream->slot_dead) {
		trouble_tell(stream, LOG_LEVEL_ERROR, "the slot is lost and will be made anew",
			look.status == SLOT_LOST ? "its WAL has been removed"
						 : "its WAL cannot be decoded");
		slot_make_anew(stream, true, now_us);
		return;
	}
	stream->confirmed = look.confirmed;
	slot_start(stream);
}

static void slot_made(struct stream *stream, int64_t now_us)
{
	stream->slot_dead = false;
	stream->state = STATE_WAITING;
	stream->look_at_us = now_us;
}

/* --- commands and their ends -------------------------------------------------------------------
 */

static void stream_began(struct stream *stream, int64_t now_us)
{
	events_restart(stream->events);
	stream->state = STATE_STREAMING;
	stream->epoch++;
	stream->standby = false;
	stream->in_transaction = stream->held = false;
	seen_reset(stream->seen);
	stream->more = true;
	stream->reply_due = false;
	stream->idle = 0;
	stream->received = stream->confirmed;
	stream->heard_us = stream->status_us = stream->broker_seen_us = now_us;
	stream->trouble[0] = '\0';
	log_info("streaming", LOG_STR("slot", stream->conf->slot));
}

static void command_answered(struct stream *stream, int64_t now_us)
{
	switch (stream->state) {
	case STATE_LOOKING:
		look_answered(stream, now_us);
		break;
	case STATE_MAKING:
		if (slot_make_answered(stream->maker, stream->wal))
			slot_made(stream, now_us);
		break;
	default:
		wal_drop(stream->wal, "an answer that was not expected");
		break;
	}
}

/* Another process may have been quicker in taking, making or dropping the slot: no fault, look
 * again. */
static bool is_race(const char *sqlstate)
{
	static const char *const races[] = {
		"55006", /* object_in_use */
		"42710", /* duplicate_object */
		"42704", /* undefined_object */
	};
	for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++) {
		if (strcmp(sqlstate, races[i]) == 0)
			return true;
	}
	return false;
}

static void command_refused(struct stream *stream, int64_t now_us)
{
	if (!is_race(wal_sqlstate(stream->wal)))
		trouble_tell(stream, LOG_LEVEL_ERROR, "the database refuses to stream",
			wal_reason(stream->wal));
	else if (stream->state == STATE_MAKING)
		trouble_tell(stream, LOG_LEVEL_INFO, "the slot is being made by another process",
			wal_reason(stream->wal));
	look_later(stream, now_us);
}

static void stream_lost(struct stream *stream)
{
	/* a publication that is younger than the WAL being read, which no retry will change */
	if (stream->state == STATE_STREAMING && strcmp(wal_sqlstate(stream->wal), "42704") == 0)
		stream->slot_dead = true;
	if (!stream->released)
		trouble_tell(stream, LOG_LEVEL_WARN, "no database", wal_reason(stream->wal));
	stream->released = false;
	stream->state = STATE_AWAY;
	stream->standby = false;
}

static void news_take(struct stream *stream, enum wal_news news, int64_t now_us)
{
	switch (news) {
	case WAL_OPENED:
		stream->metrics->values[METRIC_DATABASE_CONNECTS]++;
		stream->state = STATE_WAITING;
		stream->look_at_us = now_us;
		break;
	case WAL_ANSWERED:
		command_answered(stream, now_us);
		break;
	case WAL_REFUSED:
		command_refused(stream, now_us);
		break;
	case WAL_STREAMING:
		stream_began(stream, now_us);
		break;
	case WAL_LOST:
		stream_lost(stream);
		break;
	case WAL_NOTHING:
		break;
	}
}

/* --- frames ----------------------------------------------------------------------------------- */

static void message_take(struct stream *stream, const struct frame *frame)
{
	/* without a transaction it would be delivered although its sender was rolled back */
	if (!str_equal(frame->prefix, STR("parley")) || !frame->transactional)
		return;
	events_take(stream->events, frame->content, frame->lsn, stream->commit_us);
}

/* Whatever is told of it, a client that asks at once shall find it. */
static void transaction_begin(struct stream *stream, const struct frame *frame, int64_t now_us)
{
	stream->in_transaction = true;
	stream->commit_us = frame->commit_us;
	stream->xid = frame->xid;
	stream->held = !seen_covers(stream->seen, frame->xid);
	if (stream->held)
		seen_ask(stream->seen, true, now_us);
}

/* May it go on, now that there may be a later snapshot? */
static void held_look(struct stream *stream, int64_t now_us)
{
	if (!stream->held)
		return;
	stream->held = !seen_covers(stream->seen, stream->xid);
	if (!stream->held)
		return;
	if (seen_failed(stream->seen))
		wal_drop(stream->wal, "no snapshot could be had");
	else
		seen_ask(stream->seen, false, now_us);
}

static bool may_read(const struct stream *stream)
{
	return !stream->held && events_have_room(stream->events);
}

static void frame_take(struct stream *stream, const struct frame *frame, int64_t now_us)
{
	if (frame->wal_end > stream->received)
		stream->received = frame->wal_end;
	switch (frame->kind) {
	case FRAME_KEEPALIVE:
		stream->reply_due |= frame->reply_asked;
		if (!stream->in_transaction)
			stream->idle = frame->wal_end;
		break;
	case FRAME_BEGIN:
		transaction_begin(stream, frame, now_us);
		break;
	case FRAME_MESSAGE:
		message_take(stream, frame);
		break;
	case FRAME_COMMIT:
		stream->in_transaction = false;
		events_commit(stream->events, frame->lsn);
		break;
	case FRAME_OTHER:
		break;
	}
}

/* Reads what has come, as long as it may be told and there is room for what it may hold. */
static void frames_take(struct stream *stream, int64_t now_us)
{
	struct str bytes;
	struct frame frame;
	stream->more = false;
	held_look(stream, now_us);
	for (int i = 0; may_read(stream); i++) {
		if (i == FRAMES_MAX) {
			stream->more = true;
			return;
		}
		if (wal_frame(stream->wal, &bytes) != OK)
			return;
		stream->heard_us = now_us;
		if (frame_read(bytes, &frame) != OK) {
			wal_drop(stream->wal, "the stream cannot be read");
			return;
		}
		frame_take(stream, &frame, now_us);
	}
}

/* --- positions -------------------------------------------------------------------------------- */

/* Up to where PostgreSQL may forget: without anything outstanding, up to where it has come. */
static lsn_t confirmable(const struct stream *stream)
{
	lsn_t lsn = events_confirmed(stream->events);
	bool idle = events_outstanding(stream->events) == 0 && !stream->in_transaction;
	if (idle && stream->idle > lsn)
		lsn = stream->idle;
	return lsn > stream->confirmed ? lsn : stream->confirmed;
}

static void status_send(struct stream *stream, int64_t now_us)
{
	char bytes[FRAME_STATUS_BYTES];
	bool silent = now_us - stream->heard_us >= STATUS_AT_LEAST_US;
	stream->confirmed = confirmable(stream);
	frame_write_status(stream->received, stream->confirmed, time_now_us(), silent, bytes);
	wal_write(stream->wal, bytes, sizeof(bytes));
	stream->status_us = now_us;
	stream->reply_due = false;
}

static int64_t status_due_us(const struct stream *stream)
{
	if (stream->reply_due)
		return 0;
	bool moved = confirmable(stream) > stream->confirmed;
	return stream->status_us + (moved ? STATUS_EACH_US : STATUS_AT_LEAST_US);
}

static void slot_release(struct stream *stream)
{
	log_warn("the slot is released: there is no broker", LOG_STR("slot", stream->conf->slot));
	stream->released = true;
	wal_drop(stream->wal, "released");
}

static void broker_watch(struct stream *stream, int64_t now_us)
{
	if (mqtt_ready(stream->mqtt))
		stream->broker_seen_us = now_us;
	else if (now_us - stream->broker_seen_us >= BROKER_AWAY_US)
		slot_release(stream);
}

static void streaming_run(struct stream *stream, int64_t now_us)
{
	bool reads = may_read(stream);
	frames_take(stream, now_us);
	if (now_us >= status_due_us(stream))
		status_send(stream, now_us);
	broker_watch(stream, now_us);
	/* nobody listens */
	if (!reads)
		stream->heard_us = now_us;
	else if (now_us - stream->heard_us >= SILENCE_MAX_US)
		wal_drop(stream->wal, "the server is silent");
}

static void making_run(struct stream *stream, int64_t now_us)
{
	if (slot_make_is_due(stream->maker))
		slot_make_go(stream->maker, stream->wal);
	broker_watch(stream, now_us);
}

/* --- from outside ------------------------------------------------------------------------------
 */

enum err stream_new(const struct conf *conf, struct events *events, struct resync *resync,
	const struct mqtt *mqtt, struct seen *seen, struct metrics *metrics, struct stream **out)
{
	size_t len = strlen(conf->slot);
	if (len == 0 || len > SLOT_NAME_MAX ||
		strspn(conf->slot, "abcdefghijklmnopqrstuvwxyz0123456789_") != len) {
		log_error("not a name for a slot", LOG_STR("slot", conf->slot));
		return ERR_INVALID_INPUT;
	}
	struct stream *stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		fatal("out of memory");
	stream->conf = conf;
	stream->events = events;
	stream->mqtt = mqtt;
	stream->seen = seen;
	stream->metrics = metrics;
	stream->wal = wal_new(WAL_REPLICATION, conf->push_database);
	stream->maker = slot_maker_new(conf->slot, resync);
	*out = stream;
	return OK;
}

void stream_free(struct stream *stream)
{
	if (stream == NULL)
		return;
	if (stream->state == STATE_STREAMING)
		status_send(stream, time_mono_us());
	slot_maker_free(stream->maker);
	wal_free(stream->wal);
	free(stream);
}

void stream_poll(const struct stream *stream, struct pollfd *fd, int64_t *wake_us)
{
	bool streaming = stream->state == STATE_STREAMING;
	int64_t due_us = INT64_MAX;
	wal_poll(stream->wal, streaming && !may_read(stream), fd, wake_us);
	if (stream->more)
		due_us = 0;
	else if (streaming)
		due_us = status_due_us(stream);
	else if (stream->state == STATE_WAITING && mqtt_ready(stream->mqtt))
		due_us = stream->look_at_us;
	else if (stream->state == STATE_MAKING && slot_make_is_due(stream->maker))
		due_us = 0;
	if (due_us < *wake_us)
		*wake_us = due_us;
}

void stream_run(struct stream *stream, short revents, int64_t now_us)
{
	enum wal_news news;
	while ((news = wal_step(stream->wal, revents, now_us)) != WAL_NOTHING)
		news_take(stream, news, now_us);
	if (stream->state == STATE_STREAMING)
		streaming_run(stream, now_us);
	else if (stream->state == STATE_MAKING)
		making_run(stream, now_us);
	if (stream->state != STATE_WAITING || now_us < stream->look_at_us ||
		!mqtt_ready(stream->mqtt))
		return;
	stream->state = STATE_LOOKING;
	wal_send(stream->wal, slot_statement());
}

enum stream_role stream_role(const struct stream *stream)
{
	if (stream->state == STATE_STREAMING)
		return STREAM_ACTIVE;
	/* the database is well, whatever is said of the slot */
	if (stream->state == STATE_MAKING)
		return STREAM_READY;
	if (stream->standby)
		return STREAM_STANDBY;
	return stream->state == STATE_AWAY || stream->trouble[0] != '\0' ? STREAM_NONE
									 : STREAM_READY;
}

bool stream_is_held(const struct stream *stream)
{
	return stream->state == STATE_STREAMING && stream->held;
}

uint32_t stream_epoch(const struct stream *stream)
{
	return stream->epoch;
}

lsn_t stream_received(const struct stream *stream)
{
	return stream->received;
}

lsn_t stream_confirmed(const struct stream *stream)
{
	return stream->confirmed;
}
