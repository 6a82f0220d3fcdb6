/* Lists of media types (media_type.h). Called by conf.c, rest/media.c and rest/handler/attachment.c. */
#include "lib/media_type.h"

/* A name of RFC 6838 section 4.2. */
static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
			(c == '\0' || !strchr("!#$&-^_.+", c)))
			return false;
	}
	return name.len > 0;
}

/* Before and behind the slash. */
static bool split(struct str type, struct str *main_type, struct str *sub_type)
{
	const char *slash = type.len > 0 ? memchr(type.ptr, '/', type.len) : NULL;

	if (!slash)
		return false;
	*main_type = (struct str){ type.ptr, (size_t)(slash - type.ptr) };
	*sub_type = (struct str){ slash + 1, type.len - main_type->len - 1 };
	return true;
}

static bool is_star(struct str name)
{
	return str_equal(name, STR("*"));
}

bool media_type_is(struct str text)
{
	struct str main_type, sub_type;

	return split(text, &main_type, &sub_type) && is_name(main_type) && is_name(sub_type);
}

enum err media_types_check(struct str list, struct str *bad)
{
	struct str word, main_type, sub_type;

	while (text_next_word(&list, &word)) {
		if (split(word, &main_type, &sub_type) &&
			(is_star(sub_type) || is_name(sub_type)) &&
			(is_name(main_type) || (is_star(main_type) && is_star(sub_type))))
			continue;
		*bad = word;
		return ERR_INVALID_INPUT;
	}
	return OK;
}

static bool covers(struct str range, struct str type)
{
	return is_star(range) || str_equal(range, type);
}

bool media_types_have(struct str list, struct str media_type)
{
	struct str word, main_type, sub_type, main_range, sub_range;

	if (!split(media_type, &main_type, &sub_type))
		return false;
	while (text_next_word(&list, &word)) {
		if (split(word, &main_range, &sub_range) && covers(main_range, main_type) &&
			covers(sub_range, sub_type))
			return true;
	}
	return false;
}
