/* Parameters in the binary form of PostgreSQL (param.h). Called by the stores, db.c and pipeline.c. */
#include "sql/param.h"

#include <endian.h>
#include <string.h>

#include "lib/log.h"
#include "lib/time.h"

#define PG_EPOCH_US INT64_C(946684800000000)

struct param P_INT64(int64_t number) {
	struct param param = { NULL, 8, true, { 0 } };
	uint64_t wire = htobe64((uint64_t)number);

	memcpy(param.bytes, &wire, sizeof(wire));
	return param;
}

struct param
P_BOOL(bool truth) {
	return (struct param){ NULL, 1, true, { truth } };
}

struct param
P_UUID(const struct uuid *id) {
	struct param param = { NULL, sizeof(id->bytes), true, { 0 } };

	if (!id || uuid_is_nil(id))
		return P_NULL();
	memcpy(param.bytes, id->bytes, sizeof(id->bytes));
	return param;
}

struct param
P_TEXT(struct str text) {
	return (struct param){ text.ptr, (int)text.len, false, { 0 } };
}

struct param
P_BYTES(const void *bytes, size_t size) {
	return (struct param){ bytes, (int)size, false, { 0 } };
}

struct param
P_TIME(int64_t time_us) {
	return time_us == TIME_NONE ? P_NULL() : P_INT64(time_us - PG_EPOCH_US);
}

struct param
P_NULL(void) {
	return (struct param){ NULL, 0, false, { 0 } };
}

struct str
uuid_array(struct arena *arena, const struct uuid *ids, size_t count)
{
	char *text = arena_alloc(arena, count * (UUID_TEXT_LEN + 1) + 3);
	size_t len = 0;

	text[len++] = '{';
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text[len++] = ',';
		uuid_format(&ids[i], text + len);
		len += UUID_TEXT_LEN;
	}
	text[len++] = '}';
	return (struct str){ text, len };
}

void params_encode(enum query query, int nparams, const struct param *params, struct encoded *out)
{
	if (nparams != queries[query].nparams || nparams > PARAMS_MAX)
		fatal("wrong number of parameters", LOG_STR("statement", queries[query].name));
	for (int i = 0; i < nparams; i++) {
		out->values[i] = params[i].is_inline ? params[i].bytes : params[i].value;
		out->lengths[i] = params[i].size;
		out->formats[i] = 1;
	}
}
