/*
 * The slot made, step by step; see the header.
 */
#include "push/slot_make.h"

#include <stdio.h>
#include <stdlib.h>

#include "query.h"

#include "lib/log.h"

enum step {
	STEP_CREATE,	/* <slot>_new */
	STEP_TELL,	/* not a command */
	STEP_DROP_LOST, /* <slot> */
	STEP_COPY,	/* <slot>_new to <slot> */
	STEP_DROP_NEW,
	STEP_DONE,
};

enum {
	COMMAND_BYTES = 192
};

struct slot_maker {
	struct resync *resync;
	enum step step;
	bool lost;
	char name[SLOT_NAME_MAX + 1];
};

struct slot_maker *slot_maker_new(const char *name, struct resync *resync)
{
	struct slot_maker *maker = calloc(1, sizeof(*maker));
	if (maker == NULL)
		fatal("out of memory");
	maker->resync = resync;
	snprintf(maker->name, sizeof(maker->name), "%s", name);
	return maker;
}

void slot_maker_free(struct slot_maker *maker)
{
	free(maker);
}

static void drop_send(const struct slot_maker *maker, struct wal *wal, const char *suffix)
{
	char command[COMMAND_BYTES];
	snprintf(command, sizeof(command), "DROP_REPLICATION_SLOT \"%s%s\"", maker->name, suffix);
	wal_send(wal, command);
}

static void create_send(const struct slot_maker *maker, struct wal *wal)
{
	char command[COMMAND_BYTES];
	snprintf(command, sizeof(command),
		"CREATE_REPLICATION_SLOT \"%s_new\" TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT",
		maker->name);
	wal_send(wal, command);
}

static void step_begin(struct slot_maker *maker, struct wal *wal, enum step step)
{
	maker->step = step;
	switch (step) {
	case STEP_CREATE:
		create_send(maker, wal);
		break;
	case STEP_TELL:
		log_info("before the slot is made anew everybody is told to sync",
			LOG_STR("slot", maker->name));
		resync_begin(maker->resync);
		break;
	case STEP_DROP_LOST:
		drop_send(maker, wal, "");
		break;
	case STEP_COPY:
		wal_send(wal, queries[Q_SLOT_COPY].sql);
		break;
	case STEP_DROP_NEW:
		drop_send(maker, wal, "_new");
		break;
	case STEP_DONE:
		log_warn("the slot has been made, and everybody told to sync",
			LOG_STR("slot", maker->name));
		break;
	}
}

void slot_make(struct slot_maker *maker, struct wal *wal, bool lost)
{
	maker->lost = lost;
	step_begin(maker, wal, STEP_CREATE);
}

bool slot_make_answered(struct slot_maker *maker, struct wal *wal)
{
	step_begin(maker, wal, maker->step + 1);
	return maker->step == STEP_DONE;
}

bool slot_make_is_due(const struct slot_maker *maker)
{
	return maker->step == STEP_TELL && resync_told(maker->resync);
}

void slot_make_go(struct slot_maker *maker, struct wal *wal)
{
	step_begin(maker, wal, maker->lost ? STEP_DROP_LOST : STEP_COPY);
}
