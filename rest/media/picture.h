/* Pictures: how large one is, and a small one of it. */
#ifndef REST_MEDIA_PICTURE_H
#define REST_MEDIA_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PICTURE_PIXELS_MAX = 50 * 1000 * 1000,
	THUMBNAIL_PIXELS = 320, /* of the longer side, at most */
};

enum picture_state {
	PICTURE_GOOD,
	PICTURE_BROKEN, /* it cannot be decoded, or not all of it */
	PICTURE_HUGE	/* more than PICTURE_PIXELS_MAX */
};

struct picture {
	enum picture_state state;
	int width, height; /* as it is shown, that is, turned as its camera was held */
};

/* Makes ready for a file that begins so; program: argv[0]. False when that fails. */
bool picture_open(const char *program, const char *head, size_t size);

/* Looks at the file of fd, and writes its thumbnail, a WebP without metadata, to the empty file of thumb_fd. */
struct picture picture_look(int fd, int thumb_fd);

#endif
