/* The form of a token (jws.h). Called by jose.c and idp.c. */
#include "lib/jws.h"

#include <string.h>

bool jws_split(struct str token, struct jws *out)
{
	const char *dot = memchr(token.ptr, '.', token.len);
	if (!dot)
		return false;
	const char *second = dot + 1;
	const char *dot2 = memchr(second, '.', token.len - (size_t)(second - token.ptr));
	if (!dot2)
		return false;
	*out = (struct jws){
		.header = { token.ptr, (size_t)(dot - token.ptr) },
		.payload = { second, (size_t)(dot2 - second) },
		.signature = { dot2 + 1, token.len - (size_t)(dot2 + 1 - token.ptr) },
		.covered = { token.ptr, (size_t)(dot2 - token.ptr) },
	};
	return true;
}
