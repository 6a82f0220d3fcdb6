/* Any bytes as JSON: the scan never reads astray, and text, tree and canonical form say the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void check_string(struct arena *arena, struct str text, struct str value)
{
	struct buf form = { 0 };
	json_canonical(arena, text, &form);
	insist(form.len > value.len && form.data[form.len - value.len - 1] == ':',
		"length of a string");
	insist(value.len == 0 ||
			memcmp(form.data + form.len - value.len, value.ptr, value.len) == 0,
		"bytes of a string");
	insist(text_is_utf8(value), "a string is UTF-8");
	buf_free(&form);
}

/* The value as it is spelled against the value in the tree. */
static void check_value(struct arena *arena, struct str text, const struct json *value)
{
	struct str rest, element, key;
	size_t count = 0;
	switch (json_kind_of(value)) {
	case JSON_NULL:
		insist(str_equal(text, STR("null")), "null");
		break;
	case JSON_BOOL:
		insist(str_equal(text, STR("true")) || str_equal(text, STR("false")), "a truth");
		break;
	case JSON_INT:
	case JSON_DOUBLE:
		insist(strchr("-0123456789", text.ptr[0]) != NULL, "a number");
		break;
	case JSON_STRING:
		insist(text.ptr[0] == '"', "a string");
		check_string(arena, text, json_str(value));
		break;
	case JSON_ARRAY:
		insist(text.ptr[0] == '[', "an array");
		for (rest = json_inside(text); json_walk(&rest, &element); count++)
			check_value(arena, element, json_at(value, count));
		insist(count == json_length(value), "length of an array");
		break;
	case JSON_OBJECT:
		insist(text.ptr[0] == '{', "an object");
		rest = json_inside(text);
		while (json_walk(&rest, &key)) {
			insist(json_walk(&rest, &element), "a key has a value");
			if (memchr(key.ptr, '\\', key.len))
				continue; /* its spelling is not its name */
			key = json_inside(key);
			check_value(arena, element,
				json_get(value, arena_strndup(arena, key.ptr, key.len)));
		}
		break;
	}
}

/* A canonical form has to be whole, whatever the value. */
static void check_canonical(struct arena *arena, struct str text)
{
	struct buf once = { 0 }, spaced = { 0 }, again = { 0 };
	buf_add(&spaced, " \n", 2);
	buf_add(&spaced, text.ptr, text.len);
	buf_add(&spaced, "\t ", 2);
	json_canonical(arena, text, &once);
	json_canonical(arena, (struct str){ spaced.data, spaced.len }, &again);
	insist(once.len > 0, "a value has a form");
	insist(str_equal(
		       (struct str){ once.data, once.len }, (struct str){ again.data, again.len }),
		"space around a value is nothing");
	buf_free(&once);
	buf_free(&spaced);
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, rest = text, value, raw;
	char why[JSON_WHY_BYTES];
	if (json_scan(text, JSON_DEPTH_MAX, why) != OK) {
		/* nonsense in, nonsense out, but not a byte from elsewhere */
		if (json_raw(text, "a", &raw))
			insist(raw.ptr >= text.ptr && raw.ptr + raw.len <= text.ptr + text.len,
				"raw is inside");
		return 0;
	}
	struct arena *arena = arena_new();
	const struct json *document;
	insist(json_parse(arena, text, JSON_DEPTH_MAX, why, &document) == OK,
		"what passes the scan is parsed");
	insist(json_walk(&rest, &value), "a document is a value");
	check_value(arena, value, document);
	check_canonical(arena, text);
	arena_free(arena);
	return 0;
}
