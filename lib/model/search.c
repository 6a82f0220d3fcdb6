/* What was found by a search in messages (search.h). Called by rest/handler/search.c. */
#include "lib/model/search.h"

#include <stdbool.h>

#include "lib/json_write.h"

enum {
	TEXT_MAX_CHARS = 256,
	/* code points of a snippet, and of them before the first word that fits */
	SNIPPET_CHARS = 200,
	BEFORE_CHARS = 50,
	HIGHLIGHTS_MAX = 32,
};

/* Code points, the end exclusive. */
struct range {
	size_t begin;
	size_t end;
};

bool search_text_read(struct str text, struct faults *faults)
{
	if (text_is_blank(text))
		fault_add(faults, "q", "required", "Say what is looked for.");
	else if (text_code_points(text) > TEXT_MAX_CHARS)
		fault_add(faults, "q", "too_long", "It is too long.");
	else
		return true;
	return false;
}

static bool begins_char(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

/* Where the marks of a text are, without them; *count of them, at most HIGHLIGHTS_MAX. */
static void marks_find(struct str marked, struct range out[HIGHLIGHTS_MAX], size_t *count)
{
	size_t at = 0, begin = 0;
	*count = 0;
	for (size_t i = 0; i < marked.len && *count < HIGHLIGHTS_MAX; i++) {
		if (marked.ptr[i] == SEARCH_MARK_BEGIN)
			begin = at;
		else if (marked.ptr[i] == SEARCH_MARK_END)
			out[(*count)++] = (struct range){ begin, at };
		else if (begins_char(marked.ptr[i]))
			at++;
	}
}

/* Bytes before the code point at place; all when there are not so many. */
static size_t char_offset(struct str text, size_t place)
{
	size_t i = 0;
	for (; i < text.len; i++) {
		if (begins_char(text.ptr[i]) && place-- == 0)
			break;
	}
	return i;
}

static struct str text_slice(struct str text, struct range range)
{
	size_t from = char_offset(text, range.begin);
	struct str rest = { text.ptr + from, text.len - from };
	return (struct str){ rest.ptr, char_offset(rest, range.end - range.begin) };
}

/* What of a text of total code points is shown when the first that fits begins at first. */
static struct range snippet_range(struct str body, size_t total, size_t first)
{
	if (total <= SNIPPET_CHARS)
		return (struct range){ 0, total };
	size_t begin = first > BEFORE_CHARS ? first - BEFORE_CHARS : 0;
	if (begin > total - SNIPPET_CHARS)
		begin = total - SNIPPET_CHARS;
	/* with a whole word, if one begins there or before what fits */
	if (begin > 0) {
		struct str before = text_slice(body, (struct range){ begin - 1, first });
		const char *blank = memchr(before.ptr, ' ', before.len);
		if (blank)
			begin += text_code_points(
				(struct str){ before.ptr, (size_t)(blank - before.ptr) });
	}
	size_t end = begin + SNIPPET_CHARS;
	return (struct range){ begin, end < total ? end : total };
}

void search_hit_write(struct buf *buf, const struct search_hit *hit)
{
	struct range marks[HIGHLIGHTS_MAX];
	size_t count, total = text_code_points(hit->message.body);
	marks_find(hit->marked, marks, &count);
	struct range shown =
		snippet_range(hit->message.body, total, count > 0 ? marks[0].begin : 0);

	json_write_object(buf);
	json_write_key(buf, "message");
	message_write(buf, &hit->message);
	json_write_key(buf, "snippet");
	json_write_str(buf, text_slice(hit->message.body, shown));
	json_write_key(buf, "highlights");
	json_write_array(buf);
	for (size_t i = 0; i < count && marks[i].end <= shown.end; i++) {
		json_write_array(buf);
		json_write_int(buf, (int64_t)(marks[i].begin - shown.begin));
		json_write_int(buf, (int64_t)(marks[i].end - shown.begin));
		json_write_array_end(buf);
	}
	json_write_array_end(buf);
	json_write_object_end(buf);
}
