/* Sessions and devices (session.h): the device that signs in, and both in JSON. */
#include "lib/model/session.h"

#include <string.h>

#include "lib/json_write.h"

/* The names of a device's fields as the client sees them. */
static const struct {
	const char *key;
	const char *field;
} device_fields[] = {
	{ "id", "device.id" },
	{ "name", "device.name" },
	{ "platform", "device.platform" },
};

static const char *device_field(const char *key)
{
	for (size_t i = 0; i < sizeof(device_fields) / sizeof(device_fields[0]); i++) {
		if (strcmp(device_fields[i].key, key) == 0)
			return device_fields[i].field;
	}
	return key;
}

void device_new_read(const struct json *body, struct faults *faults, struct device_new *out)
{
	*out = (struct device_new){ 0 };
	const struct json *device = json_get(body, "device");
	if (device == NULL)
		return;
	if (json_kind_of(device) != JSON_OBJECT) {
		fault_add(faults, "device", "bad_type", "It must be an object.");
		return;
	}
	size_t before = faults->count;
	json_read_uuid(device, "id", JSON_OPTIONAL, faults, &out->id);
	json_read_name(device, "name", JSON_OPTIONAL, 0, DEVICE_NAME_MAX_CHARS, faults, &out->name);
	json_read_name(device, "platform", JSON_OPTIONAL, 0, DEVICE_NAME_MAX_CHARS, faults,
		&out->platform);
	for (size_t i = before; i < faults->count; i++)
		faults->items[i].field = device_field(faults->items[i].field);
}

void refresh_read(const struct json *body, struct faults *faults, struct str *out)
{
	*out = (struct str){ NULL, 0 };
	if (json_read_top(body, faults))
		json_read_bytes(body, "refresh_token", JSON_REQUIRED, 0, SIZE_MAX, faults, out);
}

static void device_write_names(
	struct buf *buf, const struct uuid *id, struct str name, struct str platform)
{
	json_write_object(buf);
	json_write_key(buf, "id");
	json_write_uuid(buf, id);
	json_write_key(buf, "name");
	json_write_str(buf, name);
	json_write_key(buf, "platform");
	json_write_str(buf, platform);
}

/* The end of both. */
static void write_use(struct buf *buf, int64_t created_at_us, int64_t last_used_at_us, bool current)
{
	json_write_key(buf, "created_at");
	json_write_time(buf, created_at_us);
	json_write_key(buf, "last_used_at");
	json_write_time(buf, last_used_at_us);
	json_write_key(buf, "current");
	json_write_bool(buf, current);
	json_write_object_end(buf);
}

void device_write_short(struct buf *buf, const struct device_new *device)
{
	device_write_names(buf, &device->id, device->name, device->platform);
	json_write_object_end(buf);
}

void device_write(struct buf *buf, const struct device *device)
{
	device_write_names(buf, &device->id, device->name, device->platform);
	write_use(buf, device->created_at_us, device->last_used_at_us, device->current);
}

void session_write(struct buf *buf, const struct session *session)
{
	json_write_object(buf);
	json_write_key(buf, "id");
	json_write_uuid(buf, &session->id);
	json_write_key(buf, "device");
	device_write_short(buf, &session->device);
	write_use(buf, session->created_at_us, session->last_used_at_us, session->current);
}
