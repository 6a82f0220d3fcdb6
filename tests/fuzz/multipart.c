/*
 * Any bytes as a form, the first of them the size of the pieces in which it comes: what is found does not depend on that, and names of
 * files are well-formed and lead nowhere.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/filename.h"
#include "lib/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found {
	struct arena *arena;
	struct buf told;
};

static void name_check(struct str name)
{
	if (name.len == 0 || name.len > FILENAME_MAX_BYTES || !text_is_utf8(name) ||
		text_has_control(name) || memchr(name.ptr, '/', name.len) ||
		memchr(name.ptr, '\\', name.len) || str_equal(name, STR(".")) ||
		str_equal(name, STR("..")))
		abort();
}

static enum err on_head(void *context, struct str head)
{
	struct found *found = context;
	struct str disposition = multipart_header(head, "Content-Disposition"), name;

	for (int form = 0; form < 2; form++) {
		if (filename_of(found->arena, disposition, form, &name) == OK)
			name_check(name);
	}
	buf_add_char(&found->told, '[');
	buf_add(&found->told, head.ptr, head.len);
	return OK;
}

static enum err on_content(void *context, struct str piece)
{
	struct found *found = context;

	buf_add(&found->told, piece.ptr, piece.len);
	return OK;
}

static enum err on_end(void *context)
{
	struct found *found = context;

	buf_add_char(&found->told, ']');
	return OK;
}

static enum err parse(struct found *found, struct str text, size_t piece_bytes)
{
	struct multipart_sink sink = { found, on_head, on_content, on_end };
	struct multipart parts;
	enum err err = multipart_begin(
		found->arena, STR("multipart/form-data; boundary=xx"), &sink, &parts);

	while (text.len > 0 && err == OK) {
		struct str piece = { text.ptr, text.len < piece_bytes ? text.len : piece_bytes };

		err = multipart_feed(&parts, piece);
		text.ptr += piece.len;
		text.len -= piece.len;
	}
	return err == OK ? multipart_finish(&parts) : err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct found whole = { arena_new(), { 0 } }, cut = { arena_new(), { 0 } };
	struct str text = { (const char *)data + 1, size - 1 };
	enum err err, cut_err;

	if (size > 0) {
		err = parse(&whole, text, text.len);
		cut_err = parse(&cut, text, 1 + data[0] % 16u);
		if (err != cut_err || whole.told.len != cut.told.len ||
			(cut.told.len > 0 &&
				memcmp(whole.told.data, cut.told.data, cut.told.len) != 0))
			abort();
	}
	arena_free(whole.arena);
	arena_free(cut.arena);
	buf_free(&whole.told);
	buf_free(&cut.told);
	return 0;
}
