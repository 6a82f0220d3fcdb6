/*
 * JSON in, as a tree: json-c behind the strict scan, and the typed fields that requests are read
 * by. Not for writing, and no rule of a single resource: those stand in lib/model.
 */
#include "lib/json_read.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

/* What is wrong, in a word that never changes and a sentence for people. */
struct complaint {
	const char *code;
	const char *detail;
};

static const struct complaint missing = { "required", "It is required." };
static const struct complaint too_short = { "too_short", "It is too short." };
static const struct complaint too_long = { "too_long", "It is too long." };
static const struct complaint no_uuid = { "bad_format", "It must be a UUID." };
static const struct complaint no_url = { "bad_format", "It must be an http or https URL." };
static const struct complaint has_control = { "bad_format",
	"It must not have control characters." };
static const struct complaint blank = { "bad_format", "It must not be blank." };
static const struct complaint no_integer = { "bad_type", "It must be an integer." };
static const struct complaint out_of_range = { "out_of_range", "It is out of range." };

static const struct complaint wrong_kinds[] = {
	[JSON_NULL] = { "bad_type", "It must be null." },
	[JSON_BOOL] = { "bad_type", "It must be true or false." },
	[JSON_INT] = { "bad_type", "It must be an integer." },
	[JSON_DOUBLE] = { "bad_type", "It must be a number." },
	[JSON_STRING] = { "bad_type", "It must be a string." },
	[JSON_ARRAY] = { "bad_type", "It must be an array." },
	[JSON_OBJECT] = { "bad_type", "It must be an object." },
};

static const enum json_kind kinds[] = {
	[json_type_null] = JSON_NULL,
	[json_type_boolean] = JSON_BOOL,
	[json_type_double] = JSON_DOUBLE,
	[json_type_int] = JSON_INT,
	[json_type_object] = JSON_OBJECT,
	[json_type_array] = JSON_ARRAY,
	[json_type_string] = JSON_STRING,
};

/* --- the tree --------------------------------------------------------------------------------- */

/* A struct json is json-c's object under another name; json-c takes even what it only reads as
 * mutable. */
static struct json_object *tree_of(const struct json *value)
{
	return (struct json_object *)(uintptr_t)value;
}

static const struct json *value_of(const struct json_object *tree)
{
	return (const struct json *)tree;
}

static void tree_free(void *tree)
{
	json_object_put(tree);
}

/* Does an escaped surrogate pair begin here? */
static bool is_pair(struct str text)
{
	return text.len >= 12 && text.ptr[1] == 'u' && (text.ptr[2] | 0x20) == 'd' &&
	       memchr("89abAB", text.ptr[3], 6) != NULL;
}

/*
 * The text with characters in place of escaped surrogate pairs. json-c 0.16 takes the 32768 code points
 * whose low 16 bits look like a surrogate (U+2D800, an ideograph) for one and puts U+FFFD in their place:
 * https://github.com/json-c/json-c/pull/893
 */
static struct str pairs_unescape(struct arena *arena, struct str text)
{
	if (!memmem(text.ptr, text.len, "\\ud", 3) && !memmem(text.ptr, text.len, "\\uD", 3))
		return text;
	char *out = arena_alloc(arena, text.len);
	size_t len = 0;
	while (text.len > 0) {
		if (*text.ptr == '\\' && is_pair(text)) {
			len += json_char_put(json_char(&text), out + len);
			continue;
		}
		/* An escape is copied whole, so that the end of one is not taken for the next. */
		size_t step = *text.ptr == '\\' ? 2 : 1;
		memcpy(out + len, text.ptr, step);
		len += step;
		text = (struct str){ text.ptr + step, text.len - step };
	}
	return (struct str){ out, len };
}

/* The tree of a scanned text; NULL for null, with *done true. */
static struct json_object *tree_parse(struct str text, unsigned max_depth, bool *done)
{
	/* json-c counts one level more for what stands inside the innermost brackets. */
	struct json_tokener *tokener = json_tokener_new_ex((int)max_depth + 2);
	if (tokener == NULL) {
		*done = false;
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	struct json_object *tree = json_tokener_parse_ex(tokener, text.ptr, (int)text.len);
	/* A number or word at the very end might go on; a NUL tells that it does not. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		tree = json_tokener_parse_ex(tokener, "", 1);
	*done = json_tokener_get_error(tokener) == json_tokener_success;
	json_tokener_free(tokener);
	return tree;
}

enum err json_parse(struct arena *arena, struct str text, unsigned max_depth,
	char why[JSON_WHY_BYTES], const struct json **out)
{
	enum err err = json_scan(text, max_depth, why);
	if (err != OK)
		return err;
	bool done;
	if (max_depth > JSON_DEPTH_LIMIT)
		max_depth = JSON_DEPTH_LIMIT;
	struct json_object *tree = tree_parse(pairs_unescape(arena, text), max_depth, &done);
	if (tree != NULL)
		arena_defer(arena, tree_free, tree);
	if (!done) {
		snprintf(why, JSON_WHY_BYTES, "the parser refuses it");
		return ERR_MALFORMED;
	}
	*out = value_of(tree);
	return OK;
}

enum json_kind json_kind_of(const struct json *value)
{
	return kinds[json_object_get_type(tree_of(value))];
}

const struct json *json_get(const struct json *object, const char *key)
{
	struct json_object *member = NULL;
	if (json_kind_of(object) != JSON_OBJECT)
		return NULL;
	json_object_object_get_ex(tree_of(object), key, &member);
	return value_of(member);
}

bool json_is_null(const struct json *object, const char *key)
{
	struct json_object *member = NULL;
	return json_kind_of(object) == JSON_OBJECT &&
	       json_object_object_get_ex(tree_of(object), key, &member) && member == NULL;
}

size_t json_length(const struct json *array)
{
	if (json_kind_of(array) != JSON_ARRAY)
		return 0;
	return json_object_array_length(tree_of(array));
}

const struct json *json_at(const struct json *array, size_t i)
{
	if (json_kind_of(array) != JSON_ARRAY)
		return NULL;
	return value_of(json_object_array_get_idx(tree_of(array), i));
}

struct str json_str(const struct json *value)
{
	if (json_kind_of(value) != JSON_STRING)
		return (struct str){ NULL, 0 };
	struct json_object *tree = tree_of(value);
	return (struct str){ json_object_get_string(tree),
		(size_t)json_object_get_string_len(tree) };
}

bool json_int(const struct json *value, int64_t min, int64_t max, int64_t *out)
{
	if (json_kind_of(value) != JSON_INT)
		return false;
	/* json-c keeps the nearest it can hold of what is too big: unsigned above, INT64_MIN below.
	 */
	int64_t number = json_object_get_int64(tree_of(value));
	if (number == INT64_MIN ||
		(number > 0 && json_object_get_uint64(tree_of(value)) > INT64_MAX))
		return false;
	if (number < min || number > max)
		return false;
	*out = number;
	return true;
}

/* --- fields ----------------------------------------------------------------------------------- */

/* Notes it; false, so that a reader can return it. */
static bool complain(struct faults *faults, const char *field, const struct complaint *complaint)
{
	fault_add(faults, field, complaint->code, complaint->detail);
	return false;
}

/* The field when it is there and of this kind; NULL otherwise, with what is wrong noted. */
static const struct json *field_get(const struct json *object, const char *key, enum json_need need,
	enum json_kind kind, struct faults *faults)
{
	const struct json *value = json_get(object, key);
	if (value == NULL) {
		if (need == JSON_REQUIRED)
			complain(faults, key, &missing);
		return NULL;
	}
	if (json_kind_of(value) != kind) {
		complain(faults, key, &wrong_kinds[kind]);
		return NULL;
	}
	return value;
}

bool json_read_top(const struct json *document, struct faults *faults)
{
	if (json_kind_of(document) == JSON_OBJECT)
		return true;
	return complain(faults, "", &wrong_kinds[JSON_OBJECT]);
}

bool json_read_array(const struct json *object, const char *key, enum json_need need, size_t max,
	struct faults *faults, const struct json **out)
{
	const struct json *value = field_get(object, key, need, JSON_ARRAY, faults);
	if (value == NULL)
		return false;
	if (json_length(value) > max)
		return complain(faults, key, &too_long);
	*out = value;
	return true;
}

bool json_read_bool(const struct json *object, const char *key, enum json_need need,
	struct faults *faults, bool *out)
{
	const struct json *value = field_get(object, key, need, JSON_BOOL, faults);
	if (value == NULL)
		return false;
	*out = json_object_get_boolean(tree_of(value));
	return true;
}

bool json_read_int(const struct json *object, const char *key, enum json_need need, int64_t min,
	int64_t max, struct faults *faults, int64_t *out)
{
	const struct json *value = json_get(object, key);
	if (value != NULL && json_kind_of(value) == JSON_DOUBLE)
		return complain(faults, key, &no_integer);
	value = field_get(object, key, need, JSON_INT, faults);
	if (value == NULL)
		return false;
	if (!json_int(value, min, max, out))
		return complain(faults, key, &out_of_range);
	return true;
}

bool json_read_uuid(const struct json *object, const char *key, enum json_need need,
	struct faults *faults, struct uuid *out)
{
	const struct json *value = field_get(object, key, need, JSON_STRING, faults);
	if (value == NULL)
		return false;
	if (uuid_parse(json_str(value), out) != OK)
		return complain(faults, key, &no_uuid);
	return true;
}

bool json_read_bytes(const struct json *object, const char *key, enum json_need need, size_t min,
	size_t max, struct faults *faults, struct str *out)
{
	const struct json *value = field_get(object, key, need, JSON_STRING, faults);
	if (value == NULL)
		return false;
	struct str text = json_str(value);
	if (text.len < min)
		return complain(faults, key, &too_short);
	if (text.len > max)
		return complain(faults, key, &too_long);
	*out = text;
	return true;
}

bool json_read_name(const struct json *object, const char *key, enum json_need need, size_t min,
	size_t max, struct faults *faults, struct str *out)
{
	const struct json *value = field_get(object, key, need, JSON_STRING, faults);
	if (value == NULL)
		return false;
	struct str text = json_str(value);
	size_t chars = text_code_points(text);
	if (chars < min)
		return complain(faults, key, &too_short);
	if (chars > max)
		return complain(faults, key, &too_long);
	if (text_has_control(text))
		return complain(faults, key, &has_control);
	if (min > 0 && text_is_blank(text))
		return complain(faults, key, &blank);
	*out = text;
	return true;
}

static bool is_alnum(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z');
}

/* "http://" or "https://", a host, no user in front of it, and only what RFC 3986 lets into a URL.
 */
static bool is_url(struct str url)
{
	static const struct str schemes[] = { STR("http://"), STR("https://") };
	size_t host = 0;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		struct str start = { url.ptr, schemes[i].len };
		if (url.len > schemes[i].len && str_equal_nocase(start, schemes[i]))
			host = schemes[i].len;
	}
	if (host == 0 || (!is_alnum(url.ptr[host]) && url.ptr[host] != '['))
		return false;
	for (size_t i = host; i < url.len && !strchr("/?#", url.ptr[i]); i++) {
		if (url.ptr[i] == '@')
			return false;
	}
	for (size_t i = host; i < url.len; i++) {
		if (!is_alnum(url.ptr[i]) && !strchr("-._~:/?#[]@!$&'()*+,;=%", url.ptr[i]))
			return false;
	}
	return true;
}

bool json_read_url(const struct json *object, const char *key, enum json_need need, size_t max,
	struct faults *faults, struct str *out)
{
	struct str url;
	if (!json_read_bytes(object, key, need, 0, max, faults, &url))
		return false;
	if (!is_url(url))
		return complain(faults, key, &no_url);
	*out = url;
	return true;
}

bool json_read_object(const struct json *object, struct str document, const char *key,
	enum json_need need, size_t max, struct faults *faults, struct str *out)
{
	struct str raw;
	if (field_get(object, key, need, JSON_OBJECT, faults) == NULL)
		return false;
	bool found = json_raw(document, key, &raw);
	assert(found);
	if (!found || raw.len > max)
		return complain(faults, key, &too_long);
	*out = raw;
	return true;
}
