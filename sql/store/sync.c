/*
 * Catching up, from the database (sql/query/sync.sql, where it is proved that nothing is missed). A page is filled
 * phase by phase, each one statement with a key to go on from. Called by rest/handler/sync.c.
 */
#include "sql/store/sync.h"

#include <stdlib.h>
#include <string.h>

#include "sql/row.h"
#include "sql/store/conversation.h"
#include "sql/store/message.h"

enum {
	/* A group of more says by rev and member_count that its members have to be asked for, as in its events. */
	MEMBERS_MAX = 100
};

/* A page that is being filled. */
struct page {
	struct db *db;
	struct arena *arena;
	const struct uuid *user;
	size_t room;		   /* for so many more items */
	struct sync_cursor *place; /* behind which the phase goes on */
	struct sync *out;
	/* When this page began with all conversations that have changed, nothing else has messages. */
	bool knows_changed;
};

/* How many of the rows found are taken; one more than fits was asked for. */
static size_t page_take(struct page *page, size_t found, bool *full)
{
	size_t taken = found > page->room ? page->room : found;

	*full = found > page->room;
	page->room -= taken;
	return taken;
}

static struct param page_rows(const struct page *page)
{
	return P_INT64((int64_t)page->room + 1);
}

/* --- conversations ------------------------------------------------------------------------------ */

/* Gives each group its members out of rows, which are in the order of the groups. */
static void deal_members(struct arena *arena, const struct rows *rows,
	struct conversation *conversations, size_t count, const bool *wanted)
{
	static const char *const id_names[] = { "conversation_id" };
	struct columns ids, c;
	struct member *members = arena_calloc(arena, rows_count(rows), sizeof(*members));
	size_t row = 0;

	columns_find(rows, "", id_names, 1, &ids);
	member_columns(rows, "", &c);
	for (size_t i = 0; i < count; i++) {
		size_t first = row;

		if (!wanted[i])
			continue;
		for (; row < rows_count(rows); row++) {
			struct uuid id = row_uuid(&ids, row, 0);

			if (!uuid_equal(&id, &conversations[i].id))
				break;
			read_member(&c, row, &members[row]);
		}
		conversations[i].members = members + first;
		conversations[i].nmembers = row - first;
	}
}

/* Whose members have changed brings them along, so that the client need not ask. */
static enum err add_members(struct page *page, const struct rows *changes,
	struct conversation *conversations, size_t count)
{
	static const char *const change_names[] = { "members_changed" };
	struct columns c;
	struct rows *rows;
	struct uuid *ids = arena_calloc(page->arena, count, sizeof(*ids));
	bool *wanted = arena_calloc(page->arena, count, sizeof(*wanted));
	size_t nids = 0;
	enum err err;

	columns_find(changes, "", change_names, 1, &c);
	for (size_t i = 0; i < count; i++) {
		wanted[i] = conversations[i].kind == CONVERSATION_GROUP && row_bool(&c, i, 0) &&
			    conversations[i].member_count <= MEMBERS_MAX;
		if (wanted[i])
			ids[nids++] = conversations[i].id;
	}
	if (nids == 0)
		return OK;
	err = db_run(page->db, page->arena, Q_SYNC_MEMBERS, &rows,
		P_TEXT(uuid_array(page->arena, ids, nids)), P_INT64((int64_t)nids * MEMBERS_MAX));
	if (err == OK)
		deal_members(page->arena, rows, conversations, count, wanted);
	return err;
}

static enum err fill_conversations(struct page *page, bool *full)
{
	struct sync *out = page->out;
	struct rows *rows;
	bool first = uuid_is_nil(&page->place->conversation_id);
	size_t found, taken;
	enum err err = db_run(page->db, page->arena, Q_SYNC_CONVERSATIONS, &rows,
		P_UUID(page->user), P_INT64(page->place->from),
		P_UUID(&page->place->conversation_id), page_rows(page));

	if (err == OK)
		err = read_conversations(
			page->arena, rows, page->user, &out->conversations, &found);
	if (err != OK)
		return err;
	taken = page_take(page, found, full);
	page->knows_changed = first && !*full;
	out->nconversations = taken;
	if (taken > 0)
		page->place->conversation_id = out->conversations[taken - 1].id;
	if (page->place->phase == SYNC_EVERYTHING)
		return OK;
	return add_members(page, rows, out->conversations, taken);
}

/* --- what it is no longer in -------------------------------------------------------------------- */

static enum err fill_left(struct page *page, bool *full)
{
	static const char *const names[] = { "conversation_id" };
	struct sync *out = page->out;
	struct columns c;
	struct rows *rows;
	enum err err = db_run(page->db, page->arena, Q_SYNC_LEFT, &rows, P_UUID(page->user),
		P_INT64(page->place->from), P_UUID(&page->place->conversation_id), page_rows(page));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &c);
	out->nleft = page_take(page, rows_count(rows), full);
	out->left = arena_calloc(page->arena, out->nleft, sizeof(*out->left));
	for (size_t i = 0; i < out->nleft; i++)
		out->left[i] = row_uuid(&c, i, 0);
	if (out->nleft > 0)
		page->place->conversation_id = out->left[out->nleft - 1];
	return OK;
}

/* --- messages ----------------------------------------------------------------------------------- */

/* Oldest first. created_at rises with seq, or is equal. */
static int message_order(const void *a, const void *b)
{
	const struct message *left = a, *right = b;
	int ids = memcmp(left->conversation_id.bytes, right->conversation_id.bytes,
		sizeof(left->conversation_id.bytes));

	if (left->created_at_us != right->created_at_us)
		return left->created_at_us < right->created_at_us ? -1 : 1;
	if (ids != 0)
		return ids;
	return (left->seq > right->seq) - (left->seq < right->seq);
}

static struct param changed_ids(const struct page *page)
{
	const struct sync *out = page->out;
	struct uuid *ids = arena_calloc(page->arena, out->nconversations, sizeof(*ids));

	for (size_t i = 0; i < out->nconversations; i++)
		ids[i] = out->conversations[i].id;
	return P_TEXT(uuid_array(page->arena, ids, out->nconversations));
}

static enum err run_messages(struct page *page, struct rows **rows)
{
	const struct sync_cursor *place = page->place;

	if (page->knows_changed)
		return db_run(page->db, page->arena, Q_SYNC_MESSAGES_AMONG, rows,
			P_UUID(page->user), P_INT64(place->from), changed_ids(page),
			page_rows(page));
	return db_run(page->db, page->arena, Q_SYNC_MESSAGES, rows, P_UUID(page->user),
		P_INT64(place->from), P_UUID(&place->conversation_id), P_INT64(place->seq),
		P_INT64(place->known_seq), page_rows(page));
}

static enum err fill_messages(struct page *page, bool *full)
{
	static const char *const names[] = { "conversation_id", "known_seq" };
	struct sync_cursor *place = page->place;
	struct sync *out = page->out;
	struct columns c, message;
	struct rows *rows;
	enum err err;

	*full = false;
	if (page->knows_changed && out->nconversations == 0)
		return OK;
	err = run_messages(page, &rows);
	if (err != OK)
		return err;
	columns_find(rows, "", names, 2, &c);
	message_columns(rows, "", &message);
	out->nmessages = page_take(page, rows_count(rows), full);
	out->messages = arena_calloc(page->arena, out->nmessages, sizeof(*out->messages));
	for (size_t i = 0; i < out->nmessages; i++) {
		struct uuid id = row_uuid(&c, i, 0);

		read_message(&message, i, &id, &out->messages[i]);
		place->conversation_id = id;
		place->seq = out->messages[i].seq;
		place->known_seq = row_int64(&c, i, 1);
	}
	if (out->nmessages > 0)
		qsort(out->messages, out->nmessages, sizeof(*out->messages), message_order);
	return OK;
}

/* --- receipts ----------------------------------------------------------------------------------- */

static enum err fill_receipts(struct page *page, bool *full)
{
	static const char *const names[] = { "conversation_id", "user_id", "last_read_seq",
		"last_delivered_seq" };
	struct sync_cursor *place = page->place;
	struct sync *out = page->out;
	struct columns c;
	struct rows *rows;
	enum err err = db_run(page->db, page->arena, Q_SYNC_RECEIPTS, &rows, P_UUID(page->user),
		P_INT64(place->from), P_UUID(&place->conversation_id), P_UUID(&place->user_id),
		page_rows(page));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 4, &c);
	out->nreceipts = page_take(page, rows_count(rows), full);
	out->receipts = arena_calloc(page->arena, out->nreceipts, sizeof(*out->receipts));
	for (size_t i = 0; i < out->nreceipts; i++) {
		out->receipts[i] = (struct sync_receipt){
			.conversation_id = row_uuid(&c, i, 0),
			.user_id = row_uuid(&c, i, 1),
			.last_read_seq = row_int64(&c, i, 2),
			.last_delivered_seq = row_int64(&c, i, 3),
		};
		place->conversation_id = out->receipts[i].conversation_id;
		place->user_id = out->receipts[i].user_id;
	}
	return OK;
}

/* --- a page ------------------------------------------------------------------------------------- */

/* *full: there is more of this phase than fits on the page. after: SYNC_PHASE__MAX ends the sweep. */
static const struct {
	enum err (*fill)(struct page *page, bool *full);
	enum sync_phase after;
} phases[SYNC_PHASE__MAX] = {
	[SYNC_EVERYTHING] = { fill_conversations, SYNC_PHASE__MAX },
	[SYNC_CONVERSATIONS] = { fill_conversations, SYNC_LEFT },
	[SYNC_LEFT] = { fill_left, SYNC_MESSAGES },
	[SYNC_MESSAGES] = { fill_messages, SYNC_RECEIPTS },
	[SYNC_RECEIPTS] = { fill_receipts, SYNC_PHASE__MAX },
};

/* The cursor at the beginning of a phase. */
static struct sync_cursor phase_begin(const struct sync_cursor *cursor, enum sync_phase phase)
{
	return (struct sync_cursor){
		.identity = cursor->identity,
		.began_at_s = cursor->began_at_s,
		.from = cursor->from,
		.next_from = cursor->next_from,
		.phase = phase,
	};
}

/* Goes on from the cursor until the page is full or the sweep at its end. */
static enum err page_fill(struct page *page)
{
	struct sync_cursor *cursor = page->place;
	bool full = false;

	for (;;) {
		enum sync_phase after = phases[cursor->phase].after;
		enum err err = phases[cursor->phase].fill(page, &full);

		if (err != OK)
			return err;
		page->out->has_more = full;
		if (full)
			return OK;
		if (after == SYNC_PHASE__MAX)
			break;
		*cursor = phase_begin(cursor, after);
	}
	cursor->from = cursor->next_from;
	cursor->next_from = 0;
	*cursor = phase_begin(cursor, SYNC_CONVERSATIONS);
	return OK;
}

/* What sync_begin says. */
struct begin {
	uint64_t identity;
	int64_t next_from;
	int64_t future;
};

static enum err sync_begin(
	struct db *db, struct arena *arena, const struct uuid *user, struct begin *out)
{
	static const char *const names[] = { "identity", "next_from", "future" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SYNC_BEGIN, &rows, P_UUID(user));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 3, &c);
	*out = (struct begin){
		.identity = (uint64_t)row_int64(&c, 0, 0),
		.next_from = row_int64(&c, 0, 1),
		.future = row_int64(&c, 0, 2),
	};
	return OK;
}

/* Of this database, for this user, of its past, and not too old? */
static bool is_known(const struct sync_ask *ask, const struct begin *begin)
{
	const struct sync_cursor *since = ask->since;
	int64_t highest = since->next_from > since->from ? since->next_from : since->from;

	return since->identity == begin->identity && highest <= begin->future &&
	       (since->began_at_s >= ask->now_s || ask->now_s - since->began_at_s <= ask->ttl_s);
}

enum err db_sync(struct db *db, struct arena *arena, const struct uuid *user,
	const struct sync_ask *ask, struct sync *out)
{
	struct sync sync = { 0 };
	struct page page = { db, arena, user, ask->limit, &sync.next, &sync, false };
	struct begin begin;
	enum err err = sync_begin(db, arena, user, &begin);

	if (err != OK)
		return err;
	sync.next = (struct sync_cursor){
		.identity = begin.identity,
		.began_at_s = ask->now_s,
		.phase = SYNC_EVERYTHING,
	};
	if (ask->since && !is_known(ask, &begin)) {
		sync.reset = true;
		*out = sync;
		return OK;
	}
	if (ask->since)
		sync.next = *ask->since;
	if (sync.next.next_from == 0) {
		sync.next.next_from = begin.next_from;
		sync.next.began_at_s = ask->now_s;
	}
	err = page_fill(&page);
	if (err == OK)
		*out = sync;
	return err;
}
