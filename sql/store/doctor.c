/* What `parley doctor` asks of a database (doctor.h). */
#include "sql/store/doctor.h"

#include "sql/row.h"

enum err db_doctor_server(struct db *db, struct arena *arena, struct doctor_server *out)
{
	enum {
		VERSION,
		VERSION_TEXT,
		WAL_LEVEL,
		KEEPS_ALL_WAL,
		IN_RECOVERY,
		NOW,
		IS_MIGRATED,
		PUBLICATION,
		COUNT
	};
	static const char *const names[COUNT] = { "version", "version_text", "wal_level",
		"keeps_all_wal", "in_recovery", "now", "is_migrated", "publication" };
	struct columns columns;
	struct rows *rows;
	enum err err = db_run_params(db, arena, Q_DOCTOR_SERVER, &rows, 0, NULL);

	if (err != OK)
		return err;
	columns_find(rows, "", names, COUNT, &columns);
	*out = (struct doctor_server){
		.version = row_int64(&columns, 0, VERSION),
		.version_text = row_text(&columns, 0, VERSION_TEXT),
		.wal_level = row_text(&columns, 0, WAL_LEVEL),
		.keeps_all_wal = row_bool(&columns, 0, KEEPS_ALL_WAL),
		.in_recovery = row_bool(&columns, 0, IN_RECOVERY),
		.now_us = row_time(&columns, 0, NOW),
		.is_migrated = row_bool(&columns, 0, IS_MIGRATED),
		.publication = row_bool(&columns, 0, PUBLICATION),
	};
	return OK;
}

enum err db_doctor_role(struct db *db, struct arena *arena, struct doctor_role *out)
{
	static const char *const names[] = { "name", "is_superuser", "replicates", "writes",
		"deletes" };
	struct columns columns;
	struct rows *rows;
	enum err err = db_run_params(db, arena, Q_DOCTOR_ROLE, &rows, 0, NULL);

	if (err != OK)
		return err;
	columns_find(rows, "", names, 5, &columns);
	*out = (struct doctor_role){
		.name = row_text(&columns, 0, 0),
		.is_superuser = row_bool(&columns, 0, 1),
		.replicates = row_bool(&columns, 0, 2),
		.writes = row_bool(&columns, 0, 3),
		.deletes = row_bool(&columns, 0, 4),
	};
	return OK;
}

enum err db_doctor_slot(
	struct db *db, struct arena *arena, const char *name, struct doctor_slot *out)
{
	static const char *const names[] = { "usable", "active", "wal_status", "safe_wal_bytes",
		"behind_bytes" };
	struct columns columns;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_DOCTOR_SLOT, &rows, P_TEXT(str_of(name)));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, 5, &columns);
	*out = (struct doctor_slot){
		.usable = row_bool(&columns, 0, 0),
		.active = row_bool(&columns, 0, 1),
		.wal_status = row_text(&columns, 0, 2),
		.safe_wal_bytes = row_int64(&columns, 0, 3),
		.behind_bytes = row_int64(&columns, 0, 4),
	};
	return OK;
}

enum err db_doctor_migration_list(
	struct db *db, struct arena *arena, struct doctor_migration **out, size_t *count)
{
	static const char *const names[] = { "version", "name", "sha256" };
	struct columns columns;
	struct rows *rows;
	enum err err = db_run_params(db, arena, Q_DOCTOR_MIGRATION_LIST, &rows, 0, NULL);

	if (err != OK)
		return err;
	columns_find(rows, "", names, 3, &columns);
	*count = rows_count(rows);
	*out = arena_calloc(arena, *count + 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct doctor_migration){
			.version = row_int64(&columns, i, 0),
			.name = row_text(&columns, i, 1),
			.sha256 = row_text(&columns, i, 2),
		};
	return OK;
}

enum err db_doctor_program_list(
	struct db *db, struct arena *arena, struct doctor_program **out, size_t *count)
{
	static const char *const names[] = { "name", "connections" };
	struct columns columns;
	struct rows *rows;
	enum err err = db_run_params(db, arena, Q_DOCTOR_PROGRAM_LIST, &rows, 0, NULL);

	if (err != OK)
		return err;
	columns_find(rows, "", names, 2, &columns);
	*count = rows_count(rows);
	*out = arena_calloc(arena, *count + 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct doctor_program){
			.name = row_text(&columns, i, 0),
			.connections = row_int64(&columns, i, 1),
		};
	return OK;
}

enum err db_doctor_identity_list(
	struct db *db, struct arena *arena, struct doctor_identity **out, size_t *count)
{
	static const char *const names[] = { "issuer", "keys", "fetched_at", "wanted_at" };
	struct columns columns;
	struct rows *rows;
	enum err err = db_run_params(db, arena, Q_DOCTOR_IDENTITY_LIST, &rows, 0, NULL);

	if (err != OK)
		return err;
	columns_find(rows, "", names, 4, &columns);
	*count = rows_count(rows);
	*out = arena_calloc(arena, *count + 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct doctor_identity){
			.issuer = row_text(&columns, i, 0),
			.keys = row_int64(&columns, i, 1),
			.fetched_at_us = row_time(&columns, i, 2),
			.wanted_at_us = row_time(&columns, i, 3),
		};
	return OK;
}

enum err db_doctor_mail(struct db *db, struct arena *arena, int64_t *waiting)
{
	static const char *const names[] = { "waiting" };
	struct columns columns;
	struct rows *rows;
	enum err err = db_run_params(db, arena, Q_DOCTOR_MAIL, &rows, 0, NULL);

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &columns);
	*waiting = row_int64(&columns, 0, 0);
	return OK;
}
