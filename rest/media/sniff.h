/* What a file is, by its first bytes. What is claimed of it counts for nothing. */
#ifndef REST_MEDIA_SNIFF_H
#define REST_MEDIA_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

struct sniffed {
	const char *media_type; /* of the table in sniff.c; a literal */
	bool is_picture;	/* that has a size, and can be made smaller */
};

enum {
	SNIFF_BYTES = 256 * 1024 /* of the beginning are looked at */
};

/* Loads libmagic's database. False when it is not to be had. */
bool sniff_open(void);

/* Will sniff() say picture of a file that begins so? A look at a few bytes, which takes nothing and trusts nothing: false means no; true means perhaps. */
bool sniff_picture_likely(const char *head, size_t size);

struct sniffed sniff(const void *bytes, size_t size);

#endif
