/* The one who asks parley-media (media.h). Called by rest/handler/attachment.c. */
#include "rest/media.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/json_read.h"
#include "lib/log.h"
#include "lib/media_type.h"
#include "lib/time.h"
#include "rest/child.h"

enum {
	PATIENCE_US =
		12000000, /* more than its seconds of CPU (rest/media/sandbox.c), as others run, too */
	ANSWER_MAX = 512,
	ANSWER_DEPTH = 1,
	TYPE_MIN = 3, /* bytes, as the table attachments has it */
	TYPE_MAX = 127,
};

static bool picture_parse(struct str name, enum picture_answer *out)
{
	static const char *const names[] = {
		[PICTURE_ANSWER_NONE] = "none",
		[PICTURE_ANSWER_GOOD] = "good",
		[PICTURE_ANSWER_BROKEN] = "broken",
		[PICTURE_ANSWER_HUGE] = "huge",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_equal(name, str_of(names[i]))) {
			*out = (enum picture_answer)i;
			return true;
		}
	}
	return false;
}

/* False when it is no whole answer: what decodes the bytes of strangers is not believed everything either. */
static bool answer_parse(struct arena *arena, struct str text, struct media *out)
{
	char why[JSON_WHY_BYTES];
	const struct json *json;
	struct media media;

	if (text.len == 0 || text.ptr[text.len - 1] != '\n' ||
		json_parse(arena, text, ANSWER_DEPTH, why, &json) != OK)
		return false;
	media.media_type = json_str(json_get(json, "media_type"));
	if (media.media_type.len < TYPE_MIN || media.media_type.len > TYPE_MAX ||
		!media_type_is(media.media_type) ||
		!picture_parse(json_str(json_get(json, "picture")), &media.picture) ||
		!json_int(json_get(json, "width"), 0, INT32_MAX, &media.width) ||
		!json_int(json_get(json, "height"), 0, INT32_MAX, &media.height) ||
		!json_int(json_get(json, "thumbnail_bytes"), 0, INT32_MAX, &media.thumbnail_bytes))
		return false;
	if (media.picture == PICTURE_ANSWER_GOOD && (media.width == 0 || media.height == 0))
		return false;
	if (media.picture != PICTURE_ANSWER_GOOD) /* then none of these counts */
		media.width = media.height = media.thumbnail_bytes = 0;
	*out = media;
	return true;
}

/* The same file for reading alone: under its hash it may be others', too, so that what decodes it must not change it. -1, with errno. */
static int reading(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

enum err media_look(struct arena *arena, struct shm *shm, int fd, int thumb_fd, struct media *out)
{
	struct child_call call = {
		.name = "parley-media",
		.in = reading(fd),
		.files = { thumb_fd },
		.nfiles = 1,
		.patience_us = PATIENCE_US,
	};
	char *text = arena_alloc(arena, ANSWER_MAX);
	int64_t start_us = time_mono_us(), took_ms;
	size_t len;
	enum err err;

	if (call.in < 0) {
		log_error_errno("what was uploaded cannot be read");
		return ERR_UNAVAILABLE;
	}
	err = child_ask(&call, text, ANSWER_MAX, &len);
	close(call.in);
	if (err != OK)
		return err;
	took_ms = (time_mono_us() - start_us) / 1000;
	shm_count(shm, SHM_MEDIA_STARTED);
	shm_add(shm, SHM_MEDIA_MS, (uint64_t)took_ms);
	if (answer_parse(arena, (struct str){ text, len }, out))
		return OK;
	shm_count(shm, SHM_MEDIA_KILLED);
	log_warn("parley-media gave no answer", LOG_INT("duration_ms", took_ms));
	*out = (struct media){ .media_type = STR("application/octet-stream"),
		.picture = PICTURE_ANSWER_BROKEN };
	return OK;
}
