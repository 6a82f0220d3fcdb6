/*
 * What one emoji is, as far as Unicode's grammar says it (UTS #51, Unicode 17.0), and the one spelling of it. Called by
 * rest/handler/reaction.c.
 */
#ifndef LIB_EMOJI_H
#define LIB_EMOJI_H

#include "lib/err.h"
#include "lib/text.h"

enum {
	EMOJI_MAX_BYTES = 64
};

/*
 * text to the spelling that stands for it, with its NUL: U+FE0F, which asks for a picture, behind each sign that is shown as text
 * without it, and nowhere else, so that two people who mean the same are counted together. One emoji is a sign with or
 * without a skin tone, several of them joined by U+200D, a keycap, a flag by two letters, or a flag of a region by tags
 * (whether there is such a flag, or a picture of such a family, is not looked at). ERR_INVALID_INPUT: it is none, or longer
 * than EMOJI_MAX_BYTES.
 */
must_check enum err emoji_read(struct str text, char out[EMOJI_MAX_BYTES + 1]);

#endif
