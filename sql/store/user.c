/* People in the database (sql/query/user.sql). Called by rest/handler/{auth,user}.c and ops/parley, and for lists of people by
 * store/{contact,block}.c. */
#include "sql/store/user.h"

#include "sql/outcome.h"
#include "sql/row.h"

/* Groups that an account leaves in one transaction when it is erased. */
enum {
	LEAVE_AT_ONCE = 200
};

enum {
	ID,
	HANDLE,
	DISPLAY_NAME,
	AVATAR_URL,
	BIO,
	CREATED_AT,
	DELETED,
	PROFILE__MAX,
	EMAIL = PROFILE__MAX,
	LOCALE,
	SETTINGS,
	OWN__MAX
};

static const char *const names[OWN__MAX] = {
	[ID] = "id",
	[HANDLE] = "handle",
	[DISPLAY_NAME] = "display_name",
	[AVATAR_URL] = "avatar_url",
	[BIO] = "bio",
	[CREATED_AT] = "created_at",
	[DELETED] = "deleted",
	[EMAIL] = "email",
	[LOCALE] = "locale",
	[SETTINGS] = "settings",
};

/* What everybody may see. */
static struct user read_profile(const struct columns *c, size_t row)
{
	return (struct user){
		.id = row_uuid(c, row, ID),
		.handle = row_text(c, row, HANDLE),
		.display_name = row_text(c, row, DISPLAY_NAME),
		.avatar_url = row_text(c, row, AVATAR_URL),
		.bio = row_text(c, row, BIO),
		.created_at_us = row_time(c, row, CREATED_AT),
		.deleted = row_bool(c, row, DELETED),
	};
}

/* The only row, with what only its user may see where own is set. ERR_NOT_FOUND when there is none.
 */
static enum err read_user(const struct rows *rows, bool own, struct user *out)
{
	struct columns c;

	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, own ? OWN__MAX : PROFILE__MAX, &c);
	*out = read_profile(&c, 0);
	if (own) {
		out->email = row_text(&c, 0, EMAIL);
		out->locale = row_text(&c, 0, LOCALE);
		out->settings = row_text(&c, 0, SETTINGS);
	}
	return OK;
}

/* Which of what is to be unique is taken, after ERR_CONFLICT. */
static void taken_add(const struct db *db, struct faults *faults)
{
	if (strcmp(db_constraint(db), "users_email") == 0)
		fault_add(faults, "email", "taken", "This e-mail address is in use.");
	else
		fault_add(faults, "handle", "taken", "This handle is in use.");
}

enum err db_user_register(struct db *db, struct arena *arena, const struct user_new *new,
	struct str password_hash, const struct session_new *session, struct faults *faults,
	struct user *out)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_USER_REGISTER, &rows, P_UUID(&session->user_id),
		P_TEXT(new->handle), P_TEXT(new->display_name), P_TEXT(new->email),
		P_TEXT(new->locale), P_TEXT(password_hash), P_UUID(&session->device.id),
		P_TEXT(session->device.name), P_TEXT(session->device.platform),
		P_UUID(&session->id), P_BYTES(session->refresh.family, REFRESH_HASH_BYTES),
		P_BYTES(session->refresh.whole, REFRESH_HASH_BYTES),
		P_INT64(session->refresh_ttl_s));

	if (err == ERR_CONFLICT)
		taken_add(db, faults);
	return err == OK ? read_user(rows, true, out) : err;
}

enum err db_user_add(struct db *db, struct arena *arena, const struct uuid *id,
	const struct user_new *new, struct str password_hash, struct faults *faults,
	struct user *out)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_USER_ADD, &rows, P_UUID(id), P_TEXT(new->handle),
		P_TEXT(new->display_name), P_TEXT(new->email), P_TEXT(new->locale),
		P_TEXT(password_hash));

	if (err == ERR_CONFLICT)
		taken_add(db, faults);
	return err == OK ? read_user(rows, true, out) : err;
}

/* By one of two statements, which answer whether there is such an account. */
static enum err user_turn(
	struct db *db, struct arena *arena, enum query query, const struct uuid *user)
{
	static const char *const done_names[] = { "done" };
	struct columns c;
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, query, &rows, P_UUID(user), P_UUID(&event_id));
	if (err != OK)
		return err;
	columns_find(rows, "", done_names, 1, &c);
	return row_bool(&c, 0, 0) ? OK : ERR_NOT_FOUND;
}

enum err db_user_disable(struct db *db, struct arena *arena, const struct uuid *user)
{
	return user_turn(db, arena, Q_USER_DISABLE, user);
}

enum err db_user_enable(struct db *db, struct arena *arena, const struct uuid *user)
{
	return user_turn(db, arena, Q_USER_ENABLE, user);
}

enum err db_user_find(struct db *db, struct arena *arena, struct str handle, struct uuid *out)
{
	static const char *const id_names[] = { "id" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_USER_FIND, &rows, P_TEXT(handle));

	if (err == OK && rows_count(rows) == 0)
		err = ERR_NOT_FOUND;
	if (err != OK)
		return err;
	columns_find(rows, "", id_names, 1, &c);
	*out = row_uuid(&c, 0, 0);
	return OK;
}

/* Of the only row. */
static struct password read_password(const struct rows *rows)
{
	static const char *const password_names[] = { "password_hash", "password_changed_at" };
	struct columns c;

	columns_find(rows, "", password_names, 2, &c);
	return (struct password){ row_text(&c, 0, 0), row_time(&c, 0, 1) };
}

enum err db_user_for_login(struct db *db, struct arena *arena, struct str handle, struct str email,
	const struct uuid *device, struct user *out, struct password *password, bool *device_known)
{
	static const char *const known_names[] = { "device_known" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(
		db, arena, Q_USER_FOR_LOGIN, &rows, P_TEXT(handle), P_TEXT(email), P_UUID(device));

	if (err == OK)
		err = read_user(rows, true, out);
	if (err != OK)
		return err;
	*password = read_password(rows);
	columns_find(rows, "", known_names, 1, &c);
	*device_known = row_bool(&c, 0, 0);
	return OK;
}

enum err db_user_password_update(struct db *db, struct arena *arena, const struct uuid *user,
	struct str new_hash, struct str old_hash)
{
	return db_run(db, arena, Q_USER_PASSWORD_UPDATE, NULL, P_UUID(user), P_TEXT(new_hash),
		P_TEXT(old_hash));
}

enum err db_user_password(struct db *db, struct arena *arena, const struct uuid *user,
	struct str *handle, struct password *out)
{
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_USER_PASSWORD, &rows, P_UUID(user));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_UNAUTHORIZED;
	columns_find(rows, "", &names[HANDLE], 1, &c);
	*handle = row_text(&c, 0, 0);
	*out = read_password(rows);
	return OK;
}

enum err db_user_password_change(struct db *db, struct arena *arena, const struct uuid *user,
	int64_t changed_at_us, struct str hash, const struct uuid *session)
{
	static const char *const result_names[] = { "changed" };
	struct columns c;
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_USER_PASSWORD_CHANGE, &rows, P_UUID(user), P_TIME(changed_at_us),
		P_TEXT(hash), P_UUID(session), P_UUID(&event_id));
	if (err != OK)
		return err;
	columns_find(rows, "", result_names, 1, &c);
	return row_bool(&c, 0, 0) ? OK : ERR_FORBIDDEN;
}

enum err db_user_refresh(struct db *db, struct arena *arena, const struct refresh_hashes *old,
	struct session_new *next, struct user *out)
{
	static const char *const session_names[] = { "session_id", "device_id", "device_name",
		"device_platform" };
	struct columns c;
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_USER_REFRESH, &rows, P_BYTES(old->family, REFRESH_HASH_BYTES),
		P_BYTES(old->whole, REFRESH_HASH_BYTES),
		P_BYTES(next->refresh.whole, REFRESH_HASH_BYTES), P_INT64(next->refresh_ttl_s),
		P_UUID(&event_id));
	if (err == OK)
		err = read_user(rows, true, out);
	if (err != OK)
		return err == ERR_NOT_FOUND ? ERR_UNAUTHORIZED : err;
	columns_find(rows, "", session_names, 4, &c);
	next->id = row_uuid(&c, 0, 0);
	next->user_id = out->id;
	next->device =
		(struct device_new){ row_uuid(&c, 0, 1), row_text(&c, 0, 2), row_text(&c, 0, 3) };
	return OK;
}

enum err db_user_erase(
	struct db *db, struct arena *arena, const struct uuid *user, bool with_messages, bool said)
{
	static const char *const result_names[] = { "erased" };
	struct columns c;
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	do {
		err = db_run(db, arena, Q_USER_ERASE, &rows, P_UUID(user), P_INT64(LEAVE_AT_ONCE),
			P_BOOL(with_messages), P_UUID(&event_id), P_BOOL(said));
		if (err != OK)
			return err;
		columns_find(rows, "", result_names, 1, &c);
	} while (!row_bool(&c, 0, 0));
	return OK;
}

enum err db_user_own(struct db *db, struct arena *arena, const struct uuid *user, struct user *out)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_USER_OWN, &rows, P_UUID(user));

	return err == OK ? read_user(rows, true, out) : err;
}

enum err db_user_profile(
	struct db *db, struct arena *arena, const struct uuid *user, struct user *out)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_USER_PROFILE, &rows, P_UUID(user));

	return err == OK ? read_user(rows, false, out) : err;
}

enum err db_user_search(struct db *db, struct arena *arena, struct str text,
	const struct name_cursor *cursor, size_t limit, struct user **out,
	struct name_cursor **places, size_t *count)
{
	static const char *const term_names[] = { "term" };
	struct columns c, term;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_USER_SEARCH, &rows, P_TEXT(text),
		P_INT64((int64_t)limit + 1), P_TEXT(cursor->name), P_UUID(&cursor->id));

	if (err != OK)
		return err;
	columns_find(rows, "", names, PROFILE__MAX, &c);
	columns_find(rows, "", term_names, 1, &term);
	*count = rows_count(rows);
	*out = arena_calloc(arena, *count, sizeof(**out));
	*places = arena_calloc(arena, *count, sizeof(**places));
	for (size_t i = 0; i < *count; i++) {
		(*out)[i] = read_profile(&c, i);
		(*places)[i] = (struct name_cursor){ row_text(&term, i, 0), (*out)[i].id };
	}
	return OK;
}

enum err db_user_update(struct db *db, struct arena *arena, const struct uuid *user,
	const struct user_change *change, struct user *out)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_USER_UPDATE, &rows, P_UUID(user),
		P_BOOL(change->has_display_name), P_TEXT(change->display_name),
		P_BOOL(change->has_avatar_url), P_TEXT(change->avatar_url), P_BOOL(change->has_bio),
		P_TEXT(change->bio), P_BOOL(change->has_locale), P_TEXT(change->locale),
		P_BOOL(change->has_settings), P_TEXT(change->settings));

	return err == OK ? read_user(rows, true, out) : err;
}

struct call user_barred_call(int64_t at_us, const struct uuid *id, size_t max)
{
	return CALL(Q_USER_BARRED, P_TIME(at_us), P_UUID(id), P_INT64((int64_t)max));
}

void user_barred_answer(
	const struct rows *rows, struct uuid *out, size_t max, size_t *count, int64_t *at_us)
{
	static const char *const barred_names[] = { "id", "barred_at" };
	struct columns c;

	columns_find(rows, "", barred_names, 2, &c);
	*count = rows_count(rows) < max ? rows_count(rows) : max;
	for (size_t i = 0; i < *count; i++)
		out[i] = row_uuid(&c, i, 0);
	if (*count > 0)
		*at_us = row_time(&c, *count - 1, 1);
}

void read_relations(
	struct arena *arena, const struct rows *rows, struct relation **out, size_t *count)
{
	static const char *const since_names[] = { "since" };
	struct columns c, since;

	columns_find(rows, "", names, PROFILE__MAX, &c);
	columns_find(rows, "", since_names, 1, &since);
	*count = rows_count(rows);
	*out = arena_calloc(arena, *count, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct relation){ read_profile(&c, i), row_time(&since, i, 0) };
}

enum err relation_outcome(const struct rows *rows, const char **why)
{
	static const struct outcome outcomes[] = {
		{ "ok", OK, NULL },
		{ "not_found", ERR_NOT_FOUND, NULL },
		{ "full", ERR_CONFLICT, "The list has as many people as it may have." },
	};

	return OUTCOME_READ(outcomes, rows, why);
}
