/* What a file is: asked of parley-media (rest/media/), a process for each file that can do nothing else. */
#ifndef REST_MEDIA_H
#define REST_MEDIA_H

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/shm.h"
#include "lib/text.h"

enum picture_answer {
	PICTURE_ANSWER_NONE, /* it is no picture */
	PICTURE_ANSWER_GOOD,
	PICTURE_ANSWER_BROKEN,
	PICTURE_ANSWER_HUGE
};

struct media {
	struct str media_type;
	enum picture_answer picture;
	int64_t width, height;	 /* of a good one, as it is shown */
	int64_t thumbnail_bytes; /* of what was written to the thumbnail's file */
};

/*
 * Looks at the file of fd, and writes the thumbnail of a picture to the empty file of thumb_fd. A process that gives no answer,
 * because it took too long or fell, is answered as a picture that is broken: the file is at fault. ERR_UNAVAILABLE, logged: it could not be
 * started.
 */
must_check enum err media_look(
	struct arena *arena, struct shm *shm, int fd, int thumb_fd, struct media *out);

#endif
