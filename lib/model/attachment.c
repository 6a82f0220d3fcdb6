/* The one spelling of an attachment in JSON (attachment.h). */
#include "lib/model/attachment.h"

#include <stdio.h>

#include "lib/json_write.h"

/* null for 0. */
static void write_pixels(struct buf *buf, const char *key, int64_t pixels)
{
	json_write_key(buf, key);
	if (pixels > 0)
		json_write_int(buf, pixels);
	else
		json_write_null(buf);
}

/* Relative to the origin, whichever it is reached by. */
static void write_url(struct buf *buf, const char *key, const struct uuid *id, const char *below)
{
	char text[sizeof("/api/v1/attachments//thumbnail") + UUID_TEXT_LEN];
	char hex[UUID_TEXT_LEN + 1];

	uuid_format(id, hex);
	snprintf(text, sizeof(text), "/api/v1/attachments/%s%s", hex, below);
	json_write_key(buf, key);
	json_write_string(buf, text);
}

void attachment_write(struct buf *buf, const struct attachment *attachment)
{
	json_write_object(buf);
	json_write_key(buf, "id");
	json_write_uuid(buf, &attachment->id);
	json_write_key(buf, "name");
	json_write_str(buf, attachment->name);
	json_write_key(buf, "media_type");
	json_write_str(buf, attachment->media_type);
	json_write_key(buf, "size");
	json_write_int(buf, attachment->size);
	write_pixels(buf, "width", attachment->width);
	write_pixels(buf, "height", attachment->height);
	if (attachment->thumbnail_bytes > 0) {
		write_url(buf, "thumbnail_url", &attachment->id, "/thumbnail");
	} else {
		json_write_key(buf, "thumbnail_url");
		json_write_null(buf);
	}
	write_url(buf, "url", &attachment->id, "");
	json_write_object_end(buf);
}
