/* Entity tags (etag.h). Called by rest/handler/download.c. */
#include "lib/etag.h"

/* Of a list, without the commas and blanks before it. */
static struct str list_skip(struct str list)
{
	while (list.len > 0 && (list.ptr[0] == ',' || list.ptr[0] == ' ' || list.ptr[0] == '\t')) {
		list.ptr++;
		list.len--;
	}
	return list;
}

/* Cuts the next tag off the list, with its quotes and without the W/; false at the end, or where there is none. */
static bool tag_next(struct str *list, struct str *tag, bool *is_weak)
{
	const char *end;

	*list = list_skip(*list);
	*is_weak = str_starts(*list, STR("W/"));
	if (*is_weak) {
		list->ptr += 2;
		list->len -= 2;
	}
	if (list->len < 2 || list->ptr[0] != '"')
		return false;
	end = memchr(list->ptr + 1, '"', list->len - 1);
	if (!end)
		return false;
	*tag = (struct str){ list->ptr, (size_t)(end + 1 - list->ptr) };
	list->ptr += tag->len;
	list->len -= tag->len;
	return true;
}

bool etag_listed(struct str list, struct str etag, bool weak)
{
	struct str tag;
	bool is_weak;

	if (str_equal(str_trim(list), STR("*")))
		return true;
	while (tag_next(&list, &tag, &is_weak)) {
		if ((weak || !is_weak) && str_equal(tag, etag))
			return true;
	}
	return false;
}
