/* Devices in the database (sql/query/device.sql). Called by rest/handler/device.c. */
#include "sql/store/device.h"

#include "sql/row.h"

enum {
	ID,
	NAME,
	PLATFORM,
	CREATED_AT,
	LAST_USED_AT,
	DEVICE__MAX
};

static const char *const names[DEVICE__MAX] = {
	[ID] = "id",
	[NAME] = "name",
	[PLATFORM] = "platform",
	[CREATED_AT] = "created_at",
	[LAST_USED_AT] = "last_used_at",
};

static struct device read_device(const struct columns *c, size_t row)
{
	return (struct device){
		.id = row_uuid(c, row, ID),
		.name = row_text(c, row, NAME),
		.platform = row_text(c, row, PLATFORM),
		.created_at_us = row_time(c, row, CREATED_AT),
		.last_used_at_us = row_time(c, row, LAST_USED_AT),
	};
}

enum err db_device_list(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct device **out, size_t *count)
{
	struct columns c;
	struct rows *rows;
	struct device *list;
	enum err err = db_run(db, arena, Q_DEVICE_LIST, &rows, P_UUID(user),
		P_INT64((int64_t)limit + 1), P_TIME(cursor->at_us), P_UUID(&cursor->id));

	if (err != OK)
		return err;
	columns_find(rows, "", names, DEVICE__MAX, &c);
	list = arena_calloc(arena, rows_count(rows), sizeof(*list));
	for (size_t i = 0; i < rows_count(rows); i++)
		list[i] = read_device(&c, i);
	*out = list;
	*count = rows_count(rows);
	return OK;
}

enum err db_device_end(
	struct db *db, struct arena *arena, const struct uuid *user, const struct uuid *device)
{
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(
		db, arena, Q_DEVICE_END, &rows, P_UUID(user), P_UUID(device), P_UUID(&event_id));
	if (err != OK)
		return err;
	return rows_count(rows) == 0 ? ERR_NOT_FOUND : OK;
}
